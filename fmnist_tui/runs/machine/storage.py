"""Where runs are kept: room, the right to write, locks, and what lies there."""

from __future__ import annotations

from pathlib import Path

from fmnist_tui.files import existing
from fmnist_tui.runs.directory import RunDirectory, RunError, list_runs
from fmnist_tui.runs.machine.machine import Machine
from fmnist_tui.runs.machine.row import Row, State
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.text import amount, counted

_LITTLE = 1_000_000_000
_TOO_LITTLE = 200_000_000
"""Bytes: v3 with two checkpoints and the weights that were scored."""
_ELSEWHERE = "choose another folder with --runs DIR (or FMNIST_TUI_RUNS)"


def folder_row(machine: Machine, runs: Path) -> Row:
    """Whether runs can be written, and held by locks. Makes nothing."""
    seen = str(runs) if existing(runs) == runs else f"{runs} (made by the first run)"
    try:
        locks = machine.can_lock(existing(runs))
    except OSError as error:
        return Row("runs folder", State.PROBLEM, f"{runs} can't be written ({error.strerror})", _ELSEWHERE)
    if not locks:
        advice = f"to see at once whether a trainer lives, use a local disk: {_ELSEWHERE}"
        return Row("runs folder", State.NOTE, f"{seen}: its file system has no locks", advice)
    return Row("runs folder", State.OK, f"{seen}: can be written, has locks")


def disk_row(machine: Machine, runs: Path) -> Row:
    """The room that is left for runs."""
    try:
        free = machine.free_bytes(existing(runs))
    except OSError as error:
        return Row("disk", State.PROBLEM, f"can't tell the free space of {runs} ({error.strerror})", _ELSEWHERE)
    advice = f"remove the folders of old runs (`fmnist-tui runs` shows their sizes), or {_ELSEWHERE}"
    if free < _TOO_LITTLE:
        return Row("disk", State.PROBLEM, f"{amount(free)} free where runs lie, too little for one of v3", advice)
    if free < _LITTLE:
        return Row("disk", State.NOTE, f"{amount(free)} free where runs lie", advice)
    return Row("disk", State.OK, f"{amount(free)} free where runs lie")


def runs_row(runs: Path) -> Row:
    """How many runs there are, their size, and those that live or wait to be resumed."""
    try:
        known = [(run, status_of(run)) for run in list_runs(runs)]
    except (RunError, OSError) as error:
        return Row("runs", State.PROBLEM, str(error), _ELSEWHERE)
    if not known:
        return Row("runs", State.OK, "none yet")
    words = [counted(len(known), "run"), amount(sum(run.size() for run, _ in known))]
    words += [f"{count} {status}" for status in Status if (count := _count(known, status)) and _waits(status)]
    return _judge(known, ", ".join(words))


def _judge(known: list[tuple[RunDirectory, Status]], seen: str) -> Row:
    for run, status in known:
        if status is Status.UNRESPONSIVE:
            advice = f"{run.run_id} has given no sign of life: see that its machine is up and its disk isn't full"
            return Row("runs", State.NOTE, seen, advice)
    for run, status in known:
        if status is Status.INTERRUPTED:
            return Row("runs", State.NOTE, seen, f"go on with: fmnist-tui resume {run.run_id}")
    return Row("runs", State.OK, seen)


def _waits(status: Status) -> bool:
    return status.has_trainer or status in (Status.INTERRUPTED, Status.STOPPED)


def _count(known: list[tuple[RunDirectory, Status]], wanted: Status) -> int:
    return sum(status is wanted for _, status in known)
