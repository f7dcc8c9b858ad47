"""A run's status is derived from its lock and the end of its log, never stored."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from fmnist_tui.files import exists
from fmnist_tui.runs.directory import RunDirectory, RunError, list_runs
from fmnist_tui.runs.event_log import read_tail
from fmnist_tui.runs.lock import STALE_SECONDS, heartbeat_age, is_held, taken_at
from fmnist_tui.training import events
from fmnist_tui.training.events import Event

_CLOCK = 0.005
"""Seconds by which the log's clock and a file's may differ."""
QUEUED_STAGE = "waiting for "
LOADING_STAGE = "loading data"
FIRST_STAGES = (QUEUED_STAGE, LOADING_STAGE)
"""How the names of the stages begin that are a new trainer's first words."""
_TURNS = (events.RunStarted, events.Resumed, events.Stage, events.RunFinished)
"""Where trainers begin and end: all that tells how a run stands which nobody holds."""


class Status(StrEnum):
    """What a run is doing, in the words that people see."""

    QUEUED = "queued"
    LIVE = "live"
    UNRESPONSIVE = "live, not responding"
    PAUSED = "paused"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"
    FAILED = "failed"
    UNREADABLE = "unreadable"

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


def begins_anew(event: Event) -> bool:
    """Whether these are a trainer's first words, so that those of the one before are its last."""
    if isinstance(event, events.Stage):
        return event.name.startswith(FIRST_STAGES)
    return isinstance(event, events.RunStarted | events.Resumed)


def without_strays(log: Iterable[Event]) -> list[Event]:
    """Leaves out what follows a run's end before another trainer begins: nobody who holds the run said it."""
    kept: list[Event] = []
    for event in log:
        if not kept or not isinstance(kept[-1], events.RunFinished) or begins_anew(event):
            kept.append(event)
    return kept


def status_of(run: RunDirectory) -> Status:
    """The run's status now."""
    if run.unreadable():
        return Status.UNREADABLE
    if not is_held(run):
        tail = read_tail(run.events, kinds=_TURNS)
        return _without_trainer(without_strays(logged.event for logged in tail))
    tail = read_tail(run.events)
    if heartbeat_age(run) > STALE_SECONDS and exists(run.heartbeat):
        return Status.UNRESPONSIVE
    since = taken_at(run)
    return _with_trainer([logged.event for logged in tail if logged.time > since - _CLOCK])


def _with_trainer(tail: list[Event]) -> Status:
    if not tail:  # what stands in the log was said by a trainer that is gone
        return Status.QUEUED
    for event in reversed(tail):
        if isinstance(event, events.Paused):
            return Status.PAUSED
        if isinstance(event, events.Stage) and event.name.startswith(QUEUED_STAGE):
            return Status.QUEUED
        if not isinstance(event, events.CheckpointSaved | events.Alert):
            return Status.LIVE
    return Status.LIVE


def _without_trainer(tail: list[Event]) -> Status:
    if not tail or not isinstance(last := tail[-1], events.RunFinished):
        return Status.INTERRUPTED
    if last.reason in ("diverged", "failed"):
        return Status.FAILED
    return Status.STOPPED if last.resumable else Status.FINISHED
