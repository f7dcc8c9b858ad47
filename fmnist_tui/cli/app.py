"""Opens the app, alone or on a run (the `attach` command), and prints the results when it is left."""

from __future__ import annotations

import gc
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

import click

from fmnist_tui.cli.options import run_argument, runs_option, screen_options
from fmnist_tui.cli.output import is_terminal, outlive_the_terminal, write_ascii
from fmnist_tui.paths import app_paths, runs_folder
from fmnist_tui.runs.run_status import Status

if TYPE_CHECKING:
    from fmnist_tui.analysis.comparison import Comparison
    from fmnist_tui.runs.directory import RunDirectory
    from fmnist_tui.tui.app import FmnistApp
    from fmnist_tui.tui.runs_state import RunState


_SOON = 0.5
"""Seconds that may pass between leaving the app and the shell's prompt."""


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
    """Runs the app until it is left, then prints the comparison of the models, unless a browser shows the app.

    `ascii_only`: None for what the locale says.
    """
    _check_terminal()
    from fmnist_tui.host.terminal import given_environment, is_utf8
    from fmnist_tui.tui.app import FmnistApp

    folders = app_paths(runs, data)
    if ascii_only is None:
        ascii_only = not is_utf8(given_environment())
    app = FmnistApp(folders, in_app=in_app, attach=attach, ascii_only=ascii_only, low_bandwidth=low_bandwidth)
    if not (ascii_only or low_bandwidth):
        app.allow_full_resolution()
    outlive_the_terminal()
    app.handle_signals()
    try:
        app.run(mouse=mouse)
    finally:
        _finish(app)
    if ascii_only:
        write_ascii()
    if summary and not app.return_code and not _is_in_browser():
        for one in app.running_at_exit():
            click.echo(f"{one.run.run_id} {_exit_line(one, asked_to_stop=one.run in app.stopped_at_exit)}")
        _print_summary(app)
    gc.freeze()  # a last collection would take longer than all the rest
    sys.exit(app.return_code or 0)


def _finish(app: FmnistApp) -> None:
    """Waits until in-app runs are saved and files are written."""
    app.threads.settle("settings", _SOON)
    if app.terminal_is_stuck:
        app.threads.finish()
        os._exit(app.return_code or 1)  # whatever else is written, also by the interpreter at its end, would wait
    if not app.threads.finish(_SOON):
        click.echo("Saving in-app runs and files ...", err=True)
        app.threads.finish()


def _exit_line(one: RunState, *, asked_to_stop: bool) -> str:
    run_id = one.run.run_id
    if asked_to_stop:
        return f"saves and ends; to resume: fmnist-tui resume {run_id}"
    if one.status is Status.PAUSED:
        return f"stays paused; to continue: fmnist-tui continue {run_id}"
    return f"keeps running; to watch: fmnist-tui attach {run_id}"


def _is_in_browser() -> bool:
    """Whether `textual serve` runs the app: it draws through Textual's driver, and standard output is that driver's."""
    return bool(os.environ.get("TEXTUAL_DRIVER"))


def _check_terminal() -> None:
    if _is_in_browser():
        return
    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        raise click.ClickException("the app needs a terminal; `fmnist-tui --help` lists what works without one")
    if not is_terminal(sys.stderr):
        raise click.ClickException("the app draws on standard error; don't redirect it")
    from fmnist_tui.host.terminal import CANNOT_DRAW

    term = os.environ.get("TERM", "")
    if term in CANNOT_DRAW:
        raise click.ClickException(
            f"TERM={term} describes a terminal that can't show the app; if yours can, export TERM=xterm-256color, "
            "or train without the app: fmnist-tui train v0"
        )


def _print_summary(app: FmnistApp) -> None:
    """The table of the results screen; nothing without an eligible run; how to get it, if reading the runs is slow."""
    from fmnist_tui.cli.results import print_report
    from fmnist_tui.report.comparison import comparison_report

    found: list[Comparison | None] = []
    reading = threading.Thread(target=_compare, args=(app, found), daemon=True)
    reading.start()
    reading.join(_SOON)
    if not found:
        click.echo("Reading the runs takes a while; to compare them: fmnist-tui results")
    elif found[0] and found[0].versions:
        print_report(comparison_report(found[0]).short)


def _compare(app: FmnistApp, found: list[Comparison | None]) -> None:
    """Compares what the app has read; runs that started or ended since are read again."""
    from fmnist_tui.analysis.comparison import compare
    from fmnist_tui.errors import RunError

    try:
        found.append(compare(app.read_all_runs()))
    except RunError:
        found.append(None)


@click.command("attach")
@run_argument
@runs_option
@screen_options
def attach_command(ref: str, runs: str | None, **look: Any) -> None:
    """Open the training screen on a run, wherever it was started; without a terminal, follow it in plain lines."""
    from fmnist_tui.runs.access import find_readable

    run = find_readable(runs_folder(runs), ref)
    if _is_in_browser() or (is_terminal(sys.stdout) and is_terminal(sys.stdin)):
        open_app(runs, None, attach=run, **look)
        return
    from fmnist_tui.cli.follow import choose_reporter, follow
    from fmnist_tui.runs.follower import Follower

    follow([Follower(run)], choose_reporter(as_json=False))
