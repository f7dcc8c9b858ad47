"""Paired comparisons of models on the same test images: McNemar's exact test, and differences of versions."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis import intervals
from fmnist_tui.analysis.eligibility import (
    ScoredImages,
    ScoredRun,
    n_distinct,
    same_test_images,
    seeds_of,
    trained_alike,
)
from fmnist_tui.analysis.intervals import Interval
from fmnist_tui.runs.predictions import NoPredictionsError, read_predictions
from fmnist_tui.runs.run import Run

SIGNIFICANCE_LEVEL = 0.05
_ROUNDING = 1e-6
"""By how much the accuracies in a run's result and in its predictions may differ."""


@dataclass(frozen=True, eq=False)
class Correctness:
    """Which test images a run classifies correctly.

    Attributes:
        record: The run.
        labels: Unsigned integers, (n,).
        correct: bool, (n,).
    """

    record: Run
    labels: NDArray[Any]
    correct: NDArray[np.bool_]

    @property
    def images(self) -> ScoredImages:
        """What the run was scored on, for `same_test_images`."""
        return self.record.test_fingerprint, self.labels


Reader = Callable[[Run], Correctness | None]


def cached_reader() -> Reader:
    """A reader that opens each run's predictions once, and returns None if they can't be used."""
    cache: dict[str, Correctness | None] = {}

    def read(record: Run) -> Correctness | None:
        if record.run_id not in cache:
            try:
                predictions = read_predictions(record.directory)
                cache[record.run_id] = Correctness(record, predictions.labels, predictions.correct)
            except NoPredictionsError:
                cache[record.run_id] = None
        return cache[record.run_id]

    return read


@dataclass(frozen=True)
class PairedTest:
    """Two runs tested against each other on the same test images.

    Attributes:
        first: The first run's version.
        second: The second run's version.
        first_run: The first run's id.
        second_run: The second run's id.
        only_first_correct: Images that only the first classifies correctly.
        only_second_correct: Images that only the second classifies correctly.
        p_value: McNemar's exact test, two-sided.
        images: The number of test images.
        interval: 95% CI of the second's accuracy less the first's, over the images, for these two runs alone.
        tests: How many pairs were tested together.
        p_holm: The p-value adjusted for that many tests; it decides what is significant.
    """

    first: str
    second: str
    first_run: str
    second_run: str
    only_first_correct: int
    only_second_correct: int
    p_value: float
    images: int
    interval: Interval
    tests: int
    p_holm: float

    @property
    def difference(self) -> float:
        """The second's accuracy less the first's, -1 to 1."""
        return (self.only_second_correct - self.only_first_correct) / self.images

    @property
    def significant(self) -> bool:
        """Whether the adjusted p-value is below the significance level, 0.05."""
        return self.p_holm < SIGNIFICANCE_LEVEL


def paired_tests(runs: Sequence[Correctness]) -> tuple[PairedTest, ...]:
    """A test for each pair that was scored on the same images; other pairs are left out."""
    pairs = [pair for pair in combinations(runs, 2) if same_test_images([one.images for one in pair])]
    counts = [(_only(first, second), _only(second, first)) for first, second in pairs]
    p_values = [mcnemar(*only) for only in counts]
    return tuple(
        PairedTest(
            first.record.version,
            second.record.version,
            first.record.run_id,
            second.record.run_id,
            *only,
            p_value,
            len(first.correct),
            intervals.of_paired(np.subtract(second.correct, first.correct, dtype=np.float64)),
            len(pairs),
            p_holm,
        )
        for (first, second), only, p_value, p_holm in zip(pairs, counts, p_values, holm(p_values), strict=True)
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """The p-value: the probability of a split at least as uneven if both models were equally good.

    Twice the smaller tail of Binomial(n, 1/2), at most 1 (McNemar, 1947, in its exact form): the same as
    scipy.stats.binomtest, in integers, because importing scipy.stats takes longer than all of `results`.

    Args:
        only_first: Images that only the first model classifies correctly.
        only_second: Images that only the second model classifies correctly.
    """
    tosses = only_first + only_second
    ways = tail = 1
    for heads in range(min(only_first, only_second)):
        ways = ways * (tosses - heads) // (heads + 1)
        tail += ways
    return min(1.0, 2 * tail / (1 << tosses))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted so that the family-wise error rate is at most the significance level.

    Holm, A simple sequentially rejective multiple test procedure, 1979: the smallest of m is multiplied by m, the next
    by m - 1, and so on; none is below the one before, or above 1.
    """
    adjusted = [0.0] * len(p_values)
    least = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = least
    return adjusted


def _only(one: Correctness, other: Correctness) -> int:
    return int((one.correct & ~other.correct).sum())


Method = Literal["welch", "paired"]


@dataclass(frozen=True)
class Difference:
    """Mean test accuracy of the second version less that of the first.

    Attributes:
        first: The earlier version.
        second: The later one.
        value: -1 to 1.
        interval: 95% CI, or None if neither method applies.
        method: "welch": over the runs, if both versions have at least two seeds; the CI of the difference of the means
            over seeds, on these test images. "paired": over the test images, if a version has a single seed; it
            covers the sampling of test images for these very runs, not the variance over seeds.
        runs: How many runs of each version.
        images: The number of test images of a paired interval, else 0.
        alike: Whether all runs have the same n_train, and each version's runs the same settings; if not, there is no
            interval, because differences between the models and between their training are confounded.
    """

    first: str
    second: str
    value: float
    interval: Interval | None
    method: Method | None
    runs: tuple[int, int]
    images: int = 0
    alike: bool = True

    @property
    def significant(self) -> bool | None:
        """Whether the interval excludes zero; None without an interval."""
        return None if self.interval is None else not self.interval.contains_zero


def difference(first: Sequence[ScoredRun], second: Sequence[ScoredRun], read: Reader) -> Difference:
    """The difference between the runs of two versions, at least one run of each."""
    means = [statistics.fmean(run.scores.accuracy for run in runs) for runs in (first, second)]
    value = means[1] - means[0]
    names, counts = (first[0].record.version, second[0].record.version), (len(first), len(second))
    if not trained_alike([*first, *second]):
        return Difference(*names, value, None, None, counts, alike=False)
    if welch := _over_runs(first, second):
        return Difference(*names, value, welch.within(-1.0, 1.0), "welch", counts)
    by_image = _by_image(first, second, read)
    if by_image is None or abs(float(by_image.mean()) - value) > _ROUNDING:
        return Difference(*names, value, None, None, counts)
    return Difference(*names, value, intervals.of_paired(by_image), "paired", counts, len(by_image))


def _over_runs(first: Sequence[ScoredRun], second: Sequence[ScoredRun]) -> Interval | None:
    """Welch's interval, if both have at least two seeds."""
    sides = [[run.scores.accuracy for run in runs] for runs in (first, second)]
    seeds = min(n_distinct(seeds_of(runs)) for runs in (first, second))
    return intervals.of_difference(*sides) if seeds > 1 else None


def _by_image(first: Sequence[ScoredRun], second: Sequence[ScoredRun], read: Reader) -> NDArray[np.float64] | None:
    """For each image, the fraction of the second's runs that are correct less the first's; (n,), -1 to 1.

    None if a run has no predictions, or was scored on other images.
    """
    sides = [[read(run.record) for run in runs] for runs in (first, second)]
    known = [[one for one in side if one] for side in sides]
    complete = [len(side) for side in known] == [len(first), len(second)]
    if not complete or not same_test_images([one.images for side in known for one in side]):
        return None
    first_fraction, second_fraction = (np.array([one.correct for one in side]).mean(axis=0) for side in known)
    by_image: NDArray[np.float64] = second_fraction - first_fraction
    return by_image
