"""`fmnist-tui train` and `fmnist-tui resume`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from fmnist_tui.cli.options import Folder, data_option, json_option, run_argument, runs_option
from fmnist_tui.cli.start import start_and_follow, start_and_leave, train_here
from fmnist_tui.models.catalogue import VERSION_NAMES, UnknownVersionError, version
from fmnist_tui.paths import AppPaths, app_paths, data_folder, runs_folder
from fmnist_tui.runs.directory import RunDirectory, find_run
from fmnist_tui.runs.resume import check_resumable
from fmnist_tui.text import counted, safe
from fmnist_tui.training.config import ConfigError, NoPyTorchError, TrainingConfig
from fmnist_tui.training.recipes import FLIPS, RECIPES, configure_all

_FLIP_HELP = "Mirror training images: if that suits the data, always, or never."


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    return [name for name in (*VERSION_NAMES, "all") if name.startswith(incomplete)]


@click.command("train")
@click.argument("versions", nargs=-1, required=True, metavar="VERSION...|all", shell_complete=_complete)
@click.option("--recipe", type=click.Choice(RECIPES), default="tuned", show_default=True)
@click.option("--epochs", type=int, metavar="N", help="Epochs, instead of the recipe's.")
@click.option("--batch-size", type=int, metavar="N", help="Images a step, instead of the recipe's.")
@click.option("--lr", "learning_rate", type=float, metavar="X", help="Learning rate, instead of the recipe's.")
@click.option("--seed", type=int, default=0, show_default=True, metavar="N")
@click.option("--seeds", type=click.IntRange(1, 100), default=1, metavar="K", help="K runs, with seeds N to N+K-1.")
@click.option("--flip", type=click.Choice(FLIPS), default="auto", show_default=True, help=_FLIP_HELP)
@click.option("--limit", type=int, metavar="N", help="Use N training images only: the first, or by class if sorted.")
@click.option("--no-test", is_flag=True, help="Don't score the test images.")
@click.option("--device", default="auto", show_default=True, metavar="D", help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--threads", type=int, default=0, metavar="N", help="CPU threads; 0 takes all there are.")
@click.option("--detach", is_flag=True, help="Don't follow: print the runs' ids and leave them running.")
@click.option("--in-app", is_flag=True, help="Train in this process; it ends when this one does.")
@json_option
@data_option
@runs_option
def train_command(
    versions: tuple[str, ...],
    seed: int,
    seeds: int,
    no_test: bool,  # noqa: FBT001
    detach: bool,  # noqa: FBT001
    in_app: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
    data: str | None,
    runs: str | None,
    **settings: Any,
) -> None:
    """Train versions (v0, v1, v2, v3, or all) and follow them. Several wait for the device one after the other."""
    if detach and in_app:
        raise click.UsageError("--detach leaves the runs to processes of their own, --in-app to this one: choose one")
    changes = {key: settings.pop(key) for key in ("epochs", "batch_size", "learning_rate")}
    seeds_wanted = range(seed, seed + seeds)
    configs = _configs(versions, seeds_wanted, changes=changes, score_test=not no_test, **settings)
    requested = _request(configs, app_paths(runs, data))
    if detach:
        sys.exit(start_and_leave(requested))
    sys.exit((train_here if in_app else start_and_follow)(requested, as_json=as_json))


def _configs(versions: tuple[str, ...], seeds: Sequence[int], **settings: Any) -> list[TrainingConfig]:
    """What was asked for; what can't be trained anywhere is wrong usage."""
    try:
        return configure_all(_names(versions), seeds, **settings)
    except NoPyTorchError:
        raise
    except (ConfigError, UnknownVersionError) as error:
        raise click.UsageError(str(error), click.get_current_context()) from None


def _request(configs: list[TrainingConfig], folders: AppPaths) -> list[RunDirectory]:
    """Runs that nobody trains yet, once it is seen that they can start here."""
    from fmnist_tui.runs.disk_space import little_room
    from fmnist_tui.runs.request import request_run
    from fmnist_tui.runs.start_checks import check_startable

    check_startable(configs, folders.data, folders.cache)
    if warning := little_room(folders.runs, configs):
        click.echo(f"warning: {safe(warning)}", err=True)
    if warning := _too_many_threads(max(config.threads for config in configs)):
        click.echo(f"warning: {warning}", err=True)
    return [request_run(folders.runs, config, folders.data) for config in configs]


def _too_many_threads(threads: int) -> str:
    """A line where there are fewer CPUs than threads; "" where there are enough."""
    from fmnist_tui.host.cpus import available_cpus

    cpus = available_cpus()
    if threads <= cpus:
        return ""
    return f"--threads {threads} exceeds the {counted(cpus, 'available CPU')}; training will be many times slower"


def _names(versions: tuple[str, ...]) -> list[str]:
    """The versions asked for, each once; "all" stands for all four."""
    named = [version(name).name for name in versions if name != "all"]
    return list(VERSION_NAMES) if "all" in versions else list(dict.fromkeys(named))


@click.command("resume")
@run_argument
@click.option("--detach", is_flag=True, help="Don't follow: leave it running.")
@click.option("--in-app", is_flag=True, help="Train in this process; it ends when this one does.")
@json_option
@click.option("--data", type=Folder(), metavar="DIR", help="Where the run's images are now, if they were moved.")
@runs_option
def resume_command(
    word: str,
    detach: bool,  # noqa: FBT001
    in_app: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
    data: str | None,
    runs: str | None,
) -> None:
    """Go on with a stopped or interrupted run from its newest checkpoint.

    It goes on bit for bit on the machine that it began on, with the same number of threads, device and library
    versions; elsewhere it adapts, and says what is different. Images that were moved are looked for where they were
    last, in FMNIST_TUI_DATA and in the usual places, and known by their checksum.
    """
    if detach and in_app:
        raise click.UsageError("--detach leaves the run to a process of its own, --in-app to this one: choose one")
    run = find_run(runs_folder(runs), word)
    check_resumable(run, data_folder(data) if data else None)
    if detach:
        sys.exit(start_and_leave([run]))
    sys.exit((train_here if in_app else start_and_follow)([run], as_json=as_json))
