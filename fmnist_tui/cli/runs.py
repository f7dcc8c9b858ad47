"""`fmnist-tui runs`: the list of all runs."""

from __future__ import annotations

from typing import Any

import click

from fmnist_tui.cli.options import json_option, runs_option
from fmnist_tui.cli.output import print_columns, print_json
from fmnist_tui.paths import runs_folder
from fmnist_tui.runs.cluster.jobs import waiting_text
from fmnist_tui.runs.run import Run, read_runs
from fmnist_tui.runs.status import Status
from fmnist_tui.text import megabytes, percent, safe

_HEADER = ["run", "recipe", "seed", "status", "epoch", "test accuracy", "size", "label"]


@click.command("runs")
@json_option
@runs_option
def runs_command(as_json: bool, runs: str | None) -> None:  # noqa: FBT001
    """List all runs and their status, newest first. A recipe with a * was modified."""
    folder = runs_folder(runs)
    known = read_runs(folder)
    if as_json:
        print_json([_as_json(run) for run in known])
    elif known:
        print_columns([_HEADER, *map(_row, known)])
    else:
        click.echo(f"no runs in {safe(folder)} yet; start one with: fmnist-tui train v0")


def _as_json(run: Run) -> dict[str, Any]:
    record = {
        "run": run.run_id,
        "version": run.version,
        "recipe": run.marked_recipe,
        "seed": run.seed,
        "status": str(run.status),
        "epoch": run.epochs_done,
        "epochs": run.manifest.epochs,
        "test_accuracy": run.test_accuracy,
        "label": run.label,
        "bytes": run.size(),
    }
    reason = run.unreadable or (waiting_text(run.job) if run.status is Status.PENDING and run.job else "")
    return {**record, "reason": reason} if reason else record


def _row(run: Run) -> list[str]:
    readable = run.status is not Status.UNREADABLE
    return [
        run.run_id,
        run.marked_recipe,
        "" if run.seed is None else str(run.seed),
        _status(run) if readable else run.damage,
        f"{run.epochs_done}/{run.manifest.epochs or '?'}" if readable else "",
        percent(run.test_accuracy),
        megabytes(run.size()) if readable else "",
        run.label,
    ]


def _status(run: Run) -> str:
    """The status; of a pending run, with Slurm's reason."""
    return f"{run.status} ({waiting_text(run.job)})" if run.status is Status.PENDING and run.job else run.short_status
