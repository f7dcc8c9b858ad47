from __future__ import annotations

import pytest

from fmnist_tui.tui.training import chart_clock
from fmnist_tui.tui.training.chart_clock import ChartClock


class Time:
    """Both clocks, moved by the test."""

    def __init__(self) -> None:
        self.now = 100.0
        self.busy = 5.0

    def monotonic(self) -> float:
        return self.now

    def thread_time(self) -> float:
        return self.busy


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Time:
    fake = Time()
    monkeypatch.setattr(chart_clock, "time", fake)
    monkeypatch.setattr(chart_clock, "available_cpus", lambda: 2)
    return fake


def due_after(clocks: Time, clock: ChartClock, cost: float) -> float:
    """Seconds from a painting that keeps the thread busy for `cost` seconds to the next one that may be."""
    clock.note_painted()
    clocks.busy += cost
    begun = clocks.now
    while not clock.is_due:
        clocks.now += 0.125
        assert clocks.now - begun < 60
    return clocks.now - begun


@pytest.mark.parametrize(
    ("cost", "pace", "seconds"),
    [(0.001, 1.0, 1.0), (0.02, 1.0, 2.0), (0.5, 1.0, 3.0), (0.001, 5.0, 5.0), (0.02, 5.0, 10.0)],
    ids=["cheap", "dear: a two-hundredth of two CPUs", "far too dear", "cheap, slow link", "dear, slow link"],
)
def test_expensive_charts_are_painted_less_often(clocks: Time, cost: float, pace: float, seconds: float) -> None:
    assert due_after(clocks, ChartClock(pace), cost) == seconds


def test_what_somebody_waits_for_is_due_at_once(clocks: Time) -> None:
    clock = ChartClock(1.0)
    clock.note_painted()
    clock.make_due()
    assert clock.is_due
