"""The trainer process, as started by `launch`, and why it died if it logged nothing."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from types import FrameType

from fmnist_tui.runs.control import Inbox
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.heartbeat import beating
from fmnist_tui.runs.launch import EARLY_SIGNALS
from fmnist_tui.runs.lock import current_attempt, end_attempt, holding, is_lock_of
from fmnist_tui.runs.queue.store import Queue
from fmnist_tui.text import safe
from fmnist_tui.training.events import Command, Queued, RunFinished

_BYTES = 8192
_CHARACTERS = 300
_ERROR = re.compile(r"[\w.]*(Error|Exception|Interrupt)\b(: .*)?$")
_MISSING = re.compile(r"(?:ModuleNotFoundError: |: )No module named '?fmnist_tui'?")


def why_trainer_died(run: RunDirectory) -> str:
    """Why a trainer died, from the last lines of train.log, with advice; "" if they don't show it.

    One line, safe to display, to follow "<run> ..., ".
    """
    lines = _last_lines(run)
    if not lines:
        return ""
    why = next((line for line in reversed(lines) if _ERROR.match(line)), lines[-1])
    if _MISSING.search(why):
        install = f"{sys.executable} -m pip install -e {Path(__file__).parents[2]}"
        return f"{why}: the trainer's Python can't import this program; install it with: {install}"
    return why


def _last_lines(run: RunDirectory) -> list[str]:
    """The last lines of train.log, without empty ones."""
    try:
        with run.train_log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line for one in text.splitlines() if (line := safe(one).strip()[:_CHARACTERS])]


_EXIT = {"completed": 0, "stopped": 0, "diverged": 1, "failed": 1}


def main(arguments: list[str]) -> int:
    """Train; return 0, 1 if it failed, or 130/143 if SIGINT/SIGTERM stopped it and everything is saved."""
    given = _parsed(arguments)
    run = RunDirectory(given.run)
    for handle in filter(None, (given.lock, given.claim)):
        os.set_inheritable(handle, False)  # noqa: FBT003
    _adjust(given)
    inbox = Inbox(run, given.offset)
    received = _listen_to_signals(inbox)
    queue = Queue(given.queue) if given.queue else None
    finished = train_locked(
        run,
        given.lock,
        given.attempt,
        inbox,
        queue=queue,
        claim=given.claim,
        device=given.device,
        device_id=given.device_id,
    )
    if isinstance(finished, Queued):
        _dispatch(queue)
    elif finished.reason == "stopped" and received and not finished.message:
        return 128 + received[0]
    return exit_status(finished)


def exit_status(finished: RunFinished | Queued) -> int:
    """0, or 1 if the run failed or couldn't be saved."""
    if isinstance(finished, Queued):
        return 0
    return 1 if finished.reason == "stopped" and finished.message else _EXIT[finished.reason]


def train_locked(
    run: RunDirectory,
    lock: int,
    attempt: int,
    inbox: Inbox,
    *,
    queue: Queue | None = None,
    claim: int = 0,
    device: str = "",
    device_id: str = "",
    after: Callable[[RunFinished], object] = lambda _: None,
) -> RunFinished | Queued:
    """Train a run with a heartbeat, and release its lock; return its last event: `Queued` if it was queued again.

    Args:
        run: The run.
        lock: The descriptor that holds its lock.
        attempt: The trainer's number.
        inbox: The commands to it.
        queue: Where a dispatcher that was killed is restarted.
        claim: The descriptor of the claim on its device; 0 without a queue.
        device: See `worker.Trainer`.
        device_id: See `worker.Trainer`.
        after: Called with the end of the run while the lock is still held.
    """
    watch = _Watch(run, lock, attempt, inbox, queue)
    with ExitStack() as until_released, ExitStack() as held:
        held.enter_context(holding(lock))
        held.callback(end_attempt, run, attempt)
        held.enter_context(beating(run, attempt, watch.look))
        from fmnist_tui.runs.queue.sharing import share_of
        from fmnist_tui.runs.worker import (
            Trainer,
            run_training,
        )  # imports NumPy and more, which may take longer than a heartbeat

        share = share_of(queue, claim)
        requeue = partial(share.requeue, run, until_released) if share else None
        trainer = Trainer(attempt, inbox, device=device, device_id=device_id, share=share, requeue=requeue)
        finished = run_training(run, trainer)
        if isinstance(finished, RunFinished):
            if share:
                share.note_needs(run, finished)
            after(finished)
    return finished


def _dispatch(queue: Queue | None) -> None:
    """Let the dispatcher start the run again, once this process has ended."""
    from fmnist_tui.runs.queue.dispatch import ensure_dispatcher

    if queue is not None:
        with suppress(OSError):  # any later command starts one
            ensure_dispatcher(queue)


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("lock", type=int)
    parser.add_argument("offset", type=int)
    parser.add_argument("--attempt", type=int, default=0)
    parser.add_argument("--claim", type=int, default=0)
    parser.add_argument("--device", default="")
    parser.add_argument("--device-id", default="")
    parser.add_argument("--queue", type=Path)
    parser.add_argument("--nice", type=int)
    parser.add_argument("--cpus", default="")
    return parser.parse_args(arguments)


def _adjust(given: argparse.Namespace) -> None:
    """Adopt the priority and the CPUs of the process that requested the run, as far as the system allows."""
    if given.nice is not None and (lower := given.nice - os.nice(0)) > 0:
        os.nice(lower)
    if given.cpus and hasattr(os, "sched_setaffinity"):
        with suppress(OSError, ValueError):  # another cgroup, or CPUs that are gone
            os.sched_setaffinity(0, {int(number) for number in given.cpus.split(",")})


class _Watch:
    """What the heartbeat checks each second: that the run is still ours, and that the queue has a dispatcher."""

    def __init__(self, run: RunDirectory, lock: int, attempt: int, inbox: Inbox, queue: Queue | None) -> None:
        self._run = run
        self._lock = lock
        self._attempt = attempt
        self._inbox = inbox
        self._queue = queue

    def look(self) -> bool:
        """Whether to keep beating."""
        if self._queue is not None:
            from fmnist_tui.runs.queue.dispatch import revive

            revive(self._queue)
        if current_attempt(self._run) > self._attempt:
            self._end("another trainer has taken the run: this one exits")
            return False
        if not is_lock_of(self._run, self._lock):
            self._end(f"{self._run.lock} was removed: this trainer saves what it can and exits")
            return False
        return True

    def _end(self, why: str) -> None:
        print(why, file=sys.stderr, flush=True)  # noqa: T201
        self._inbox.put(Command.STOP_NOW)


def _listen_to_signals(inbox: Inbox) -> list[int]:
    """Turn signals into commands: SIGINT and SIGTERM save and exit, a second SIGINT exits at once, SIGUSR1 saves."""
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        if number == signal.SIGINT and signal.SIGINT in received:
            os._exit(128 + number)
        received.append(number)
        inbox.put(Command.STOP_NOW)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, lambda *_: inbox.put(Command.SAVE))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, EARLY_SIGNALS)
    return received


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
