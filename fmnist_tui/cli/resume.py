"""`fmnist-tui resume`."""

from __future__ import annotations

import sys

import click

from fmnist_tui.cli.options import json_option, run_argument, runs_option
from fmnist_tui.cli.start import start_and_follow, start_and_leave, train_here
from fmnist_tui.runs.directory import find_run
from fmnist_tui.runs.places import runs_folder
from fmnist_tui.runs.resuming import check_resumable


@click.command("resume")
@run_argument
@click.option("--detach", is_flag=True, help="Don't follow: leave it running.")
@click.option("--in-app", is_flag=True, help="Train in this process; it ends when this one does.")
@json_option
@runs_option
def resume_command(word: str, detach: bool, in_app: bool, as_json: bool, runs: str | None) -> None:  # noqa: FBT001
    """Go on with a stopped or interrupted run from its newest checkpoint, bit for bit."""
    if detach and in_app:
        raise click.UsageError("--detach leaves the run to a process of its own, --in-app to this one: choose one")
    run = find_run(runs_folder(runs), word)
    check_resumable(run)
    if detach:
        sys.exit(start_and_leave([run]))
    sys.exit((train_here if in_app else start_and_follow)([run], as_json=as_json))
