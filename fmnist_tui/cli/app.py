"""Opens the app, alone or on a run (the `attach` command), and leaves the results in the scrollback."""

from __future__ import annotations

import gc
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

import click

from fmnist_tui.cli.options import Command, run_argument, runs_option
from fmnist_tui.cli.output import is_terminal, outlive_the_terminal, write_ascii
from fmnist_tui.paths import app_paths, runs_folder
from fmnist_tui.runs.access import find_readable
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.status import Status

if TYPE_CHECKING:
    from fmnist_tui.analysis.comparison import Comparison
    from fmnist_tui.tui.app import FmnistApp
    from fmnist_tui.tui.run_monitor import SeenRun


_SOON = 0.5
"""Seconds that nobody minds to wait for once the screen is left."""


def screen_options(command: Command) -> Command:
    """What the app and `attach` take, passed as `ascii_only`, `mouse`, `low_bandwidth` and `summary`."""
    options = (
        click.option("--ascii/--no-ascii", "ascii_only", default=None, help="Draw in ASCII (default: by the locale)."),
        click.option("--no-mouse", "mouse", flag_value=False, default=True, help="Leave the mouse to the terminal."),
        click.option("--low-bandwidth", is_flag=True, help="Paint seldom, and images in ASCII."),
        click.option("--no-summary", "summary", flag_value=False, default=True, help="Leave no results behind."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def open_app(
    runs: str | None,
    data: str | None,
    *,
    in_app: bool = False,
    attach: RunDirectory | None = None,
    ascii_only: bool | None = None,
    mouse: bool = True,
    low_bandwidth: bool = False,
    summary: bool = True,
) -> None:
    """Runs the app until it is left, then prints how v0 to v3 compare.

    `ascii_only`: None for what the locale says.
    """
    _check_terminal()
    from fmnist_tui.host.machine import given_environment
    from fmnist_tui.host.terminal import is_utf8
    from fmnist_tui.tui.app import FmnistApp

    folders = app_paths(runs, data)
    if ascii_only is None:
        ascii_only = not is_utf8(given_environment())
    app = FmnistApp(folders, in_app=in_app, attach=attach, ascii_only=ascii_only, low_bandwidth=low_bandwidth)
    outlive_the_terminal()
    app.hear_signals()
    try:
        app.run(mouse=mouse)
    finally:
        _finish(app)
    if ascii_only:
        write_ascii()
    if summary and not app.return_code:
        for seen in app.running_now():
            click.echo(f"{seen.run.run_id} {_farewell(seen, told_to_stop=seen.run in app.told_to_stop)}")
        _print_summary(app)
    gc.freeze()  # what ends with the process needn't be looked through once more: that takes longer than all the rest
    sys.exit(app.return_code or 0)


def _finish(app: FmnistApp) -> None:
    """Waits for what must not be abandoned: in-app runs are saved, files are written whole."""
    app.threads.settle("choices", _SOON)
    if not app.threads.finish(_SOON):
        click.echo("Saving what is still being written or trained here ...", err=True)
        app.threads.finish()


def _farewell(seen: SeenRun, *, told_to_stop: bool) -> str:
    run_id = seen.run.run_id
    if told_to_stop:
        return f"saves and ends; go on with: fmnist-tui resume {run_id}"
    if seen.status is Status.PAUSED:
        return f"stays paused; go on with: fmnist-tui continue {run_id}"
    return f"goes on; see it with: fmnist-tui attach {run_id}"


def _check_terminal() -> None:
    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        raise click.ClickException("the app needs a terminal; `fmnist-tui --help` lists what works without one")
    if not is_terminal(sys.stderr):
        raise click.ClickException("the app draws on standard error; don't redirect it")
    from fmnist_tui.host.terminal import CANNOT_DRAW

    term = os.environ.get("TERM", "")
    if term in CANNOT_DRAW:
        raise click.ClickException(
            f"this terminal says that it can't draw (TERM={term}); export TERM=xterm-256color if it can, "
            "or train without a screen: fmnist-tui train v0"
        )


def _print_summary(app: FmnistApp) -> None:
    """The table of the results screen; nothing where no run counts; where to find it, where it takes its time."""
    from fmnist_tui.cli.results import print_table

    found: list[Comparison | None] = []
    reading = threading.Thread(target=_compare, args=(app, found), daemon=True)
    reading.start()
    reading.join(_SOON)
    if not found:
        click.echo("The runs take their time to be read; how they compare: fmnist-tui results")
    elif found[0] and found[0].versions:
        print_table(found[0])


def _compare(app: FmnistApp, found: list[Comparison | None]) -> None:
    """From what the app has read already; runs that began or ended since are read again."""
    from fmnist_tui.analysis.comparison import compare
    from fmnist_tui.errors import RunError

    try:
        found.append(compare(app.records_now()))
    except RunError:
        found.append(None)


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
