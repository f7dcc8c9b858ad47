"""Follows one run's log; readers in any thread take the newest snapshot when they like."""

from __future__ import annotations

import threading
import time

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged, LogReader
from fmnist_tui.runs.snapshot import Snapshot, SnapshotFold
from fmnist_tui.runs.status import status_of
from fmnist_tui.runs.usage import Usage, UsageProbe

POLL_SECONDS = 0.2
_STATUS_SECONDS = 1.0


class Follower:
    """The newest snapshot of a run.

    Attributes:
        run: Which run.
        snapshot: The newest one; replaced as a whole, so any thread may read it at any time.
        status: The run's, as last looked at.
        usage: What its trainer takes of this machine; None where it is elsewhere, or there is none.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self._reader = LogReader(run.events)
        self._fold = SnapshotFold(run.run_id)
        self.snapshot: Snapshot = self._fold.snapshot()
        self.status = status_of(run)
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
            self.poll()
            if time.monotonic() - looked >= _STATUS_SECONDS:
                looked = time.monotonic()
                self.status = status_of(self.run)
                self.usage = probe.look() if self.status.has_trainer else None
            stop.wait(POLL_SECONDS)


def read_snapshot(run: RunDirectory) -> Snapshot:
    """The run's snapshot as its log stands now."""
    follower = Follower(run)
    follower.poll()
    return follower.snapshot
