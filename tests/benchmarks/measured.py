"""What came out of repeated measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

_SURE = 0.95


@dataclass(frozen=True)
class Measured:
    """One row's value, in the target's base unit.

    Attributes:
        value: The median, unless `note` says otherwise.
        low: The first quartile.
        high: The third quartile.
        interval: The 95% confidence interval of the true median, whatever the distribution; None where there are
            too few values to say so.
        n: How many values there were.
        note: What a reader has to know.
    """

    value: float
    low: float
    high: float
    interval: tuple[float, float] | None
    n: int
    note: str = ""


def median_of(values: Sequence[float], note: str = "") -> Measured:
    """The median and its spread."""
    return _measured(float(np.median(values)), values, note)


def percentile_of(values: Sequence[float], percent: float, note: str = "") -> Measured:
    """A percentile; the quartiles are those of the values, the interval is the median's."""
    return _measured(float(np.percentile(values, percent)), values, note)


def largest_of(values: Sequence[float], note: str = "") -> Measured:
    """The largest value."""
    return _measured(max(values), values, note)


def interval_of_median(values: Sequence[float]) -> tuple[float, float] | None:
    """Between the k-th smallest and the k-th largest value, with k as large as 95% confidence allows.

    Each value is below the median with probability 1/2, so that their number is binomial (the sign test, inverted).
    """
    ordered = sorted(values)
    n = len(ordered)
    tail, k = 0.0, 0
    while k < n // 2 and 2 * (tail + comb(n, k) / 2**n) <= 1 - _SURE:
        tail += comb(n, k) / 2**n
        k += 1
    return (ordered[k - 1], ordered[n - k]) if k else None


def _measured(value: float, values: Sequence[float], note: str) -> Measured:
    low, high = (float(edge) for edge in np.quantile(values, (0.25, 0.75)))
    return Measured(value, low, high, interval_of_median(values), len(values), note)
