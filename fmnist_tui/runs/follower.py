"""Follows one run's log; readers in any thread take the newest snapshot whenever they like."""

from __future__ import annotations

import math
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from fmnist_tui.runs.cluster.jobs import job_of
from fmnist_tui.runs.cluster.slurm import Job
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged, LogReader
from fmnist_tui.runs.fold import Snapshot, SnapshotFold
from fmnist_tui.runs.queue.waiting import Waiting, WaitProbe
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.runs.usage import Usage, UsageProbe
from fmnist_tui.training import events

POLL_SECONDS = 0.2
_IDLE_SECONDS = 0.5
_STATUS_SECONDS = 1.0
_TURNS = (events.Queued, events.Paused, events.Continued, events.RunFinished)
"""Events after which the status is different."""
_ROOM = 100_000
"""Bytes that an hour's events take."""


class Follower:
    """The newest snapshot of a run. Nothing is read before the first `poll` or `look`.

    Attributes:
        run: The run.
        snapshot: The newest snapshot; replaced as a whole, so any thread may read it at any time.
        status: The status when it was last determined; LOADING before that.
        no_room: Whether the disk is full, so that the trainer can't log events.
        usage: What its trainer uses of this machine; None if it runs elsewhere, or there is none.
        waiting: What it waits for while it is queued on this host, else None.
        job: Its Slurm job while that waits for its node, else None.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self._reader = LogReader(run.events)
        self._fold = SnapshotFold(run.run_id)
        self.snapshot: Snapshot = self._fold.snapshot()
        self.status = Status.LOADING
        self.no_room = False
        self.usage: Usage | None = None
        self.waiting: Waiting | None = None
        self.job: Job | None = None
        self._inputs: tuple[object, ...] = ()

    def batches(self) -> Iterator[list[Logged]]:
        """Reads what is new and yields it in lists of bounded size; the snapshot is up to date with each."""
        for batch in self._reader.batches():
            for logged in batch:
                self._fold.add(logged)
            self.snapshot = self._fold.snapshot()
            yield batch

    def poll(self) -> list[Logged]:
        """Reads what is new and returns it all at once; for a log that may be long, prefer `batches`."""
        return [logged for batch in self.batches() for logged in batch]

    def catch_up(self) -> None:
        """Reads what is new."""
        for _ in self.batches():
            pass

    def look(self) -> None:
        """Determines the status, unless the run has no trainer and no file that it depends on has changed."""
        inputs = _inputs(self.run)
        if self.status.has_trainer or inputs != self._inputs:
            self.status = status_of(self.run)
            self._inputs = inputs

    def follow(self, stop: threading.Event) -> None:
        """Polls until `stop` is set; updates status and usage about every second."""
        probe, wait_probe = UsageProbe(self.run), WaitProbe(self.run)
        looked = -math.inf
        while not stop.is_set():
            new = next(self.batches(), [])
            if any(isinstance(logged.event, _TURNS) for logged in new) or time.monotonic() - looked >= _STATUS_SECONDS:
                looked = time.monotonic()
                self.look()
                self.no_room = self.status.has_trainer and is_full(self.run.path)
                self.usage = probe.look() if self.status.has_trainer and not self.status.waits else None
                self.waiting = wait_probe.look() if self.status is Status.QUEUED else None
                self.job = job_of(self.run) if self.status is Status.PENDING else None
            if not new:
                stop.wait(POLL_SECONDS if self.status.has_trainer else _IDLE_SECONDS)


def _inputs(run: RunDirectory) -> tuple[object, ...]:
    """A value that changes when a trainer takes the run, or anything is written to its log."""
    return tuple(map(_identity, (run.events, run.lock, run.heartbeat)))


def _identity(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def is_full(folder: Path) -> bool:
    """Whether the disk has no room for an hour's events."""
    try:
        return shutil.disk_usage(folder).free < _ROOM
    except OSError:
        return False
