"""The mean of several curves and the band in which it lies: over seeds, or over the runs of a group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fmnist_tui.analysis.intervals import CONFIDENCE, two_sided

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Band:
    """A mean curve with its 95% confidence interval, point by point; all arrays are (n,).

    Attributes:
        x: Where at least one curve has a value, ascending.
        mean: Over the curves that have one there.
        low: The interval's lower end, by Student's t with one degree of freedom less than there are curves; NaN where
            there is a single curve, or all are equal.
        high: Its upper end.
        n: How many curves have a value there: fewer towards the end where runs differ in length.
    """

    x: Floats
    mean: Floats
    low: Floats
    high: Floats
    n: NDArray[np.int64]

    def of_most(self) -> Band:
        """As far as half of the longest-lived curves go: after that the mean would follow from a few of them."""
        kept = 2 * self.n >= self.n.max(initial=0)
        return Band(self.x[kept], self.mean[kept], self.low[kept], self.high[kept], self.n[kept])


def band(curves: Sequence[tuple[ArrayLike, ArrayLike]]) -> Band:
    """The band of some curves.

    Args:
        curves: x and y of each, equally long; x are points that curves have in common, such as epochs, and each curve
            has a point at most once. Values that are not finite are left out.
    """
    pairs = [(np.asarray(x, np.float64), np.asarray(y, np.float64)) for x, y in curves]
    all_x = np.unique(np.concatenate([x[np.isfinite(y)] for x, y in pairs])) if pairs else np.empty(0)
    table = np.full((len(pairs), len(all_x)), np.nan)
    for row, (x, y) in zip(table, pairs, strict=True):
        finite = np.isfinite(y)
        row[np.searchsorted(all_x, x[finite])] = y[finite]
    there = np.isfinite(table)
    n = there.sum(axis=0)
    mean = np.where(there, table, 0.0).sum(axis=0) / np.maximum(n, 1)
    squares = np.where(there, table - mean, 0.0) ** 2
    sd = np.sqrt(squares.sum(axis=0) / np.maximum(n - 1, 1))
    lowest = np.where(there, table, np.inf).min(axis=0, initial=np.inf)
    highest = np.where(there, table, -np.inf).max(axis=0, initial=-np.inf)
    half = np.full(len(all_x), np.nan)
    for count in np.unique(n[n > 1]).tolist():
        at = (n == count) & (highest > lowest)
        half[at] = two_sided(count - 1, CONFIDENCE) * sd[at] / math.sqrt(count)
    return Band(all_x, mean, mean - half, mean + half, n.astype(np.int64))
