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
"""The 97.5 % point with one degree of freedom: tan(0.475 pi). With more it is lower."""
_STEPS = 512
_HALVINGS = 60


@lru_cache(64)
def two_sided(freedom: float, confidence: float) -> float:
    """How many standard errors to each side hold `confidence` (0 to 0.95) of the t distribution.

    Where t is sqrt(freedom) tan(angle), its density is in proportion to cos(angle)^(freedom - 1), which Simpson's rule
    integrates to about 1e-10; the angle is found by halving.

    Args:
        freedom: Degrees of freedom, at least 1; any fraction.
        confidence: What shall lie between both sides.
    """
    low, high = 0.0, math.atan(_WIDEST / math.sqrt(freedom))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < confidence else (low, middle)
    return math.sqrt(freedom) * math.tan(high)


def _within(angle: float, freedom: float) -> float:
    """The probability that t lies no further out than at this angle, to either side."""
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
    def holds_zero(self) -> bool:
        """Whether a difference of nothing is among what it holds."""
        return self.low <= 0 <= self.high

    def within(self, lowest: float, highest: float) -> Interval:
        """Cut to what the figure can be at all."""
        return Interval(max(lowest, self.low), min(highest, self.high))


def of_mean(values: Sequence[float]) -> Interval | None:
    """Of the mean that the values were drawn around, by Student's t with n - 1 degrees of freedom.

    Returns:
        None for fewer than two values, and for equal ones: rounded figures that agree by accident are not exact.
    """
    if len(values) < 2 or not (sd := statistics.stdev(values)):
        return None
    errors = two_sided(len(values) - 1, CONFIDENCE)
    return _around(statistics.fmean(values), errors * sd / math.sqrt(len(values)))


def of_difference(first: Sequence[float], second: Sequence[float]) -> Interval | None:
    """Of the second mean less the first, for values of unequal variance (Welch, 1947).

    Returns:
        None where one side has fewer than two values, or all of each side are equal.
    """
    if min(len(first), len(second)) < 2:
        return None
    squares = [statistics.variance(values) / len(values) for values in (first, second)]
    if not (square := sum(squares)):
        return None
    shares = [part / square for part in squares]
    freedom = 1 / sum(share**2 / (len(values) - 1) for share, values in zip(shares, (first, second), strict=True))
    errors = two_sided(freedom, CONFIDENCE)
    return _around(statistics.fmean(second) - statistics.fmean(first), errors * math.sqrt(square))


def of_share(share: float, count: int) -> Interval:
    """Of the share that `count` independent trials, of which `share` (0 to 1) went well, were drawn from.

    Wilson's score interval (1927), which stays within 0 to 1.

    Raises:
        ValueError: No trials.
    """
    if count < 1:
        raise ValueError("an interval of a share takes at least one trial")
    z = _normal()
    weight = 1 + z * z / count
    half = z * math.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2)
    return _around((share + z * z / (2 * count)) / weight, half / weight).within(0.0, 1.0)


def of_paired(differences: NDArray[np.floating[Any]]) -> Interval:
    """Of the mean difference between two models over the same images.

    Wald's interval with half an image added to each cell of the fourfold table (Agresti and Min, Simple improved
    confidence intervals for comparing matched proportions, 2005), so that models that never differ in a few images
    are not held for equal. It goes on to means over several runs a model, whose differences are fractions.

    Args:
        differences: (n,), -1 to 1: how far the second model's share of right answers is above the first's.
    """
    count = len(differences) + 2
    mean = float(differences.sum()) / count
    square = (float(np.square(differences).sum()) + 1) / count - mean**2
    z = _normal()
    return _around(mean, z * math.sqrt(square / count)).within(-1.0, 1.0)


def _around(middle: float, half: float) -> Interval:
    return Interval(middle - half, middle + half)


def _normal() -> float:
    """How many standard errors to each side hold 95 % of the normal distribution."""
    return statistics.NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


Method = Literal["student_t", "wilson"]


@dataclass(frozen=True)
class Spread:
    """One measure over runs.

    Attributes:
        mean: Of the runs' values.
        sd: The sample's standard deviation; None for one run.
        n: How many runs.
        interval: 95 %, of the mean; None where nothing tells it.
        method: "student_t": from how far seeds differ, on these test images; "wilson": how far another draw of as many
            test images would move the accuracy, for these runs alone; None without an interval.
    """

    mean: float
    sd: float | None
    n: int
    interval: Interval | None = None
    method: Method | None = None

    @classmethod
    def of(cls, values: Sequence[float], highest: float, *, seeds: int) -> Spread:
        """The spread of at least one run's values, each 0 to `highest`, and its interval if there are `seeds` enough.

        Runs of one seed only repeat each other: their spread is not the one that seeds make.
        """
        sd = statistics.stdev(values) if len(values) > 1 else None
        interval = of_mean(values) if seeds > 1 else None
        if interval is None:
            return cls(statistics.fmean(values), sd, len(values))
        return cls(statistics.fmean(values), sd, len(values), interval.within(0.0, highest), "student_t")

    @classmethod
    def of_accuracies(cls, values: Sequence[float], images: int | None, *, seeds: int) -> Spread:
        """The same of accuracies on `images` test images, which give an interval to a single seed too."""
        spread = cls.of(values, 1.0, seeds=seeds)
        if spread.interval or not images or not 0 <= spread.mean <= 1:
            return spread
        return cls(spread.mean, spread.sd, spread.n, of_share(spread.mean, images), "wilson")
