"""`fmnist-tui export`."""

from __future__ import annotations

from pathlib import Path

import click

from fmnist_tui.cli.options import Folder, complete_run, runs_option
from fmnist_tui.errors import RunError
from fmnist_tui.paths import runs_folder
from fmnist_tui.report.export import ExportError, export_run, export_shifts
from fmnist_tui.runs.access import find_readable
from fmnist_tui.runs.directory import list_runs
from fmnist_tui.runs.run import read_run
from fmnist_tui.runs.status import Status
from fmnist_tui.text import safe


@click.command("export")
@click.argument("refs", nargs=-1, metavar="[RUN...]", shell_complete=complete_run)
@click.option(
    "--to", "folder", required=True, type=Folder(), metavar="DIR", help="Where to; each run gets a folder of its own."
)
@runs_option
def export_command(refs: tuple[str, ...], folder: str, runs: str | None) -> None:
    """Write runs' statistics (JSON), curves (CSV), loss plots (PNG, SVG), predictions; of all, if none is named."""
    where = runs_folder(runs)
    chosen = [find_readable(where, ref) for ref in refs] if refs else list_runs(where)
    if not chosen:
        raise RunError(f"there are no runs in {where} yet; start one with: fmnist-tui train v0")
    exported_runs = [read_run(run) for run in chosen]
    try:
        for run in exported_runs:
            if run.status is Status.UNREADABLE:
                click.echo(f"{run.run_id}: not exported: {run.damage}", err=True)
                continue
            exported = export_run(run, Path(folder))
            for path in exported.files:
                click.echo(safe(path))
            for note in exported.notes:
                click.echo(safe(note), err=True)
        for path in export_shifts(exported_runs, Path(folder)):
            click.echo(safe(path))
    except ExportError as error:
        raise ExportError(f"{error}; choose another folder with --to") from None
