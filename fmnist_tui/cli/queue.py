"""`fmnist-tui queue`: which runs have a device, which wait for one, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fmnist_tui.cli.options import json_option
from fmnist_tui.cli.output import print_columns, print_json
from fmnist_tui.text import rough_duration, safe

if TYPE_CHECKING:
    from fmnist_tui.runs.queue.order import Edit
    from fmnist_tui.runs.queue.store import Entry
    from fmnist_tui.runs.queue.waiting import QueueRow, QueueView, Sharing

Command = TypeVar("Command", bound=Callable[..., Any])

_HEADER = ["order", "run", "status", "device", "wait", "reason", "folder"]


@click.group("queue", invoke_without_command=True)
@json_option
@click.pass_context
def queue_command(ctx: click.Context, as_json: bool) -> None:  # noqa: FBT001
    """List your runs on this host: those that have a device, then those waiting for one, in order.

    There is one queue per user and host, across all run folders. Like every command, this one restarts a queue whose
    dispatcher process is gone, for instance after a reboot. In the commands below, RUN is a queued run: its id, the
    start of it, or its label.
    """
    if ctx.invoked_subcommand is not None:
        if as_json:
            raise click.UsageError("--json lists the queue: leave out the command after it", ctx)
        return
    from fmnist_tui.runs.queue.waiting import QueueProbe

    view = QueueProbe().look()
    if as_json:
        print_json(_as_json(view))
    elif view.rows:
        print_columns([_HEADER, *map(_line, view.rows)])
        for sharing in view.sharing:
            click.echo(sharing.text)
    else:
        click.echo("no run has a device or is waiting for one; start one with: fmnist-tui train v0")


def _complete_queued(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    from fmnist_tui.runs.queue.store import existing_queues

    ids = [entry.run_id for queue in existing_queues() for entry in queue.read()]
    return [one for one in ids if one.startswith(incomplete)]


def _queued_run(command: Command) -> Command:
    """RUN, passed as `ref`."""
    return click.argument("ref", metavar="RUN", shell_complete=_complete_queued)(command)


@queue_command.command("up")
@_queued_run
def up_command(ref: str) -> None:
    """Move a run up by one place. It takes the priority of the run that it passes."""
    from fmnist_tui.runs.queue.order import moved

    _change(ref, partial(moved, by=-1))


@queue_command.command("down")
@_queued_run
def down_command(ref: str) -> None:
    """Move a run down by one place. It takes the priority of the run that it passes."""
    from fmnist_tui.runs.queue.order import moved

    _change(ref, partial(moved, by=1))


@queue_command.command("hold")
@_queued_run
def hold_command(ref: str) -> None:
    """Keep a run in its place without starting it, until `release`. Runs behind it don't wait for it."""
    from fmnist_tui.runs.queue.order import held

    _change(ref, held)


@queue_command.command("release")
@_queued_run
def release_command(ref: str) -> None:
    """Let a held run start, also one that is held because the run that it waited for has failed."""
    from fmnist_tui.runs.queue.order import released

    _change(ref, released)


@queue_command.command("priority")
@_queued_run
@click.argument("priority", type=click.IntRange(-1000, 1000), metavar="N")
def priority_command(ref: str, priority: int) -> None:
    """Set a run's priority: runs of a higher one start first. It is 0 for every new run; for -1, write `-- RUN -1`."""
    from fmnist_tui.runs.queue.order import with_priority

    _change(ref, partial(with_priority, priority=priority))


def _change(ref: str, edit: Edit) -> None:
    from fmnist_tui.runs.queue.order import change

    click.echo(_place_text(*change(ref, edit)))


def _place_text(entry: Entry, order: int) -> str:
    state = [f"place {order}", f"priority {entry.priority}", *([entry.held] if entry.held else [])]
    return f"{entry.run_id}: {', '.join(state)}"


def _line(row: QueueRow) -> list[str]:
    wait = f"about {rough_duration(row.seconds)}" if row.seconds else ""
    return [
        "" if row.order is None else str(row.order),
        row.run.name,
        row.status,
        row.device,
        wait,
        safe(row.reason),
        str(row.run.parent),
    ]


def _as_json(view: QueueView) -> list[dict[str, Any]]:
    sharing = {run: one for one in view.sharing for run in one.speeds}
    return [_row_as_json(row, sharing.get(str(row.run))) for row in view.rows]


def _row_as_json(row: QueueRow, sharing: Sharing | None) -> dict[str, Any]:
    return {
        "order": row.order,
        "run": row.run.name,
        "status": row.status,
        "device": row.device,
        "folder": str(row.run.parent),
        "reason": row.reason,
        "wait_seconds": row.seconds,
        "priority": row.priority,
        "held": row.held,
        "after": row.after or None,
        "per_gpu": row.per_gpu or "auto",
        "sharing": None
        if sharing is None
        else {
            "runs": len(sharing.speeds),
            "images_per_second": sharing.speeds[str(row.run)],
            "images_per_second_alone": sharing.alone[str(row.run)],
            "images_per_second_together": sharing.together,
            "gain": sharing.gain,
        },
    }
