"""A run's status is derived from its lock, its heartbeat and the end of its log, never stored.

Which events are the current trainer's follows from their attempt numbers, never from comparing clocks.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from fmnist_tui.errors import RunError
from fmnist_tui.host.identity import host_name
from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.event_log import Logged
from fmnist_tui.runs.heartbeat import is_stale
from fmnist_tui.runs.lock import current_attempt, is_held
from fmnist_tui.runs.log_order import current_tail
from fmnist_tui.runs.queue.store import Queue, is_same
from fmnist_tui.training import events
from fmnist_tui.training.events import QUEUED_STAGE


class Status(StrEnum):
    """What a run is doing, in the words that people see."""

    QUEUED = "queued"
    RUNNING = "running"
    UNRESPONSIVE = "running, not responding"
    PAUSED = "paused"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"
    FAILED = "failed"
    UNREADABLE = "unreadable"
    LOADING = "loading"
    """Not known yet to who follows the run; never what `status_of` finds."""

    @property
    def has_trainer(self) -> bool:
        """Whether a trainer holds the run now, or will as soon as its device is free."""
        return self in (Status.QUEUED, Status.RUNNING, Status.UNRESPONSIVE, Status.PAUSED)


def running_runs(runs: Path) -> list[RunDirectory]:
    """Those that have a trainer or wait for a device, newest first; none where the folder can't be read."""
    try:
        return [run for run in list_runs(runs) if is_held(run) or is_waiting(run)]
    except RunError:
        return []


def stopped_words(epoch: int, epochs: int, *, scored: bool) -> str:
    """What is said of a run that was stopped after an epoch."""
    return f"stopped after epoch {epoch} of {epochs}{', scored' if scored else ''}"


def status_of(run: RunDirectory) -> Status:
    """The run's status now."""
    return status_and_tail(run)[0]


def status_and_tail(run: RunDirectory) -> tuple[Status, list[Logged]]:
    """The run's status now, and the end of its log, from which it is derived: who needs both reads the log once."""
    if run.unreadable():
        return Status.UNREADABLE, []
    held = is_held(run)  # first: a log that nobody holds grows no more
    tail = current_tail(run.events)
    if not held:
        return _without_trainer(run, tail), tail
    return Status.UNRESPONSIVE if is_stale(run) else _with_trainer(run, tail), tail


def is_waiting(run: RunDirectory) -> bool:
    """Whether the log's last word is that the run waits for its device."""
    last = _last(run)
    return isinstance(last.event, events.Queued) and _is_in_queue(run, last, last.event) if last else False


def waits_in(run: RunDirectory, queue: Queue) -> bool:
    """Whether the log's last word is that the run waits in this queue, be it in its order or just taken out of it."""
    last = _last(run)
    if last is None or not isinstance(last.event, events.Queued) or last.event.host != host_name():
        return False
    return is_same(Path(last.event.queue), queue.folder)


def _last(run: RunDirectory) -> Logged | None:
    tail = current_tail(run.events)
    return tail[-1] if tail else None


def _without_trainer(run: RunDirectory, tail: list[Logged]) -> Status:
    last = tail[-1].event if tail else None
    if isinstance(last, events.RunFinished):
        if last.reason in ("diverged", "failed"):
            return Status.FAILED
        return Status.STOPPED if last.resumable else Status.FINISHED
    if isinstance(last, events.Queued):
        if _is_in_queue(run, tail[-1], last):
            return Status.QUEUED
        if is_held(run):  # it was started since
            return Status.RUNNING
    return Status.INTERRUPTED


def _with_trainer(run: RunDirectory, tail: list[Logged]) -> Status:
    attempt = current_attempt(run)
    for logged in reversed(tail):
        if attempt and logged.attempt != attempt:  # written by a trainer that is gone: this one is starting
            break
        event = logged.event
        if isinstance(event, events.Paused):
            return Status.PAUSED
        if isinstance(event, events.Queued) or (isinstance(event, events.Stage) and _waits(event)):
            return Status.QUEUED
        if not isinstance(event, events.CheckpointSaved | events.Alert):
            break
    return Status.RUNNING


def _waits(stage: events.Stage) -> bool:
    """As 0.1.0 says it."""
    return stage.name.startswith(QUEUED_STAGE)


def _is_in_queue(run: RunDirectory, logged: Logged, queued: events.Queued) -> bool:
    """Whether the run is where it says that it waits; a queue of another host or user is taken at its word.

    It isn't where a trainer was started since, who died before it wrote a line.
    """
    if logged.attempt is not None and current_attempt(run) > logged.attempt:
        return False
    if queued.host != host_name():
        return bool(queued.host)
    queue = Queue(Path(queued.queue))
    try:
        queue.order_file.stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return queue.holds(run.path)
