"""What a trainer process knows of its device: which runs share it, and what to do if there isn't memory for all."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack

from fmnist_tui.errors import RunError
from fmnist_tui.host.node import host_name
from fmnist_tui.host.processes import python_environment
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.runs.queue.devices import Claim, claims_in_use
from fmnist_tui.runs.queue.measured import SpeedFold, add_measured
from fmnist_tui.runs.queue.store import Queue, decoded, enqueued
from fmnist_tui.training import events

_LOOK_SECONDS = 1.0


class DeviceShare:
    """A trainer's share of the device that it has acquired.

    Attributes:
        claim: Its claim.
        was_shared: Whether another run of this user was ever seen on the GPU.
    """

    def __init__(self, queue: Queue, claim: Claim) -> None:
        self.queue = queue
        self.claim = claim
        self.was_shared = False
        self._runs = 1
        self._looked = 0.0

    def look(self) -> events.Sharing | None:
        """An event if another number of runs shares the device than before; looks at most once a second."""
        if time.monotonic() - self._looked < _LOOK_SECONDS:
            return None
        runs = self._count()
        if runs == self._runs:
            return None
        self._runs = runs
        return events.Sharing(runs)

    def _count(self) -> int:
        self._looked = time.monotonic()
        others = [one for one in claims_in_use(self.queue).values() if one.run != self.claim.run]
        runs = 1 + sum(one.gpu == self.claim.gpu for one in others)
        self.was_shared |= runs > 1
        return runs

    def requeue(self, run: RunDirectory, until_released: ExitStack) -> events.Queued | None:
        """Queue the run again, in front and for a GPU of its own, after it has run out of memory beside others.

        Args:
            run: The run; its trainer calls this.
            until_released: Holds the queue's lock, so that nobody starts the run before its trainer has released it.

        Returns:
            The event to log as the trainer's last one; None if the run had the GPU for itself, or can't be queued.
        """
        from fmnist_tui.runs.queue.devices import visible_gpus
        from fmnist_tui.runs.queue.dispatch import user
        from fmnist_tui.runs.queue.options import QueueOptions
        from fmnist_tui.runs.queue.submit import new_entry
        from fmnist_tui.runs.request import read_request, settled_config

        if not self.claim.gpu or self.claim.alone or (self._count() < 2 and not self.was_shared):
            return None
        try:
            request = read_request(run)
            gpus = visible_gpus([settled_config(run, request)])
            until_released.enter_context(self.queue.locked())
            environment = self.queue.save_environment(python_environment())
            options = QueueOptions(avoid_busy=self.claim.avoid_busy)
            entry = new_entry(run, request, gpus, options, environment, priority=self.claim.priority, alone=True)
            self.queue.write(enqueued(self.queue.read(), [entry], first=True))
        except RunError:
            return None
        return events.Queued(entry.needs, host=host_name(), user=user(), queue=str(self.queue.folder))

    def note_needs(self, run: RunDirectory, end: events.RunFinished) -> None:
        """Save what this run needed, so that others of its model can be placed, and their time estimated."""
        if end.reason not in ("completed", "stopped") or not self.claim.model:
            return
        fold = SpeedFold()
        for logged in LogReader(run.events):
            fold.add(logged)
        memory = 0
        if self.claim.gpu and "torch" in sys.modules:
            from fmnist_tui.training.devices import peak_memory

            memory = peak_memory()
        add_measured(self.queue, self.claim.model, self.claim.gpu or "cpu", memory, fold.alone)


def read_claim(handle: int) -> Claim | None:
    """The claim in a file that this process has inherited; None if it is damaged."""
    try:
        return decoded(os.pread(handle, 65_536, 0), Claim)
    except (OSError, ValueError):
        return None


def share_of(queue: Queue | None, handle: int) -> DeviceShare | None:
    """A trainer's share of its device; None if it was started without a queue."""
    claim = read_claim(handle) if handle else None
    return DeviceShare(queue, claim) if queue and claim else None
