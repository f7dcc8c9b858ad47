"""`fmnist-tui attach`."""

from __future__ import annotations

import sys
from typing import Any

import click

from fmnist_tui.cli.options import run_argument, runs_option
from fmnist_tui.cli.printing import is_terminal
from fmnist_tui.cli.screen import open_app, screen_options
from fmnist_tui.runs.access import find_readable
from fmnist_tui.runs.places import runs_folder


@click.command("attach")
@run_argument
@runs_option
@screen_options
def attach_command(word: str, runs: str | None, **look: Any) -> None:
    """Open the training screen on a run, wherever it was started; without a terminal, follow it in plain lines."""
    run = find_readable(runs_folder(runs), word)
    if is_terminal(sys.stdout) and is_terminal(sys.stdin):
        open_app(runs, None, attach=run, **look)
        return
    from fmnist_tui.cli.follow import choose_reporter, follow
    from fmnist_tui.runs.follower import Follower

    follow([Follower(run)], choose_reporter(as_json=False))
