"""`fmnist-tui queue`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fmnist_tui.cli.options import json_option
from fmnist_tui.cli.output import print_columns, print_json
from fmnist_tui.runs.queue.devices import claims_in_use
from fmnist_tui.runs.queue.store import existing_queues


@click.command("queue")
@json_option
def queue_command(as_json: bool) -> None:  # noqa: FBT001
    """List your runs on this host: those that have a device, then those waiting for one, in order.

    There is one queue per user and host, across all run folders. Like every command, this one restarts a queue whose
    dispatcher process is gone, for instance after a reboot.
    """
    rows = _rows()
    if as_json:
        print_json(rows)
    elif rows:
        header = ["order", "run", "status", "device", "folder"]
        print_columns([header, *([str(row[name] or "") for name in header] for row in rows)])
    else:
        click.echo("no run has a device or is waiting for one; start one with: fmnist-tui train v0")


def _rows() -> list[dict[str, Any]]:
    """Runs that have a device have no position."""
    running, waiting = [], []
    for queue in existing_queues():
        running += [_row(None, claim.run, "running", claim.device) for claim in claims_in_use(queue).values()]
        waiting += [_row(order, one.run, "queued", one.needs) for order, one in enumerate(queue.read(), 1)]
    return running + waiting


def _row(order: int | None, folder: str, status: str, device: str) -> dict[str, Any]:
    path = Path(folder)
    return {"order": order, "run": path.name, "status": status, "device": device, "folder": str(path.parent)}
