"""The `sweep` command: searching for settings; each subcommand but the first names a sweep."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click

from fmnist_tui.cli.cluster import Cluster, cluster_options, prepare_for_slurm, resumed_on
from fmnist_tui.cli.options import data_option, json_option, recipe_option, runs_option
from fmnist_tui.cli.output import print_columns, print_json
from fmnist_tui.cli.sweep_follow import follow_sweep, print_sweep
from fmnist_tui.cli.train import SET_HELP, complete_model, given_settings, model_names, too_many_threads
from fmnist_tui.errors import RunError
from fmnist_tui.models.options import ConfigError
from fmnist_tui.paths import app_paths, runs_folder
from fmnist_tui.runs.cluster.options import SLURM, Launch, saved_launch
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.sweeps.directory import MOST_SEEDS, MOST_TRIALS, SweepDirectory, find_sweep, list_sweeps
from fmnist_tui.sweeps.samplers import SAMPLERS
from fmnist_tui.text import safe
from fmnist_tui.training.config import NoPyTorchError
from fmnist_tui.training.recipe_files import RecipeFile

_HELP = {
    "set": f"{SET_HELP} Several values are searched: log:1e-4:1e-2, 0:0.5, or A,B,C.",
    "trials": "How many combinations to try; without it, all of a grid.",
    "sampler": "random is the default with --trials; grid, without, tries all combinations; tpe learns (needs Optuna).",
    "halving": "Train all trials for a few epochs, the best third of them three times as long, and so on.",
    "min_epochs": "Epochs before trials are compared for the first time.",
    "eta": "With --halving, one of N trials goes on.",
    "retrain": "Retrain the winner with K other seeds, each scored once.",
    "workers": "Trials at a time; by default one on each GPU of this machine, or one Slurm task.",
    "seed": "Of the sampler, and of each trial's training.",
    "limit": "Use only N training images.",
}


class _StartContext(click.Context):
    """The context of `sweep MODEL ...`, whose errors name what a user can type."""

    @property
    def command_path(self) -> str:
        """The group's: "fmnist-tui sweep"."""
        return self.parent.command_path if self.parent else super().command_path


class _Start(click.Command):
    context_class = _StartContext


class _Sweep(click.Group):
    """A group whose default subcommand starts a sweep: `sweep MODEL ...`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["start", *args]
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, "MODEL --set NAME=VALUES... [OPTIONS]")
        formatter.write_usage(ctx.command_path, "list|show|watch|stop|resume|work [SWEEP] [OPTIONS]", prefix="       ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        start_command.format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


@click.group("sweep", cls=_Sweep, no_args_is_help=True)
def sweep_command() -> None:
    """Search for a model's best settings, by validation accuracy.

    A sweep is a folder in the runs folder: it can be stopped, resumed, extended and watched, also from other machines
    that share the folder. Trials never score the test images; the winner is retrained with other seeds and scored.
    """


def _counts(most: int, least: int = 1) -> click.IntRange:
    return click.IntRange(least, most)


@sweep_command.command("start", cls=_Start, hidden=True)
@click.argument("model", shell_complete=complete_model)
@recipe_option
@click.option("--set", "given", multiple=True, metavar="NAME=VALUES", help=_HELP["set"])
@click.option("--trials", type=_counts(MOST_TRIALS), metavar="N", help=_HELP["trials"])
@click.option("--sampler", type=click.Choice(SAMPLERS), help=_HELP["sampler"])
@click.option("--halving", is_flag=True, help=_HELP["halving"])
@click.option("--min-epochs", type=_counts(10_000), metavar="N", help=_HELP["min_epochs"])
@click.option("--eta", type=_counts(1000, 2), metavar="N", help=_HELP["eta"])
@click.option(
    "--retrain-seeds", type=_counts(MOST_SEEDS, 0), default=3, show_default=True, metavar="K", help=_HELP["retrain"]
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 200), default=0, show_default=True, metavar="N", help=_HELP["seed"]
)
@click.option("--epochs", type=int, metavar="N", help="Epochs of a whole training, instead of the recipe's.")
@click.option("--limit", type=int, metavar="N", help=_HELP["limit"])
@click.option("--workers", type=_counts(1000), metavar="N", help=_HELP["workers"])
@click.option("--device", default="auto", show_default=True, metavar="D", help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--threads", type=int, default=0, metavar="N", help="CPU threads of a trial; 0 for all.")
@click.option("--detach", is_flag=True, help="Print the sweep's id and return; it continues in the background.")
@cluster_options
@data_option
@runs_option
def start_command(
    model: str,
    recipe: str | RecipeFile,
    given: tuple[str, ...],
    halving: bool,  # noqa: FBT001
    min_epochs: int | None,
    eta: int | None,
    epochs: int | None,
    limit: int | None,
    device: str,
    threads: int,
    detach: bool,  # noqa: FBT001
    cluster: Cluster,
    data: str | None,
    runs: str | None,
    **asked: Any,
) -> None:
    """Search for the best settings of MODEL, and retrain the winner."""
    from fmnist_tui.sweeps.start import SweepRequest, request_sweep

    ctx = click.get_current_context()
    launch = _launch(cluster, Launch())
    if not halving and (min_epochs or eta):
        raise click.UsageError("--min-epochs and --eta belong to --halving", ctx)
    if model == "all":
        raise click.UsageError("a sweep searches the settings of one model", ctx)
    folders = app_paths(runs, data)
    (name,) = model_names((model,), folders.data, folders.cache)
    recipes = {"recipe": "tuned", "recipe_file": recipe} if isinstance(recipe, RecipeFile) else {"recipe": recipe}
    settings = given_settings(given, {"epochs": epochs}, "auto")
    if cluster.is_slurm:
        prepare_for_slurm(device, folders)
    asked |= {"halving": halving, "min_epochs": min_epochs or 1, **({"eta": eta} if eta else {})}
    try:
        sweep, warning = request_sweep(
            SweepRequest(model=name, given=settings, **asked),
            folders,
            here=not cluster.is_slurm,
            changes={"epochs": epochs},
            limit=limit,
            device=device,
            threads=threads,
            **recipes,
        )
    except NoPyTorchError:
        raise
    except ConfigError as error:
        raise click.UsageError(str(error), ctx) from None
    for line in filter(None, [warning, "" if cluster.is_slurm else too_many_threads(threads)]):
        click.echo(f"warning: {safe(line)}", err=True)
    workers = _start_new(sweep, launch)
    if detach:
        click.echo(sweep.sweep_id)
        return
    sys.exit(follow_sweep(sweep, workers))


def _launch(cluster: Cluster, last: Launch) -> Launch:
    """Where to start workers: where the command line says, else where they were started last."""
    if cluster.is_elsewhere and not cluster.is_slurm:
        why = "a sweep starts workers here or with --on slurm; on other machines start some with: fmnist-tui sweep work"
        raise click.UsageError(why, click.get_current_context())
    return resumed_on(cluster, last)


def _start_new(sweep: SweepDirectory, launch: Launch) -> list[subprocess.Popen[bytes]]:
    """Start the workers; a new sweep that a cluster refuses is deleted again."""
    from fmnist_tui.sweeps.start import discard_sweep, start_workers

    try:
        return start_workers(sweep, launch=launch)
    except RunError:
        if launch.target == SLURM:
            discard_sweep(sweep)
        raise


def _sweep_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.argument("ref", metavar="[SWEEP]", default="last", shell_complete=_complete_sweep)(command)


def _complete_sweep(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    with suppress(RunError):
        known = list_sweeps(runs_folder(ctx.params.get("runs")))
        return [name for name in ("last", *(sweep.sweep_id for sweep in known)) if name.startswith(incomplete)]
    return []


@sweep_command.command("list")
@json_option
@runs_option
def list_command(as_json: bool, runs: str | None) -> None:  # noqa: FBT001
    """List all sweeps, newest first."""
    from fmnist_tui.report.sweep import sweep_json, sweep_line
    from fmnist_tui.sweeps.sweep import read_sweep

    folder = runs_folder(runs)
    known = [read_sweep(sweep) for sweep in list_sweeps(folder)]
    if as_json:
        print_json([{key: value for key, value in sweep_json(one).items() if key != "trials"} for one in known])
    elif known:
        print_columns([["sweep", "model", "status", "trials", "best", "cost"], *map(sweep_line, known)])
    else:
        click.echo(f"no sweeps in {safe(folder)} yet; see fmnist-tui sweep --help")


@sweep_command.command("show")
@_sweep_argument
@json_option
@runs_option
def show_command(ref: str, as_json: bool, runs: str | None) -> None:  # noqa: FBT001
    """Show a sweep: its trials, the best one first, and what it cost. SWEEP is an id, a prefix of one, or `last`."""
    from fmnist_tui.report.sweep import sweep_json
    from fmnist_tui.sweeps.sweep import read_sweep

    sweep = read_sweep(find_sweep(runs_folder(runs), ref))
    if as_json:
        print_json(sweep_json(sweep))
        return
    if sweep.fault:
        raise RunError(sweep.fault)
    print_sweep(sweep)


@sweep_command.command("watch")
@_sweep_argument
@runs_option
def watch_command(ref: str, runs: str | None) -> None:
    """Print results of a sweep as they come; Ctrl-C ends only this command."""
    sys.exit(follow_sweep(find_sweep(runs_folder(runs), ref), None))


@sweep_command.command("resume")
@_sweep_argument
@click.option("--trials", type=_counts(MOST_TRIALS), metavar="N", help="Extend the sweep to N trials in all.")
@click.option("--retrain-seeds", type=_counts(MOST_SEEDS), metavar="K", help="Retrain the winner with K seeds in all.")
@click.option("--workers", type=_counts(1000), metavar="N", help=_HELP["workers"])
@click.option("--detach", is_flag=True, help="Return at once; the sweep continues in the background.")
@cluster_options
@runs_option
def resume_command(
    ref: str,
    trials: int | None,
    retrain_seeds: int | None,
    workers: int | None,
    detach: bool,  # noqa: FBT001
    cluster: Cluster,
    runs: str | None,
) -> None:
    """Go on with a sweep that was stopped or interrupted, or extend it; trials that failed are tried again.

    The workers are started where they were started last, or elsewhere (`--on`).
    """
    from fmnist_tui.sweeps.start import resume_sweep

    sweep = find_sweep(runs_folder(runs), ref)
    launch = _launch(cluster, saved_launch(RunDirectory(sweep.path)))
    try:
        started = resume_sweep(sweep, trials, retrain_seeds, workers, launch)
    except ConfigError as error:
        raise click.UsageError(str(error), click.get_current_context()) from None
    if detach:
        click.echo(sweep.sweep_id)
        return
    sys.exit(follow_sweep(sweep, started))


@sweep_command.command("stop")
@_sweep_argument
@runs_option
def stop_command(ref: str, runs: str | None) -> None:
    """Save all trials that are being trained, and stop; `sweep resume` continues bit for bit."""
    from fmnist_tui.sweeps.start import stop_sweep
    from fmnist_tui.sweeps.sweep import SweepStatus, read_sweep

    sweep = find_sweep(runs_folder(runs), ref)
    status = read_sweep(sweep).status
    if status in (SweepStatus.FINISHED, SweepStatus.FAILED):
        why = f"has already {status}: nothing to stop"
        raise RunError(f"{sweep.sweep_id} {why}; see it with: {_command('show', sweep)}")
    if status is SweepStatus.STOPPED:
        raise RunError(f"{sweep.sweep_id} is already stopped; resume it with: {_command('resume', sweep)}")
    stop_sweep(sweep)
    click.echo(f"Stop requested for {sweep.sweep_id}; to resume: {_command('resume', sweep)}")


def _command(name: str, sweep: SweepDirectory) -> str:
    return f"fmnist-tui sweep {name} {sweep.sweep_id}"


@sweep_command.command("work")
@_sweep_argument
@click.option("--in-slurm-job", is_flag=True, hidden=True)
@runs_option
def work_command(ref: str, in_slurm_job: bool, runs: str | None) -> None:  # noqa: FBT001
    """Train trials of a sweep in the foreground, one at a time, until none is left.

    A running sweep may have any number of workers, on several machines that share the runs folder. SIGTERM saves and
    ends this one (exit status 143); SIGUSR1 saves.
    """
    from fmnist_tui.runs.cluster.node import launch_here
    from fmnist_tui.sweeps.jobs import through_queue
    from fmnist_tui.sweeps.log import read_state
    from fmnist_tui.sweeps.worker import work

    sweep = find_sweep(runs_folder(runs), ref)
    if not in_slurm_job and read_state(sweep).is_stopped:  # a task that starts after a stop has nothing to report
        why = "is stopped, so it takes no workers"
        raise RunError(f"{sweep.sweep_id} {why}; resume it with: {_command('resume', sweep)}")
    sys.exit(work(sweep, launch_here if in_slurm_job else through_queue))
