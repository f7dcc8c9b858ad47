from __future__ import annotations

import numpy as np
import pytest

from fmnist_tui.analysis.bands import band
from fmnist_tui.analysis.intervals import of_mean


def test_at_each_epoch_the_band_is_the_t_interval_of_the_runs_that_have_one() -> None:
    found = band([([1, 2, 3], [0.7, 0.8, 0.9]), ([1, 2], [0.6, 0.9]), ([2, 1], [0.7, 0.65])])
    assert found.x.tolist() == [1, 2, 3]
    assert found.n.tolist() == [3, 3, 1]
    assert found.mean == pytest.approx([0.65, 0.8, 0.9])
    for at, values in enumerate(([0.7, 0.6, 0.65], [0.8, 0.9, 0.7])):
        interval = of_mean(values)
        assert interval
        assert (found.low[at], found.high[at]) == pytest.approx((interval.low, interval.high))
    assert np.isnan([found.low[2], found.high[2]]).all(), "one run has no spread"


def test_values_that_are_not_finite_are_left_out_and_equal_ones_have_no_band() -> None:
    found = band([([1, 2], [0.5, np.nan]), ([1, 2, 3], [0.5, 0.7, np.inf])])
    assert found.x.tolist() == [1, 2]
    assert found.mean.tolist() == [0.5, 0.7]
    assert found.n.tolist() == [2, 1]
    assert np.isnan(found.low).all()


def test_no_curves_have_an_empty_band() -> None:
    assert len(band([]).x) == len(band([([], [])]).x) == 0
