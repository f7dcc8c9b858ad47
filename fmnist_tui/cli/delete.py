"""`fmnist-tui delete`."""

from __future__ import annotations

import sys

import click

from fmnist_tui.cli.options import run_argument, runs_option
from fmnist_tui.cli.printing import is_terminal
from fmnist_tui.runs.deleting import delete_run
from fmnist_tui.runs.directory import find_run
from fmnist_tui.runs.places import runs_folder
from fmnist_tui.runs.summary import summarise
from fmnist_tui.text import megabytes


@click.command("delete")
@run_argument
@click.option("--yes", is_flag=True, help="Don't ask.")
@runs_option
def delete_command(word: str, yes: bool, runs: str | None) -> None:  # noqa: FBT001
    """Delete a run and all that belongs to it. Asks first."""
    run = find_run(runs_folder(runs), word)
    about = summarise(run)
    what = f"{run.run_id}{f' ({about.label})' if about.label else ''}, {about.status}, {megabytes(run.size())}"
    if not yes and not is_terminal(sys.stdin):
        raise click.UsageError(f"nobody is there to be asked whether to delete {what}; say --yes")
    if not yes and not click.confirm(f"Delete {what}? It can't be had back"):
        raise click.ClickException("nothing was deleted")
    delete_run(run)
    click.echo(f"deleted {what}")
