from __future__ import annotations

import math

import numpy as np
import pytest

from fmnist_tui.runs.curve import GrowingCurve, smoothed, width_for

from .logs import step


def grown(*numbers: int) -> GrowingCurve:
    curve = GrowingCurve()
    for number in numbers:
        curve.append(step(number), float(number) + 1000)
    return curve


def test_an_empty_curve_has_no_rows() -> None:
    assert len(GrowingCurve().view()) == 0


def test_a_row_is_what_its_log_interval_says() -> None:
    view = grown(15).view()
    columns = (view.step, view.epoch, view.loss, view.accuracy, view.learning_rate, view.images_per_second, view.time)
    assert [column.tolist() for column in columns] == [[15], [2], [0.5], [0.75], [0.1], [1000.0], [1015.0]]
    assert {column.dtype for column in columns} == {np.dtype(np.float64)}


def test_a_curve_grows_past_any_buffer() -> None:
    view = grown(*range(1, 2001)).view()
    assert len(view) == 2000
    assert view.step.tolist() == list(range(1, 2001))


def test_a_view_stays_as_it_was_when_the_curve_grows() -> None:
    curve = grown(1, 2)
    view = curve.view()
    for number in range(3, 1000):
        curve.append(step(number), 0.0)
    assert view.step.tolist() == [1, 2]
    assert len(curve.view()) == 999


def test_a_view_stays_as_it_was_when_rows_are_dropped_and_others_come() -> None:
    curve = grown(1, 2, 3, 4)
    view = curve.view()
    curve.drop_after(2)
    curve.append(step(3, loss=9.0), 0.0)
    assert view.step.tolist() == [1, 2, 3, 4]
    assert view.loss.tolist() == [0.5] * 4
    assert curve.view().loss.tolist() == [0.5, 0.5, 9.0]


@pytest.mark.parametrize(("step", "kept"), [(0, []), (2, [2]), (3, [2]), (4, [2, 4]), (9, [2, 4])])
def test_dropping_keeps_what_is_not_past_the_step(step: int, kept: list[int]) -> None:
    curve = grown(2, 4)
    curve.drop_after(step)
    assert curve.view().step.tolist() == kept


def test_nobody_can_write_into_a_view() -> None:
    view = grown(1).view()
    with pytest.raises(ValueError, match="read-only"):
        view.loss[0] = 0.0


def test_a_loss_that_is_not_a_number_is_kept_as_such() -> None:
    curve = GrowingCurve()
    curve.append(step(1, loss=math.nan), 0.0)
    assert math.isnan(curve.view().loss[0])


def test_rows_are_dropped_without_a_copy_unless_a_view_would_change() -> None:
    curve = grown(1, 2, 3, 4)
    before = curve._rows
    curve.drop_after(2)
    assert curve._rows is before
    view = curve.view()
    curve.drop_after(2)
    assert curve._rows is before
    curve.drop_after(1)
    assert curve._rows is not before
    curve.append(step(9), 0.0)
    assert view.step.tolist() == [1, 2]
    assert curve.view().step.tolist() == [1, 9]


def test_the_mean_is_centred_and_shorter_at_the_ends() -> None:
    assert smoothed(np.array([1.0, 2.0, 6.0, 4.0]), 3).tolist() == [1.5, 3.0, 4.0, 5.0]


def test_width_one_changes_nothing() -> None:
    values = np.array([3.0, 1.0, 2.0])
    assert smoothed(values, 1).tolist() == values.tolist()


def test_values_that_are_not_finite_are_left_out() -> None:
    values = np.array([1.0, np.nan, 3.0, np.inf, np.nan, np.nan])
    assert smoothed(values, 3).tolist()[:4] == [1.0, 2.0, 3.0, 3.0]
    assert np.isnan(smoothed(values, 3)[4:]).all()


def test_no_values_stay_none() -> None:
    assert len(smoothed(np.empty(0), 5)) == 0


def test_a_spike_leaves_no_trace_outside_its_width() -> None:
    values = np.full(300, 0.2)
    values[10] = 1e11
    assert smoothed(values, 5)[20:] == pytest.approx(0.2, rel=1e-12)


@pytest.mark.parametrize(("count", "width"), [(0, 1), (1, 1), (99, 1), (150, 3), (3180, 63), (10**6, 101)])
def test_the_width_is_odd_and_bounded(count: int, width: int) -> None:
    assert width_for(count) == width
