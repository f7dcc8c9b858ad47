"""A run's status, derived from its lock, its heartbeat and the end of its log; it is never stored.

Which events are the current trainer's follows from their attempt numbers, never from comparing clocks.
"""

from __future__ import annotations

from pathlib import Path

from fmnist_tui.errors import RunError
from fmnist_tui.host.node import host_name
from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.event_log import Logged
from fmnist_tui.runs.fold import TailFold, read_tail_fold
from fmnist_tui.runs.heartbeat import is_stale
from fmnist_tui.runs.lock import current_attempt, is_held
from fmnist_tui.runs.queue.store import Queue, is_same
from fmnist_tui.runs.run_status import Status as Status  # noqa: PLC0414 - exported
from fmnist_tui.training import events


def running_runs(runs: Path) -> list[RunDirectory]:
    """The runs that have a trainer or wait for one, newest first; none where the folder can't be read."""
    try:
        return [run for run in list_runs(runs) if is_held(run) or is_waiting(run)]
    except RunError:
        return []


def status_of(run: RunDirectory) -> Status:
    """The run's status now."""
    return status_and_tail(run)[0]


def status_and_tail(run: RunDirectory) -> tuple[Status, TailFold]:
    """The run's status now, and the fold of the end of its log that it is derived from."""
    if run.unreadable():
        return Status.UNREADABLE, TailFold()
    return status_and_tail_of_readable(run)


def status_and_tail_of_readable(run: RunDirectory) -> tuple[Status, TailFold]:
    """The same of a run of which the caller has just checked that it can be read."""
    held = is_held(run)  # first: without a trainer a log doesn't grow
    tail = read_tail_fold(run)
    if not held:
        return _without_trainer(run, tail), tail
    return Status.UNRESPONSIVE if is_stale(run) else _with_trainer(run, tail), tail


def is_waiting(run: RunDirectory) -> bool:
    """Whether a run that no trainer holds waits for its device, or for a cluster."""
    return _without_trainer(run, read_tail_fold(run)).waits


def waits_in(run: RunDirectory, queue: Queue) -> bool:
    """Whether the last event says that the run waits in this queue, be it still in its order or just taken out."""
    last = read_tail_fold(run).last
    if last is None or not isinstance(last.event, events.Queued) or last.event.host != host_name():
        return False
    return is_same(Path(last.event.queue), queue.folder)


def _without_trainer(run: RunDirectory, tail: TailFold) -> Status:
    last = tail.last
    if last is not None and isinstance(last.event, events.RunFinished):
        if last.event.reason in ("diverged", "failed"):
            return Status.FAILED
        return Status.STOPPED if last.event.resumable else Status.FINISHED
    if last is not None and isinstance(last.event, events.Queued):
        if last.event.queue and _is_in_queue(run, last, last.event):
            return Status.QUEUED
        if is_held(run):  # it was started since
            return Status.RUNNING
    return Status.PENDING if _is_pending(run, last) else Status.INTERRUPTED


def _is_pending(run: RunDirectory, last: Logged | None) -> bool:
    """Whether a Slurm job of the run will start a trainer, for the first time or again."""
    from fmnist_tui.runs.cluster.jobs import job_of, may_start

    announced = last is not None and isinstance(last.event, events.Queued) and not last.event.queue
    job = job_of(run)
    return job is not None and may_start(job, announced=announced)


def _with_trainer(run: RunDirectory, tail: TailFold) -> Status:
    attempt, activity = current_attempt(run), tail.activity
    if activity is None or (attempt and activity.attempt != attempt):  # of a trainer that is gone: this one is starting
        return Status.RUNNING
    match activity.event:
        case events.Paused():
            return Status.PAUSED
        case events.Queued():
            return Status.QUEUED
        case events.Stage(kind=events.StageKind.WAITING):  # as 0.1.0 logs it
            return Status.QUEUED
    return Status.RUNNING


def _is_in_queue(run: RunDirectory, logged: Logged, queued: events.Queued) -> bool:
    """Whether the run is in the queue that its log names; queues of other hosts and users are trusted.

    It is not if a trainer has been started since, and died before it wrote a line.
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
