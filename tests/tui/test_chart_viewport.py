from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fmnist_tui.tui.training.curves import AXES, ChartViewport

LAST = 1000.0
NEWEST = 400.0
"""The newest step of a run that isn't over."""
MOVES: dict[str, Callable[[ChartViewport], ChartViewport]] = {
    "closer": lambda view: view.zoomed(1, LAST, NEWEST),
    "away": lambda view: view.zoomed(-1, LAST, NEWEST),
    "right": lambda view: view.stepped(1, LAST),
    "left": lambda view: view.stepped(-1, LAST),
    "cursor": lambda view: view.with_cursor(LAST, LAST),
    "cursor right": lambda view: view.moved(10, 80, LAST),
    "cursor left": lambda view: view.moved(-1, 80, LAST),
    "whole": lambda view: view.whole(),
}


@settings(deadline=None)
@given(st.lists(st.sampled_from(list(MOVES)), max_size=40))
def test_whatever_is_pressed_the_window_stays_within_the_run(names: list[str]) -> None:
    view = ChartViewport()
    for name in names:
        view = MOVES[name](view)
        first, end = view.range(LAST)
        assert -1e-6 <= first < end <= LAST + 1e-6


@pytest.mark.parametrize("closer", [1, 3, 50])
def test_zooming_out_again_ends_with_the_whole_run(closer: int) -> None:
    view = ChartViewport()
    for _ in range(closer):
        view = view.zoomed(1, LAST, NEWEST)
    assert view.steps is not None
    for _ in range(closer):
        view = view.zoomed(-1, LAST, NEWEST)
    assert view.steps is None


def test_zooming_goes_about_the_newest_step_or_about_the_cursor() -> None:
    _, end = ChartViewport().zoomed(1, LAST, LAST).range(LAST)
    assert end == LAST
    view = ChartViewport().with_cursor(LAST, LAST).zoomed(1, LAST, LAST).zoomed(1, LAST, LAST)
    first, end = view.range(LAST)
    assert view.cursor == LAST / 2
    assert (first + end) / 2 == pytest.approx(LAST / 2)
    for at in (0.0, 0.25, 1.0):
        first, end = ChartViewport().zoomed(1, LAST, NEWEST, at).range(LAST)
        assert first + at * (end - first) == pytest.approx(at * LAST), "what is under the mouse stays there"


def test_the_cursor_begins_in_the_middle_of_what_is_drawn() -> None:
    assert ChartViewport().with_cursor(LAST, NEWEST).cursor == NEWEST / 2


def test_the_cursor_moves_by_columns_and_stops_at_the_edges() -> None:
    view = ChartViewport().with_cursor(LAST, LAST)
    assert view.moved(8, 80, LAST).cursor == pytest.approx(LAST / 2 + LAST / 10)
    assert view.moved(-100, 80, LAST).cursor == 0.0
    assert view.moved(100, 80, LAST).cursor == LAST


def test_the_cursor_takes_the_window_along() -> None:
    view = ChartViewport().with_cursor(LAST, LAST).zoomed(1, LAST, LAST)
    first, end = view.range(LAST)
    moved = view.moved(60, 80, LAST)
    assert moved.cursor is not None
    assert moved.range(LAST) == pytest.approx((moved.cursor - (end - first), moved.cursor))
    assert view.moved(900, 80, LAST).range(LAST)[1] == LAST


def test_axes_and_smoothings_come_round_again() -> None:
    view, axes, smoothings = ChartViewport(), [], []
    for _ in AXES:
        axes.append(view.axis)
        view = view.next_axis()
    while view.smoothing not in smoothings:
        smoothings.append(view.smoothing)
        view = view.next_smoothing()
    assert axes == list(AXES)
    assert 0 in smoothings
    assert view == ChartViewport()


def test_a_run_without_steps_can_be_looked_at_in_every_way() -> None:
    view = ChartViewport()
    for change in MOVES.values():
        view = change(view)
    whole = ChartViewport()
    for moved in (
        whole.zoomed(1, 0.0, 0.0),
        whole.zoomed(-1, 0.0, 0.0),
        whole.stepped(1, 0.0),
        whole.with_cursor(0.0, 0.0),
    ):
        first, end = moved.range(0.0)
        assert first < end
