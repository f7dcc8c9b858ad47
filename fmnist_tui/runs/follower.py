"""Follows one run's log; readers in any thread take the newest snapshot when they like."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged, LogReader
from fmnist_tui.runs.snapshot import Snapshot, SnapshotFold
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.runs.usage import Usage, UsageProbe
from fmnist_tui.training import events

POLL_SECONDS = 0.2
_STATUS_SECONDS = 1.0
_TURNS = (events.Paused, events.Continued, events.RunFinished)
"""After these the status is another one."""
_ROOM = 100_000
"""Bytes, in which an hour's events find room."""


class Follower:
    """The newest snapshot of a run.

    Attributes:
        run: Which run.
        snapshot: The newest one; replaced as a whole, so any thread may read it at any time.
        status: The run's, as last looked at; None before the first look, which reads the whole log before.
        no_room: Whether the disk is full, so that the trainer can't write down what happens.
        usage: What its trainer takes of this machine; None where it is elsewhere, or there is none.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self._reader = LogReader(run.events)
        self._fold = SnapshotFold(run.run_id)
        self.snapshot: Snapshot = self._fold.snapshot()
        self.status: Status | None = None
        self.no_room = False
        self.usage: Usage | None = None

    def poll(self) -> list[Logged]:
        """Takes in what is new, and returns it."""
        new = self._reader.read()
        for logged in new:
            self._fold.add(logged)
        if new:
            self.snapshot = self._fold.snapshot()
        return new

    def follow(self, stop: threading.Event) -> None:
        """Polls until told to stop, and looks after status and usage about every second."""
        looked = -_STATUS_SECONDS
        probe = UsageProbe(self.run)
        while not stop.is_set():
            if any(isinstance(logged.event, _TURNS) for logged in self.poll()):
                looked = -_STATUS_SECONDS
            if time.monotonic() - looked >= _STATUS_SECONDS:
                looked = time.monotonic()
                self.status = status = status_of(self.run)
                self.no_room = status.has_trainer and is_full(self.run.path)
                self.usage = probe.look() if status.has_trainer else None
            stop.wait(POLL_SECONDS)


def is_full(folder: Path) -> bool:
    """Whether there is no room for an hour's events."""
    try:
        return shutil.disk_usage(folder).free < _ROOM
    except OSError:
        return False


def read_snapshot(run: RunDirectory) -> Snapshot:
    """The run's snapshot as its log stands now."""
    fold = SnapshotFold(run.run_id)
    for logged in LogReader(run.events).read():
        fold.add(logged)
    return fold.snapshot()
