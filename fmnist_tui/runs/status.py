"""A run's status is derived from its lock and the end of its log, never stored."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from fmnist_tui.runs.directory import RunDirectory, RunError, list_runs
from fmnist_tui.runs.event_log import Logged
from fmnist_tui.runs.lock import STALE_SECONDS, heartbeat_age, is_held, taken_at
from fmnist_tui.runs.log_order import current_tail
from fmnist_tui.training import events
from fmnist_tui.training.events import Event

_CLOCK = 0.005
"""Seconds by which the log's clock and a file's may differ."""


class Status(StrEnum):
    """What a run is doing, in the words that people see."""

    LOADING = "loading"
    """Not known yet to who follows the run; never what `status_of` finds."""
    QUEUED = "queued"
    LIVE = "live"
    UNRESPONSIVE = "live, not responding"
    PAUSED = "paused"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"
    FAILED = "failed"

    @property
    def has_trainer(self) -> bool:
        """Whether a trainer holds the run now."""
        return self in (Status.QUEUED, Status.LIVE, Status.UNRESPONSIVE, Status.PAUSED)


def live_runs(runs: Path) -> list[RunDirectory]:
    """Those that have a trainer, newest first; none where the folder can't be read."""
    try:
        return [run for run in list_runs(runs) if is_held(run)]
    except RunError:
        return []


def stopped_words(epoch: int, epochs: int, *, scored: bool) -> str:
    """What is said of a run that was told to end after an epoch."""
    return f"stopped after epoch {epoch} of {epochs}{', scored' if scored else ''}"


def status_of(run: RunDirectory) -> Status:
    """The run's status now."""
    return status_and_tail(run)[0]


def status_and_tail(run: RunDirectory) -> tuple[Status, list[Logged]]:
    """The run's status now, and the end of its log, from which it is derived: who needs both reads the log once."""
    held = is_held(run)  # first: a log that nobody holds grows no more
    tail = current_tail(run.events)
    if not held:
        return _without_trainer(tail), tail
    if heartbeat_age(run) > STALE_SECONDS and run.heartbeat.exists():
        return Status.UNRESPONSIVE, tail
    since = taken_at(run)
    return _with_trainer([logged.event for logged in tail if logged.time > since - _CLOCK]), tail


def _with_trainer(tail: list[Event]) -> Status:
    if not tail:  # what stands in the log was said by a trainer that is gone
        return Status.QUEUED
    for event in reversed(tail):
        if isinstance(event, events.Paused):
            return Status.PAUSED
        if isinstance(event, events.Queued):
            return Status.QUEUED
        if isinstance(event, events.Stage) and event.name.startswith(events.QUEUED_STAGE):
            return Status.QUEUED
        if not isinstance(event, events.CheckpointSaved | events.Alert):
            return Status.LIVE
    return Status.LIVE


def _without_trainer(tail: list[Logged]) -> Status:
    if not tail or not isinstance(last := tail[-1].event, events.RunFinished):
        return Status.INTERRUPTED
    if last.reason in ("diverged", "failed"):
        return Status.FAILED
    return Status.STOPPED if last.resumable else Status.FINISHED
