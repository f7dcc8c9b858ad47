"""`fmnist-tui runs` and `fmnist-tui queue`: lists of runs."""

from __future__ import annotations

from pathlib import Path
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


@click.command("queue")
@json_option
def queue_command(as_json: bool) -> None:  # noqa: FBT001
    """List your runs on this host: those that have a device, then those waiting for one, in order.

    There is one queue per user and host, across all run folders. Like every command, this one restarts a queue whose
    dispatcher process is gone, for instance after a reboot.
    """
    rows = _queue_rows()
    if as_json:
        print_json(rows)
    elif rows:
        header = ["order", "run", "status", "device", "folder"]
        print_columns([header, *([str(row[name] or "") for name in header] for row in rows)])
    else:
        click.echo("no run has a device or is waiting for one; start one with: fmnist-tui train v0")


def _queue_rows() -> list[dict[str, Any]]:
    """Runs that have a device have no position."""
    from fmnist_tui.runs.queue.devices import claims_in_use
    from fmnist_tui.runs.queue.store import existing_queues

    running, waiting = [], []
    for queue in existing_queues():
        running += [_queue_row(None, claim.run, "running", claim.device) for claim in claims_in_use(queue).values()]
        waiting += [_queue_row(order, one.run, "queued", one.needs) for order, one in enumerate(queue.read(), 1)]
    return running + waiting


def _queue_row(order: int | None, folder: str, status: str, device: str) -> dict[str, Any]:
    path = Path(folder)
    return {"order": order, "run": path.name, "status": status, "device": device, "folder": str(path.parent)}
