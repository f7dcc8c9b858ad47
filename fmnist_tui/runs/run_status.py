"""What a run can be doing; how that is found out is in `status`."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """What a run is doing; the values are what users see."""

    QUEUED = "queued"
    PENDING = "pending"
    """A cluster has not started it yet."""
    RUNNING = "running"
    UNRESPONSIVE = "running, not responding"
    PAUSED = "paused"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"
    FAILED = "failed"
    UNREADABLE = "unreadable"
    LOADING = "loading"
    """Not known yet to the follower of a run; `status_of` never returns it."""

    @property
    def has_trainer(self) -> bool:
        """Whether a trainer holds the run now, or will as soon as its device is free."""
        return self.waits or self in (Status.RUNNING, Status.UNRESPONSIVE, Status.PAUSED)

    @property
    def waits(self) -> bool:
        """Whether it has no trainer yet, because it waits for a device or a cluster."""
        return self in (Status.QUEUED, Status.PENDING)

    @property
    def order(self) -> int:
        """Sorts lists: 0 for runs with a trainer, 1 for those that wait for one, 2 for all others."""
        if self.waits:
            return 1
        return 0 if self.has_trainer else 2
