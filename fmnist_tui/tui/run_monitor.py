"""The state of the runs folder: one thread keeps it up to date, and screens read it instead of files."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from fmnist_tui.errors import RunError
from fmnist_tui.runs.cluster.jobs import job_of
from fmnist_tui.runs.directory import RunDirectory, created_at, list_runs, unordered_runs
from fmnist_tui.runs.run import Run, has_steps, read_run
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.tui.messages import Post
from fmnist_tui.tui.runs_state import RunsChanged, RunsState, RunState
from fmnist_tui.tui.threads import for_each

_PARTIAL_SECONDS = 0.5
"""Between two messages while a slow folder is read for the first time."""
_IDLE_CPU, _IDLE_SECONDS = 0.02, 0.5
"""CPU seconds, and seconds, that one look may take for runs of which nothing is expected."""
_Stamp = tuple[tuple[int, int, int] | None, ...]


class RunMonitor:
    """Reads the runs folder every few seconds, and at once when asked to.

    Attributes:
        state: What was read last.

    Each look costs one `stat` of the folder, and some for each run that has a trainer. Runs that ended are read again
    only when their files change; those that could be resumed are checked in turn, on a budget of time; those
    that are finished only in a thorough look.
    """

    def __init__(self, runs: Path, seconds: float) -> None:
        """Looks at nothing yet.

        Args:
            runs: The folder.
            seconds: Between two looks.
        """
        self.state = RunsState()
        self._runs = runs
        self._seconds = seconds
        self._known: dict[RunDirectory, tuple[_Stamp, RunState]] = {}
        self._listed: list[RunDirectory] = []
        self._folder: tuple[_Stamp, bool] = ((), False)
        self._idle: deque[RunDirectory] = deque()
        self._lock = threading.Lock()
        self._asked: set[RunDirectory] = set()
        self._waiting: list[Callable[[], object]] = []
        self._thorough = False
        self._again = threading.Event()
        self._over = False

    def look(
        self, runs: Iterable[RunDirectory] = (), *, thorough: bool = False, then: Callable[[], object] | None = None
    ) -> None:
        """Asks for a look at once.

        Args:
            runs: Those of which something is known to have changed.
            thorough: Whether to look at finished runs, too: a label may have been changed.
            then: Called, in the monitor's thread, after a look that begins from now on.
        """
        with self._lock:
            self._asked.update(runs)
            self._thorough |= thorough
            self._waiting += [then] if then else []
        self._again.set()

    def end(self) -> None:
        """No more looks."""
        self._over = True
        self._again.set()

    def watch(self, post: Post) -> None:
        """Posts the state after every look that found a change, until `end`; runs in a thread."""
        while not self._over:
            self._again.clear()
            with self._lock:
                asked, self._asked = self._asked, set()
                waiting, self._waiting = self._waiting, []
                thorough, self._thorough = self._thorough, False
            self._look(post, asked, thorough=thorough)
            for then in waiting:
                then()
            self._again.wait(self._seconds)

    def _look(self, post: Post, asked: set[RunDirectory], *, thorough: bool) -> None:
        try:
            self._list(asked)
        except RunError as error:
            self._publish(post, replace(self.state, complete=True, fault=str(error)))
            return
        for run in asked:
            self._known.pop(run, None)
        due = [run for run in self._listed if thorough or self._is_due(run)]
        published = time.monotonic()
        lock = threading.Lock()

        def read(run: RunDirectory) -> None:
            nonlocal published
            self._read(run)
            with lock:
                if time.monotonic() - published < _PARTIAL_SECONDS:
                    return
                published = time.monotonic()
            self._publish(post, self._current())

        for_each(due, read, lambda: self._over)
        if not self._over:
            self._look_at_idle(set(due))
            self._publish(post, self._current())

    def _list(self, asked: set[RunDirectory]) -> None:
        """Lists the folder where it has changed, and once more after that: its clock may be coarse.

        Raises:
            RunError: It can't be read.
        """
        stamp = (_stamp_of(self._runs),)
        changed = stamp != self._folder[0]
        if changed or self._folder[1] or not asked <= set(self._listed):
            for_each(unordered_runs(self._runs), created_at, lambda: self._over)  # what the order depends on
            self._listed = list_runs(self._runs)
            there = dict.fromkeys(self._listed)
            for run in self._known.keys() - there.keys():
                del self._known[run]
            in_turn = dict.fromkeys(run for run in self._idle if run in there)
            self._idle = deque(in_turn | there)
        self._folder = stamp, changed

    def _is_due(self, run: RunDirectory) -> bool:
        known = self._known.get(run)
        return known is None or known[1].status.has_trainer

    def _look_at_idle(self, done: set[RunDirectory]) -> None:
        """Has one of the runs that could be resumed been resumed?"""
        begun, busy = time.monotonic(), time.thread_time()
        for _ in range(len(self._idle)):
            run = self._idle[0]
            self._idle.rotate(-1)
            if run in done or self._known[run][1].status is Status.FINISHED:
                continue
            self._read(run)
            if time.thread_time() - busy > _IDLE_CPU or time.monotonic() - begun > _IDLE_SECONDS or self._over:
                return

    def _read(self, run: RunDirectory) -> None:
        """Reads a run where something has changed."""
        stamp = _stamp(run)  # first: what is written meanwhile is read at the next look
        known = self._known.get(run)
        if known is None or known[0] != stamp or not _is_current(known[1]):
            self._known[run] = (stamp, read_state(run))

    def _current(self) -> RunsState:
        known = [self._known[run][1] for run in self._listed if run in self._known]
        return RunsState(tuple(known), len(self._listed), complete=len(known) == len(self._listed))

    def _publish(self, post: Post, state: RunsState) -> None:
        if state != self.state:
            self.state = state
            post(RunsChanged(state))


def read_state(run: RunDirectory) -> RunState:
    """The run as it is now; one that can't be read says so in its record."""
    try:
        return RunState(read_run(run), has_steps(run))
    except OSError as error:
        damage = f"can't be read ({error.strerror})"
        return RunState(Run(run, Status.INTERRUPTED, missing=damage), has_steps=False)


def _is_current(known: RunState) -> bool:
    """Whether a run whose files didn't change is as it was: a trainer may have started, or died without a trace.

    Why it waits for a cluster may have changed, too.
    """
    try:
        if known.status is Status.PENDING and job_of(known.run) != known.record.job:
            return False
        return known.status is Status.FINISHED or status_of(known.run) is known.status
    except OSError:
        return bool(known.record.damage)


def _stamp(run: RunDirectory) -> _Stamp:
    return tuple(map(_stamp_of, (run.events, run.label, run.result, run.run_json)))


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - a third of the cost of Path.stat
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
