"""Opens the app."""

from __future__ import annotations

import sys

import click

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.places import cache_folder, data_folder, runs_folder


def open_app(runs: str | None, data: str | None, *, in_app: bool, attach: RunDirectory | None = None) -> None:
    """Runs the app until it is left."""
    if not (sys.stdin and sys.stdout and sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.ClickException("the app needs a terminal; `fmnist-tui --help` lists what works without one")
    if not (sys.stderr and sys.stderr.isatty()):
        raise click.ClickException("the app draws on standard error; don't redirect it")
    from fmnist_tui.tui.app import FmnistApp

    app = FmnistApp(runs_folder(runs), data_folder(data), cache_folder(), in_app=in_app, attach=attach)
    app.run()
    sys.exit(app.return_code or 0)
