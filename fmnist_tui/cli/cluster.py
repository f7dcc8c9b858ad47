"""--on and the options of Slurm jobs, for every command that starts trainings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import click

from fmnist_tui.cli.output import show_for_now
from fmnist_tui.models.options import ConfigError
from fmnist_tui.paths import AppPaths
from fmnist_tui.runs.cluster.options import LOCAL, SLURM, Launch, checked_options, checked_target
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.queue.options import QueueOptions
from fmnist_tui.runs.queue.submit import Submitted
from fmnist_tui.user_settings import read_user_settings

Command = TypeVar("Command", bound=Callable[..., Any])

_ON_HELP = "Where to train: here, as Slurm jobs, or on another machine that shares the folder."
_GIVEN = ("partition", "time", "gpus", "sbatch")
_ELSEWHERE_IN_APP = "--in-app trains in this process, not elsewhere: leave out --on or --in-app"


@dataclass(frozen=True)
class Cluster:
    """Where a command line asks to train.

    Attributes:
        launch: The target with all options; None if the command line has no --on.
        given: The options of Slurm jobs that it has.
    """

    launch: Launch | None
    given: dict[str, Any]

    @property
    def is_elsewhere(self) -> bool:
        """Whether it names another place than this machine."""
        return self.launch is not None and self.launch.target != LOCAL

    @property
    def is_slurm(self) -> bool:
        """Whether it asks for Slurm jobs."""
        return self.launch is not None and self.launch.target == SLURM


def cluster_options(command: Command) -> Command:
    """--on, --partition, --time, --gpus and --sbatch, passed together as `cluster`."""

    @wraps(command)
    def with_cluster(*args: Any, on: str | None, **options: Any) -> Any:
        given = {name: options.pop(name) for name in _GIVEN}
        given = {name: value for name, value in given.items() if value not in (None, ())}
        cluster = _cluster(on, given)
        if cluster.is_elsewhere and options.get("in_app"):
            raise click.UsageError(_ELSEWHERE_IN_APP, click.get_current_context())
        return command(*args, cluster=cluster, **options)

    decorated: Any = with_cluster
    for option in reversed(
        (
            click.option("--on", metavar="local|slurm|ssh:HOST", help=_ON_HELP),
            click.option("--partition", metavar="NAME", help="Slurm: the partition."),
            click.option("--time", metavar="LIMIT", help="Slurm: the time limit, 4:00:00; the run goes on after it."),
            click.option("--gpus", type=int, metavar="N", help="Slurm: GPUs of each job."),
            click.option("--sbatch", multiple=True, metavar="OPTION", help="Slurm: --sbatch=--mem=8G (repeatable)."),
        )
    ):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def _cluster(on: str | None, given: dict[str, Any]) -> Cluster:
    """What was asked for, checked; a mistake is wrong usage."""
    try:
        if on is None:
            return Cluster(None, given)
        target = checked_target(on)
        if target != SLURM:
            if given:
                raise ConfigError(f"--{next(iter(given))} is for --on slurm")
            return Cluster(Launch(target=target), given)
        return Cluster(Launch(target=target, slurm=checked_options(read_user_settings().slurm, **given)), given)
    except ConfigError as error:
        raise click.UsageError(str(error), click.get_current_context()) from None


def resumed_on(cluster: Cluster, launch: Launch) -> Launch:
    """Where to resume a run: where the command line says, else where it was started last, with what it changes."""
    if cluster.launch is not None:
        return cluster.launch
    if not cluster.given:
        return launch
    if launch.target != SLURM:
        raise click.UsageError(f"--{next(iter(cluster.given))} is for --on slurm", click.get_current_context())
    try:
        return Launch(target=SLURM, slurm=checked_options(launch.slurm, **cluster.given))
    except ConfigError as error:
        raise click.UsageError(str(error), click.get_current_context()) from None


def prepare_for_slurm(device: str, folders: AppPaths) -> None:
    """Fetch the data, since nodes often have no internet, and refuse to choose between GPUs that Slurm assigns."""
    from fmnist_tui.cli.data import announce_downloads  # imports NumPy
    from fmnist_tui.data import load

    if device.startswith("cuda:"):
        raise click.UsageError(f"Slurm chooses the GPU: --device cuda, not {device}", click.get_current_context())
    try:
        load(folders.data, folders.cache, announce_downloads())
    finally:
        show_for_now("")


def submitter(
    launch: Launch, queueing: QueueOptions, *, are_new: bool
) -> Callable[[Sequence[RunDirectory]], Submitted]:
    """What starts runs there; new runs that a cluster refuses are deleted again."""

    def submit(runs: Sequence[RunDirectory]) -> Submitted:
        from fmnist_tui.runs.cluster.submit import discard_new, submit_to

        submitted = submit_to(launch.target, runs, launch.slurm, queueing)
        if are_new and not submitted.is_here:
            discard_new(list(submitted.failed))
        return submitted

    return submit
