"""Threads for all that may wait for a file system: the screen's own thread never does."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

Work = Callable[[], object]
T = TypeVar("T")
NAME = "background"
"""The name of all these threads."""
_TRIED = 2
_SLOW_SECONDS = 0.005
_HELPERS = 15
"""More threads, used where the first `_TRIED` items made this one wait for more than `_SLOW_SECONDS` each."""


class Threads:
    """Starts work in threads.

    They are daemons: when the app ends, what waits for a slow file system is abandoned. Work that must be finished (a
    file that is being written, a training in the app) is waited for by `finish`, and by the interpreter.
    """

    def __init__(self, report: Callable[[Exception], object]) -> None:
        """Starts no thread yet.

        Args:
            report: Called, in the thread, with an exception that the work raised.
        """
        self._report = report
        self._lock = threading.Lock()
        self._lanes: dict[str, deque[Work]] = {}
        self._lane_threads: dict[str, threading.Thread] = {}
        self._to_finish: list[threading.Thread] = []

    def start(self, work: Work, *, lane: str = "", only_newest: bool = False, must_finish: bool = False) -> None:
        """Runs `work` in a thread.

        Args:
            work: What to do.
            lane: Work of one lane is done in order, one after the other; "" is no lane.
            only_newest: Whether this replaces all that still waits in the lane.
            must_finish: Whether the process may end only after it; the same for all work of a lane.
        """
        if not lane:
            self._spawn(partial(self._run, work), must_finish=must_finish)
            return
        with self._lock:
            waiting = self._lanes.get(lane)
            if waiting is None:
                self._lanes[lane] = deque([work])
            else:
                if only_newest:
                    waiting.clear()
                waiting.append(work)
                return
        self._lane_threads[lane] = self._spawn(partial(self._run_lane, lane), must_finish=must_finish)

    def finish(self, seconds: float | None = None) -> bool:
        """Waits for the work that must be finished, for so many seconds at most; returns whether all of it is."""
        end = None if seconds is None else time.monotonic() + seconds
        for thread in self._to_finish:
            thread.join(None if end is None else max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._to_finish)

    def settle(self, lane: str, seconds: float) -> None:
        """Waits for a lane's work, for so many seconds at most."""
        thread = self._lane_threads.get(lane)
        if thread is not None:
            thread.join(seconds)

    def _spawn(self, target: Work, *, must_finish: bool) -> threading.Thread:
        thread = threading.Thread(target=target, name=NAME, daemon=not must_finish)
        if must_finish:
            self._to_finish = [one for one in self._to_finish if one.is_alive()] + [thread]
        thread.start()
        return thread

    def _run_lane(self, lane: str) -> None:
        while True:
            with self._lock:
                waiting = self._lanes[lane]
                if not waiting:
                    del self._lanes[lane]
                    return
                work = waiting.popleft()
            self._run(work)

    def _run(self, work: Work) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - reported: a thread must not write a traceback across the screen
            self._report(error)


def for_each(items: Iterable[T], work: Callable[[T], object], stop: Callable[[], bool]) -> None:
    """Does `work` with each item, in this thread; where it mostly waits for a file system, with many at once.

    Args:
        items: Taken in order.
        work: What to do; it must not raise.
        stop: Whether to leave the rest.
    """
    left = deque(items)

    def work_on() -> None:
        while not stop():
            try:
                item = left.popleft()
            except IndexError:
                return
            work(item)

    begun, busy = time.monotonic(), time.thread_time()
    for _ in range(min(_TRIED, len(left))):
        work(left.popleft())
    waited = time.monotonic() - begun - (time.thread_time() - busy)
    helpers = _HELPERS if waited > _TRIED * _SLOW_SECONDS else 0
    threads = [threading.Thread(target=work_on, name=NAME, daemon=True) for _ in range(min(helpers, len(left)))]
    for thread in threads:
        thread.start()
    work_on()
    for thread in threads:
        thread.join()
