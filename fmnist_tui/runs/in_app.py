"""Training in a thread of this process, for `--in-app`: the run ends, saved, with the process."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fmnist_tui.errors import RunError
from fmnist_tui.host.node import host_name
from fmnist_tui.runs.control import Inbox, control_end
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.heartbeat import beating
from fmnist_tui.runs.lock import acquire, current_attempt, end_attempt, is_lock_of, new_attempt
from fmnist_tui.training.events import Command, Event, Queued, RunFinished

if TYPE_CHECKING:
    from fmnist_tui.runs.queue.devices import HeldClaim
    from fmnist_tui.runs.queue.options import QueueOptions
    from fmnist_tui.runs.queue.store import Queue

_TURN_SECONDS = 0.25
"""The interval at which it checks whether the device is free; this process is running anyway."""


class InAppRun:
    """A training that this process runs itself, in the thread that calls `train`.

    It holds the run's lock from the start, also while it waits for its device, until the end of `train`, or `close`.
    """

    def __init__(self, run: RunDirectory, options: QueueOptions | None = None) -> None:
        """Take the run's lock and start the heartbeat.

        Args:
            run: The run.
            options: How to queue it; None for what the user's settings say.

        Raises:
            RunError: The run already has a trainer.
        """
        self.run = run
        self._options = options
        offset = control_end(run)  # before the lock is taken: later commands are for its holder
        with ExitStack() as held:
            self._lock = acquire(run)
            held.callback(os.close, self._lock)
            self._attempt = new_attempt(run, self._lock)
            held.callback(end_attempt, run, self._attempt)
            self.inbox = Inbox(run, offset)
            held.enter_context(beating(run, self._attempt, self._look))
            self._held = held.pop_all()

    def train(self) -> RunFinished:
        """Train to the end and release the run; return the last event."""
        from fmnist_tui.runs.worker import (
            Trainer,
            run_training,
        )  # imports NumPy and more, which the first paint must not wait for

        with self._held:
            turn = _Turn(self.run, self.inbox, self._options)
            try:
                finished = run_training(self.run, Trainer(self._attempt, self.inbox, turn.wait))
                assert isinstance(finished, RunFinished)  # noqa: S101 - nothing here queues it again
                return finished
            finally:
                turn.end()

    def close(self) -> None:
        """Release the run, whether it was trained or not."""
        self._held.close()

    def _look(self) -> bool:
        if is_lock_of(self.run, self._lock) and current_attempt(self.run) <= self._attempt:
            return True
        self.inbox.put(Command.STOP_NOW)
        return False


class _Turn:
    """The position in the queue of a run that this process trains itself."""

    def __init__(self, run: RunDirectory, inbox: Inbox, options: QueueOptions | None) -> None:
        self._options = options
        self._run = run
        self._inbox = inbox
        self._queue: Queue | None = None
        self._ticket: tuple[Path, int] | None = None
        self._claim: HeldClaim | None = None

    def wait(self) -> Generator[Event, None, tuple[str, str] | None]:
        """Wait until a device is free; return it and its key, or None if the run was stopped first."""
        from fmnist_tui.runs.queue.submit import usable_queue

        self._queue, _ = usable_queue()
        needs = self._enter()
        reported = False
        later: list[Command] = []
        while not self._take():
            while command := self._inbox():
                if command in (Command.STOP_NOW, Command.STOP_AFTER_EPOCH):
                    return None
                later.append(command)
            if not reported:
                yield Queued(needs, host=host_name(), queue=str(self._queue.folder))
                reported = True
            time.sleep(_TURN_SECONDS)
        for command in later:
            self._inbox.put(command)
        assert self._claim is not None  # noqa: S101
        return self._claim.claim.device, self._claim.claim.gpu

    def end(self) -> None:
        """Release the device, or leave the queue."""
        if self._claim is not None:
            self._claim.release()
        elif self._queue is not None:
            with suppress(RunError), self._queue.locked():
                self._leave()
        if self._ticket is not None:
            os.close(self._ticket[1])
            with suppress(OSError):
                self._ticket[0].unlink()

    def _enter(self) -> str:
        """Join the queue at its end; return the device that the run needs."""
        from fmnist_tui.runs.queue.devices import visible_gpus
        from fmnist_tui.runs.queue.options import queue_options, settled_options
        from fmnist_tui.runs.queue.store import enqueued
        from fmnist_tui.runs.queue.submit import new_entry
        from fmnist_tui.runs.request import read_request, settled_config

        assert self._queue is not None  # noqa: S101
        request = read_request(self._run)
        gpus = visible_gpus([settled_config(self._run, request)])
        options = settled_options(self._options or queue_options(), gpus)
        with self._queue.locked():
            path = self._queue.folder / f"in-app-{self._run.run_id}-{os.getpid()}.lock"
            if self._ticket is not None:
                os.close(self._ticket[1])
            self._ticket = path, os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._ticket[1], fcntl.LOCK_EX)
            entry = new_entry(self._run, request, gpus, options, in_app=str(path))
            self._queue.write(enqueued(self._queue.read(), [entry]))
        return entry.needs

    def _take(self) -> bool:
        """Take a device if one is free and no run earlier in the queue may use it."""
        from fmnist_tui.runs.queue.devices import take_claim
        from fmnist_tui.runs.queue.dispatch import slots_of
        from fmnist_tui.runs.queue.slots import Refusal

        assert self._queue is not None  # noqa: S101
        mine, is_queued = str(self._run.path.absolute()), False
        with self._queue.locked():
            entries = self._queue.read()
            slots = slots_of(self._queue, entries)
            for entry in entries:
                placed = slots.place(entry)
                if isinstance(placed, Refusal):
                    slots.wait(entry, placed)
                else:
                    slots.take(placed)
                if entry.run == mine:
                    is_queued = True
                    if not isinstance(placed, Refusal):
                        self._claim = take_claim(self._queue, placed)
                        self._leave()
                    break
        if not is_queued:  # the order was damaged and moved aside, or removed
            self._enter()
        return self._claim is not None

    def _leave(self) -> None:
        from fmnist_tui.runs.queue.dispatch import wake

        assert self._queue is not None  # noqa: S101
        mine = str(self._run.path.absolute())
        self._queue.write([one for one in self._queue.read() if one.run != mine])
        wake(self._queue)


def train_in_order(runs: Sequence[InAppRun], on_end: Callable[[], object] = lambda: None) -> list[RunFinished]:
    """Trains the runs in this thread, one after the other, and releases them all, whatever happens.

    Args:
        runs: What to train.
        on_end: Called after each run.

    Returns:
        The last event of each.
    """
    ends = []
    try:
        for run in runs:
            ends.append(run.train())
            on_end()
    finally:
        for run in runs:
            run.close()
    return ends
