"""`fmnist-tui resume`."""

from __future__ import annotations

import sys

import click

from fmnist_tui.cli.options import Folder, json_option, run_argument, runs_option
from fmnist_tui.cli.start import start_and_follow, start_and_leave, train_here
from fmnist_tui.runs.directory import find_run
from fmnist_tui.runs.places import data_folder, runs_folder
from fmnist_tui.runs.resuming import check_resumable


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
