from __future__ import annotations

import pytest
import scipy

from fmnist_tui.analysis.intervals import Interval, Spread


def test_it_is_the_mean_and_the_samples_deviation() -> None:
    found = Spread.of([1.0, 2.0, 6.0], 10.0, seeds=3)
    assert (found.mean, found.sd, found.n) == (3.0, 7**0.5, 3)  # (4 + 1 + 9) / 2
    assert Spread.of([0.5], 1.0, seeds=1) == Spread(0.5, None, 1)


def test_several_seeds_give_students_interval_cut_to_what_can_be() -> None:
    found = Spread.of([0.92, 0.93, 0.91], 1.0, seeds=3)
    theirs = scipy.stats.ttest_1samp([0.92, 0.93, 0.91], 0.0).confidence_interval(0.95)
    assert found.interval is not None
    assert [found.interval.low, found.interval.high] == pytest.approx([theirs.low, theirs.high])
    assert found.method == "student_t"
    assert Spread.of([0.1, 0.9], 1.0, seeds=2).interval == Interval(0.0, 1.0)


def test_one_seed_gives_the_accuracy_alone_an_interval_over_the_images() -> None:
    assert Spread.of([0.3], 2.0, seeds=1).interval is None
    found = Spread.of_accuracies([0.93], 10_000, seeds=1)
    theirs = scipy.stats.binomtest(9300, 10_000).proportion_ci(0.95, method="wilson")
    assert found.interval is not None
    assert [found.interval.low, found.interval.high] == pytest.approx([theirs.low, theirs.high])
    assert found.method == "wilson"


def test_a_seed_trained_twice_is_no_spread_of_seeds() -> None:
    found = Spread.of_accuracies([0.93, 0.9301], 10_000, seeds=1)
    assert (found.n, found.method) == (2, "wilson")
    assert Spread.of([0.2, 0.3], 2.0, seeds=1).interval is None


def test_without_images_or_with_an_impossible_accuracy_there_is_none() -> None:
    assert Spread.of_accuracies([0.93], None, seeds=1) == Spread(0.93, None, 1)
    assert Spread.of_accuracies([0.93], 0, seeds=1) == Spread(0.93, None, 1)
    assert Spread.of_accuracies([7.0], 100, seeds=1) == Spread(7.0, None, 1)


def test_accuracies_that_agree_by_accident_are_known_no_better_than_one() -> None:
    assert Spread.of_accuracies([0.93, 0.93], 10_000, seeds=2).method == "wilson"
