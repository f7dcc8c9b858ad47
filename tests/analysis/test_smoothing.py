from __future__ import annotations

import numpy as np
import pytest

from fmnist_tui.analysis.smoothing import smoothed, width_for


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
