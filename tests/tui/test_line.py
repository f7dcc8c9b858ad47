"""How much is sent at a time, by how fast the terminal answers."""

from __future__ import annotations

import pytest

from fmnist_tui.tui.line import Line


def frames(line: Line, bytes_per_second: float, delay: float, sizes: list[int], now: float = 0.0) -> float:
    """Sends frames, each when the one before has arrived; returns the time after the last answer."""
    for size in sizes:
        line.sent(size, now)
        now += delay + size / bytes_per_second
        line.answered(now)
    return now


def test_nothing_is_limited_as_long_as_nothing_is_known() -> None:
    line = Line()
    assert line.room(0.0) is None
    line.sent(30_000, 0.0)
    assert line.room(0.1) is None


def test_a_slow_line_takes_what_it_carries_in_a_tenth_of_a_second() -> None:
    line = Line()
    now = frames(line, 10e3, 0.2, [0, 30_000])
    assert line.room(now) == pytest.approx(1000, abs=2)
    assert line.frame == pytest.approx(500, abs=1), "the first half is shown before the second has arrived"
    line.sent(1000, now)
    assert line.room(now) == pytest.approx(1000, abs=2), "while the first bytes are on their way, the line takes more"
    line.sent(1000, now)
    line.sent(1000, now)
    room = line.room(now)
    assert room is not None
    assert room <= 0


def test_a_fast_line_is_not_limited_and_is_asked_only_after_large_frames() -> None:
    line = Line()
    now = frames(line, 50e6, 0.1, [0, 40_000])
    assert line.room(now) is None
    assert not line.asks(500)
    assert line.asks(10_000)


def test_a_line_that_seemed_slow_recovers_and_one_that_becomes_slow_is_noticed() -> None:
    line = Line()
    now = frames(line, 10e3, 0.0, [0, 10_000])
    now = frames(line, 50e6, 0.0, [line.room(now) or 5000 for _ in range(8)], now)
    while (room := line.room(now)) is not None:
        now = frames(line, 50e6, 0.0, [room], now)
    now = frames(line, 10e3, 0.0, [20_000], now)
    assert line.room(now) == pytest.approx(1000, abs=2)


def test_lost_answers_hold_up_nothing() -> None:
    line = Line()
    now = frames(line, 10e3, 0.0, [0, 10_000])
    for _ in range(4):
        line.sent(1000, now)
    assert line.seconds_open > 0.3
    assert (line.room(now + 1) or 1) <= 0
    assert line.room(now + 6) == pytest.approx(1000, abs=2)
    assert line.seconds_open == 0.0
