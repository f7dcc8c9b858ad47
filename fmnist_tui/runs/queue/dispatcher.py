"""The dispatcher: a small process that waits for devices; it blocks until a trainer ends or a run is queued.

Its arguments are the queue's folder and the descriptor that holds the dispatcher's lock. Killing it loses nothing: the
queue is in a file, trainers outlive it, and any of them, or the next command, starts another one.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from fmnist_tui.errors import RunError
from fmnist_tui.runs.queue.devices import wait_until_free
from fmnist_tui.runs.queue.dispatch import all_claims, start_ready
from fmnist_tui.runs.queue.store import Queue

_RETRY_SECONDS = 5.0
"""The interval if there is nothing to wait for: a device couldn't be claimed, on a full disk for example."""
_POLL_SECONDS = (2.0, 4.0, 8.0, 15.0)
"""The intervals while a run waits for something that nothing announces: other people's processes, measurements."""
_LONGEST_SECONDS = 120.0
"""The longest wait: the pipe may have been removed, so that no process can wake this one."""


def main(arguments: list[str]) -> int:
    """Start runs as devices become free, until no run is queued."""
    queue, lock = Queue(Path(arguments[0])), int(arguments[1])
    os.set_inheritable(lock, False)  # noqa: FBT003
    with suppress(OSError):  # on a full disk
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()} {os.nice(0)}\n".encode(), 0)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    waiter = _Waiter(queue)
    polls = 0
    while True:
        holders: list[Path] = []
        seconds = _RETRY_SECONDS
        look_again = False
        try:
            with queue.locked():
                look_again = start_ready(queue).look_again
                entries = queue.read()
                if not entries:
                    os.close(lock)  # within the queue's lock: who queues a run then starts another
                    return 0
                holders = [*all_claims(queue), *(Path(entry.in_app) for entry in entries if entry.in_app)]
                if look_again:
                    seconds = _POLL_SECONDS[min(polls, len(_POLL_SECONDS) - 1)]
                elif holders or all(entry.held for entry in entries):
                    seconds = _LONGEST_SECONDS
        except RunError:  # another process is changing the queue, or its disk is full
            pass
        was_woken = waiter.wait(holders, seconds)
        polls = 0 if was_woken or not look_again else polls + 1


class _Waiter:
    """Blocks until a trainer ends or another process wakes it."""

    def __init__(self, queue: Queue) -> None:
        self._ended, self._end = os.pipe()
        self._watched: set[Path] = set()
        self._poll = select.poll()
        self._poll.register(self._ended, select.POLLIN)
        self._pipe = queue.wake_pipe
        self._wake = -1
        self._open_pipe()

    def _open_pipe(self) -> bool:
        """Open the pipe, and reopen it if it was replaced: its folder may have been removed.

        Returns whether it was opened: runs queued before that couldn't wake this process.
        """
        with suppress(OSError):
            if self._wake >= 0 and os.path.samestat(os.fstat(self._wake), self._pipe.lstat()):
                return False
        if self._wake >= 0:
            self._poll.unregister(self._wake)
            os.close(self._wake)
            self._wake = -1
        with suppress(OSError):
            if not self._pipe.is_fifo():
                self._pipe.unlink(missing_ok=True)
                os.mkfifo(self._pipe, 0o600)
            self._wake = os.open(self._pipe, os.O_RDWR | os.O_NONBLOCK)
            self._poll.register(self._wake, select.POLLIN)
        return self._wake >= 0

    def wait(self, holders: Iterable[Path], seconds: float) -> bool:
        """Block until one of the lock files is free, or the pipe is written to; reap children that have ended.

        Args:
            holders: The lock files.
            seconds: How long to wait at most.

        Returns:
            Whether something has happened.
        """
        if self._open_pipe():
            return True
        for path in set(holders) - self._watched:
            self._watched.add(path)
            threading.Thread(target=self._watch, args=(path,), daemon=True).start()
        ready = self._poll.poll((seconds if self._wake >= 0 else min(seconds, _RETRY_SECONDS)) * 1000)
        for handle, _ in ready:
            with suppress(BlockingIOError):
                os.read(handle, 4096)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        return bool(ready)

    def _watch(self, path: Path) -> None:
        wait_until_free(path)
        self._watched.discard(path)
        os.write(self._end, b"!")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
