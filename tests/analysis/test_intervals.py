from __future__ import annotations

import math
import random
import statistics

import numpy as np
import pytest
import scipy
from numpy.typing import NDArray

from fmnist_tui.analysis import intervals
from fmnist_tui.analysis.intervals import Interval

ACCURACIES = ([0.91, 0.92], [0.9312, 0.9297, 0.9305], [0.88, 0.8812, 0.8797, 0.8803, 0.8809])


def close(interval: Interval | None, low: float, high: float, tolerance: float = 1e-9) -> bool:
    assert interval is not None
    return interval.low == pytest.approx(low, abs=tolerance) and interval.high == pytest.approx(high, abs=tolerance)


def differing(only_first: int, only_second: int, count: int) -> NDArray[np.float64]:
    """The differences of two models of which one alone is right on so many of `count` images."""
    return np.array([-1.0] * only_first + [1.0] * only_second + [0.0] * (count - only_first - only_second))


def test_an_interval_contains_zero_between_its_ends_and_at_them() -> None:
    held = [Interval(low, high).contains_zero for low, high in ((-1, 1), (0, 1), (-1, 0), (0.1, 1), (-1, -0.1))]
    assert held == [True, True, True, False, False]
    assert Interval(-0.2, 1.3).within(0.0, 1.0) == Interval(0.0, 1.0)


def test_the_mean_of_two_and_of_three_values_worked_by_hand() -> None:
    # n = 2: t(1) = 12.7062, sd = 0.01 / sqrt 2, sd / sqrt 2 = 0.005
    assert close(intervals.of_mean([0.91, 0.92]), 0.915 - 0.063531, 0.915 + 0.063531, 1e-6)
    # n = 3: t(2) = 4.30265, sd = 1, 1 / sqrt 3 = 0.57735
    assert close(intervals.of_mean([1.0, 2.0, 3.0]), 2 - 2.484138, 2 + 2.484138, 1e-5)


@pytest.mark.parametrize("values", ACCURACIES)
def test_the_mean_is_scipys(values: list[float]) -> None:
    theirs = scipy.stats.ttest_1samp(values, 0.0).confidence_interval(intervals.CONFIDENCE)
    assert close(intervals.of_mean(values), theirs.low, theirs.high)


def test_too_few_values_and_values_that_agree_by_accident_have_no_interval() -> None:
    assert intervals.of_mean([]) is None
    assert intervals.of_mean([0.9]) is None
    assert intervals.of_mean([0.9, 0.9, 0.9]) is None
    assert intervals.of_difference([0.9, 0.91], [0.92]) is None
    assert intervals.of_difference([0.9], [0.92, 0.91]) is None
    assert intervals.of_difference([0.9, 0.9], [0.92, 0.92]) is None


def test_a_difference_worked_by_hand() -> None:
    # variances 0.5 and 2, each over 2: the standard error is sqrt 1.25; the degrees of freedom are
    # 1.25^2 / (0.25^2 + 1) = 1.470588, and t there is 6.181147
    found = intervals.of_difference([0.0, 1.0], [10.0, 12.0])
    half = math.sqrt(1.25) * float(scipy.stats.t.ppf(0.975, 1.25**2 / 1.0625))
    assert close(found, 10.5 - half, 10.5 + half)
    assert close(found, 10.5 - 6.9110, 10.5 + 6.9110, 0.01)


@pytest.mark.parametrize("first", ACCURACIES)
@pytest.mark.parametrize("second", ACCURACIES)
def test_a_difference_is_scipys_welch_test(first: list[float], second: list[float]) -> None:
    theirs = scipy.stats.ttest_ind(second, first, equal_var=False).confidence_interval(intervals.CONFIDENCE)
    assert close(intervals.of_difference(first, second), theirs.low, theirs.high)


def test_one_side_that_agrees_by_accident_still_has_a_difference() -> None:
    assert close(intervals.of_difference([0.5, 0.5], [1.0, 2.0]), 1.0 - 6.353102, 1.0 + 6.353102, 1e-5)


def test_a_fraction_worked_by_hand() -> None:
    # z = 1.959964; of 10 trials 9: (0.9 + 0.192073) / 1.384146 -+ 1.959964 sqrt(0.009 + 0.009604) / 1.384146
    assert close(intervals.of_fraction(0.9, 10), 0.595850, 0.982124, 1e-5)


@pytest.mark.parametrize(("right", "count"), [(0, 10), (10, 10), (9319, 10_000), (8387, 9000), (1, 2)])
def test_a_fractions_interval_is_scipys_wilson_interval(right: int, count: int) -> None:
    theirs = scipy.stats.binomtest(right, count).proportion_ci(intervals.CONFIDENCE, method="wilson")
    assert close(intervals.of_fraction(right / count, count), theirs.low, theirs.high)


def test_a_fraction_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        intervals.of_fraction(0.5, 0)


def test_a_paired_difference_worked_by_hand() -> None:
    # Agresti and Min: (c - b) / (n + 2) -+ z sqrt(b + c + 1 - (c - b)^2 / (n + 2)) / (n + 2)
    middle, half = 33 / 10_002, 1.959964 * math.sqrt(136 - 33**2 / 10_002) / 10_002
    assert close(intervals.of_paired(differing(51, 84, 10_000)), middle - half, middle + half, 1e-8)


def test_models_that_never_differ_are_not_held_for_equal() -> None:
    found = intervals.of_paired(differing(0, 0, 100))
    assert found.low < -0.005
    assert found.high == -found.low
    assert found.high < 0.03


def test_a_paired_difference_of_many_images_is_that_of_their_mean() -> None:
    apart = differing(300, 700, 10_000)
    theirs = scipy.stats.ttest_1samp(apart, 0.0).confidence_interval(intervals.CONFIDENCE)
    assert close(intervals.of_paired(apart), theirs.low, theirs.high, 2e-5)


def test_intervals_have_their_nominal_coverage() -> None:
    """Of 400 trials 95% do, give or take: 365 to 394 in 999 of 1,000 cases."""
    chance = random.Random(0)  # noqa: S311 - no secret
    held = {"mean": 0, "difference": 0, "fraction": 0, "paired": 0}
    numbers = np.random.default_rng(0)
    for _ in range(400):
        first = [chance.gauss(0.90, 0.002) for _ in range(3)]
        second = [chance.gauss(0.91, 0.004) for _ in range(4)]
        held["mean"] += _holds(intervals.of_mean(first), 0.90)
        held["difference"] += _holds(intervals.of_difference(first, second), 0.01)
        held["fraction"] += _holds(intervals.of_fraction(numbers.binomial(1000, 0.93) / 1000, 1000), 0.93)
        apart = numbers.choice([-1.0, 0.0, 1.0], size=1000, p=[0.02, 0.94, 0.04])
        held["paired"] += _holds(intervals.of_paired(apart), 0.02)
    assert all(365 <= count <= 394 for count in held.values()), held


def _holds(interval: Interval | None, value: float) -> bool:
    assert interval is not None
    return interval.low <= value <= interval.high


def test_students_t_comes_to_the_normal_with_many_values() -> None:
    values = [0.9 + 0.001 * (place % 7) for place in range(7000)]
    found = intervals.of_mean(values)
    assert found is not None
    z = statistics.NormalDist().inv_cdf(0.975)
    assert (found.high - found.low) / 2 == pytest.approx(z * statistics.stdev(values) / math.sqrt(7000), rel=1e-3)
