"""`fmnist-tui attach`."""

from __future__ import annotations

import sys

import click

from fmnist_tui.cli.options import run_argument, runs_option
from fmnist_tui.runs.directory import find_run
from fmnist_tui.runs.places import runs_folder


@click.command("attach")
@run_argument
@runs_option
def attach_command(word: str, runs: str | None) -> None:
    """Open the training screen on a run, wherever it was started; without a terminal, follow it in plain lines."""
    run = find_run(runs_folder(runs), word)
    if sys.stdout and sys.stdin and sys.stdout.isatty() and sys.stdin.isatty():
        from fmnist_tui.cli.screen import open_app

        open_app(runs, None, in_app=False, attach=run)
        return
    from fmnist_tui.cli.follow import choose_reporter, follow

    follow([run], choose_reporter(as_json=False))
