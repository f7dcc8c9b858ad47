"""The order of the queue: by priority, then by request; runs can be moved, held and released."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from fmnist_tui.errors import RunError
from fmnist_tui.runs.directory import RunDirectory, name_of
from fmnist_tui.runs.queue.dispatch import ensure_dispatcher
from fmnist_tui.runs.queue.store import Entry, Queue, enqueued, existing_queues
from fmnist_tui.text import safe

HELD_BY_USER = "held"
Edit = Callable[[Sequence[Entry], str], list[Entry]]
"""Changes the queue as far as one run, named by its folder, is concerned."""


def moved(entries: Sequence[Entry], run: str, by: int) -> list[Entry]:
    """The queue with a run moved by one place: -1 up, 1 down. It takes the priority of the run that it passes."""
    changed = list(entries)
    index = _index(entries, run)
    other = index + by
    if 0 <= other < len(changed):
        mine, passed = changed[index], changed[other]
        changed[index], changed[other] = passed, replace(mine, priority=passed.priority)
    return changed


def held(entries: Sequence[Entry], run: str) -> list[Entry]:
    """The queue with a run that keeps its place, but doesn't start until it is released."""
    return [replace(one, held=one.held or HELD_BY_USER) if one.run == run else one for one in entries]


def released(entries: Sequence[Entry], run: str) -> list[Entry]:
    """The queue with a run that may start; if the run that it waited for has failed, it waits for it no longer."""
    return [_released(one) if one.run == run else one for one in entries]


def with_priority(entries: Sequence[Entry], run: str, priority: int) -> list[Entry]:
    """The queue with a run of another priority, behind those of the same or a higher one."""
    entry = replace(entries[_index(entries, run)], priority=priority)
    return enqueued(entries, [entry])


def change(ref: str, edit: Edit) -> tuple[Entry, int]:
    """Change the queue, and wake the dispatcher; return the run as it is queued then, and its place, from 1.

    Args:
        ref: A queued run: its id, a unique prefix of it, or its label; or its folder.
        edit: What to change.

    Raises:
        RunError: No queued run is meant, or more than one; or the queue can't be written.
    """
    queue, run = _find(ref)
    with queue.locked():
        entries = queue.read()
        if run not in {entry.run for entry in entries}:
            raise RunError(f"{Path(run).name} has just been started, or taken out of the queue")
        changed = edit(entries, run)
        queue.write(changed)
    try:
        ensure_dispatcher(queue)
    except OSError as error:
        raise RunError(f"the process that waits for devices can't be started ({error.strerror})") from None
    index = _index(changed, run)
    return changed[index], index + 1


def _find(ref: str) -> tuple[Queue, str]:
    waiting = [(queue, entry) for queue in existing_queues() for entry in queue.read()]
    found = [one for one in waiting if ref in (one[1].run, one[1].run_id)]
    found = found or [one for one in waiting if ref and name_of(RunDirectory(Path(one[1].run))) == ref]
    found = found or [one for one in waiting if ref and one[1].run_id.startswith(ref)]
    if not found:
        raise RunError(f"no queued run is named {safe(ref)!r}; see: fmnist-tui queue")
    if len(found) > 1:
        names = ", ".join(entry.run_id for _, entry in found[:3])
        raise RunError(f"{safe(ref)!r} is ambiguous ({names}{', ...' * (len(found) > 3)}): use a longer prefix")
    return found[0][0], found[0][1].run


def _index(entries: Sequence[Entry], run: str) -> int:
    return next(index for index, entry in enumerate(entries) if entry.run == run)


def _released(entry: Entry) -> Entry:
    has_failed = entry.held not in ("", HELD_BY_USER)
    return replace(entry, held="", after="" if has_failed else entry.after)
