"""Means, spreads and 95% confidence intervals."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

_WIDEST = 12.7063
"""The 97.5% quantile of t with one degree of freedom, tan(0.475 pi); with more degrees it is smaller."""
_STEPS = 512
_HALVINGS = 60


@lru_cache(64)
def two_sided(freedom: float, confidence: float) -> float:
    """The two-sided critical value of Student's t: |t| is below it with probability `confidence`.

    With t = sqrt(freedom) tan(angle), the density is proportional to cos(angle)^(freedom - 1), which Simpson's rule
    integrates to about 1e-10; the angle is found by bisection.

    Args:
        freedom: Degrees of freedom, at least 1; may be fractional.
        confidence: 0 to 0.95.
    """
    low, high = 0.0, math.atan(_WIDEST / math.sqrt(freedom))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < confidence else (low, middle)
    return math.sqrt(freedom) * math.tan(high)


def _within(angle: float, freedom: float) -> float:
    """The probability that |t| is at most its value at this angle."""
    heights = np.cos(np.linspace(0.0, angle, _STEPS + 1)) ** (freedom - 1)
    area = heights[0] + heights[-1] + 4 * heights[1::2].sum() + 2 * heights[2:-1:2].sum()
    scale = 2 * math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
    return float(area * scale * angle / (3 * _STEPS))


CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`, both included."""

    low: float
    high: float

    @property
    def contains_zero(self) -> bool:
        """Whether 0 lies within the interval, ends included."""
        return self.low <= 0 <= self.high

    def within(self, lowest: float, highest: float) -> Interval:
        """Clipped to the range of possible values."""
        return Interval(max(lowest, self.low), min(highest, self.high))


def of_mean(values: Sequence[float]) -> Interval | None:
    """95% CI of the mean, by Student's t with n - 1 degrees of freedom.

    Returns:
        None for fewer than two values, and if all are equal: rounded values that happen to agree aren't exact.
    """
    if len(values) < 2 or not (sd := statistics.stdev(values)):
        return None
    errors = two_sided(len(values) - 1, CONFIDENCE)
    return _around(statistics.fmean(values), errors * sd / math.sqrt(len(values)))


def of_difference(first: Sequence[float], second: Sequence[float]) -> Interval | None:
    """95% CI of the second mean less the first, for unequal variances (Welch, 1947).

    Returns:
        None if one side has fewer than two values, or if all values of each side are equal.
    """
    if min(len(first), len(second)) < 2:
        return None
    squares = [statistics.variance(values) / len(values) for values in (first, second)]
    if not (square := sum(squares)):
        return None
    fractions = [part / square for part in squares]
    sides = zip(fractions, (first, second), strict=True)
    freedom = 1 / sum(fraction**2 / (len(values) - 1) for fraction, values in sides)
    errors = two_sided(freedom, CONFIDENCE)
    return _around(statistics.fmean(second) - statistics.fmean(first), errors * math.sqrt(square))


def of_fraction(fraction: float, count: int) -> Interval:
    """95% CI of a probability, of which `count` independent trials gave the `fraction` (0 to 1).

    Wilson's score interval (1927), which stays within 0 to 1.

    Raises:
        ValueError: `count` is below 1.
    """
    if count < 1:
        raise ValueError("the interval of a fraction needs at least one trial")
    z = _normal()
    weight = 1 + z * z / count
    half = z * math.sqrt(fraction * (1 - fraction) / count + (z / (2 * count)) ** 2)
    return _around((fraction + z * z / (2 * count)) / weight, half / weight).within(0.0, 1.0)


def of_paired(differences: NDArray[np.floating[Any]]) -> Interval:
    """95% CI of the mean difference between two models over the same images.

    Wald's interval with half an image added to each cell of the 2x2 table (Agresti and Min, Simple improved
    confidence intervals for comparing matched proportions, 2005), so that two models that happen to agree on a few
    images don't get an interval of width zero. It extends to means over several runs of each model, whose differences
    are fractions.

    Args:
        differences: (n,), -1 to 1: for each image, the fraction of the second model's runs that are correct less the
            first's.
    """
    count = len(differences) + 2
    mean = float(differences.sum()) / count
    square = (float(np.square(differences).sum()) + 1) / count - mean**2
    z = _normal()
    return _around(mean, z * math.sqrt(square / count)).within(-1.0, 1.0)


def _around(middle: float, half: float) -> Interval:
    return Interval(middle - half, middle + half)


def _normal() -> float:
    """The two-sided 95% critical value of the normal distribution."""
    return statistics.NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


Method = Literal["student_t", "wilson"]


@dataclass(frozen=True)
class Spread:
    """One measure over runs.

    Attributes:
        mean: The mean over the runs.
        sd: The sample's standard deviation; None for one run.
        n: How many runs.
        interval: 95% CI of the mean; None if neither method applies.
        method: "student_t": over the runs, so it covers the variance over seeds, on these test images; "wilson": over
            the test images, so it covers their sampling, for these very runs; None without an interval.
    """

    mean: float
    sd: float | None
    n: int
    interval: Interval | None = None
    method: Method | None = None

    @classmethod
    def of(cls, values: Sequence[float], highest: float, *, seeds: int) -> Spread:
        """The spread of at least one run's values, each 0 to `highest`, with an interval if `seeds` is at least 2.

        Runs with the same seed only repeat each other: their spread is not the variance over seeds.
        """
        sd = statistics.stdev(values) if len(values) > 1 else None
        interval = of_mean(values) if seeds > 1 else None
        if interval is None:
            return cls(statistics.fmean(values), sd, len(values))
        return cls(statistics.fmean(values), sd, len(values), interval.within(0.0, highest), "student_t")

    @classmethod
    def of_accuracies(cls, values: Sequence[float], images: int | None, *, seeds: int) -> Spread:
        """The same for accuracies on `images` test images, which give an interval even for a single seed."""
        spread = cls.of(values, 1.0, seeds=seeds)
        if spread.interval or not images or not 0 <= spread.mean <= 1:
            return spread
        return cls(spread.mean, spread.sd, spread.n, of_fraction(spread.mean, images), "wilson")
