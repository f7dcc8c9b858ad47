"""When charts of a running run may be repainted: their cost must not slow the training down."""

from __future__ import annotations

import time

from fmnist_tui.host.node import available_cpus

_SHORTEST = 1.0
_LONGEST = 3.0
"""Seconds between two paints; beyond that, a chart seems to have stopped."""
_FRACTION = 0.005
"""Fraction of the machine's CPU time that the UI thread may take, including all its other work."""


class ChartClock:
    """Once a second at most, and less often where painting costs more than its budget."""

    def __init__(self, pace: float) -> None:
        """A clock that is due at once.

        Args:
            pace: What the seconds between two paints are multiplied by.
        """
        self._pace = pace
        self._budget = _FRACTION * available_cpus() / pace
        self._painted_at = self._busy_before = 0.0
        self.make_due()

    def make_due(self) -> None:
        """Makes the next look find it due: the user is waiting for it."""
        self._painted_at = float("-inf")

    def note_painted(self) -> None:
        """Call when the charts are painted; what that costs counts at the next looks."""
        self._painted_at, self._busy_before = time.monotonic(), time.thread_time()

    @property
    def is_due(self) -> bool:
        """Whether they may be painted; ask in the thread that paints."""
        passed = time.monotonic() - self._painted_at
        if passed < _SHORTEST * self._pace or passed >= _LONGEST * self._pace:
            return passed >= _LONGEST * self._pace
        return time.thread_time() - self._busy_before <= self._budget * passed
