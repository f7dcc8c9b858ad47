"""How sure a figure is: 95 % confidence intervals of means, shares and differences.

Two kinds of chance are told apart, and neither stands for the other. How far trainings with other seeds lie apart is
seen in several runs alone (`of_mean`, `of_difference`), all on the same test images. How far another draw of test
images would move a figure is seen in one run too (`of_share`, `of_paired`), and says nothing of other seeds.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis import student

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
    errors = student.two_sided(len(values) - 1, CONFIDENCE)
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
    errors = student.two_sided(freedom, CONFIDENCE)
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
