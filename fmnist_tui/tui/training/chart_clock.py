"""When live charts may be painted anew: their cost must not be felt by the training beside them."""

from __future__ import annotations

import time

from fmnist_tui.host.cpus import available_cpus

_SHORTEST = 1.0
_LONGEST = 6.0
"""Seconds between two paintings; beyond, nobody would call it live."""
_SHARE = 0.005
"""Of the machine's time that the screen's thread may take, all its work counted."""


class ChartClock:
    """Once a second at most, and more seldom by itself where painting costs more than its share."""

    def __init__(self, pace: float) -> None:
        """Due at once.

        Args:
            pace: What the seconds between two paintings are multiplied by.
        """
        self._pace = pace
        self._budget = _SHARE * available_cpus() / pace
        self._painted_at = self._busy_before = 0.0
        self.make_due()

    def make_due(self) -> None:
        """Somebody waits for it: the next look finds it due."""
        self._painted_at = float("-inf")

    def note_painted(self) -> None:
        """The charts are painted now; what this costs is seen at the next looks."""
        self._painted_at, self._busy_before = time.monotonic(), time.thread_time()

    @property
    def is_due(self) -> bool:
        """Whether they may be painted; ask in the thread that paints."""
        passed = time.monotonic() - self._painted_at
        if passed < _SHORTEST * self._pace or passed >= _LONGEST * self._pace:
            return passed >= _LONGEST * self._pace
        return time.thread_time() - self._busy_before <= self._budget * passed
