"""What is done to a curve before it is drawn: smoothed, made finite, thinned to the width of the chart."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Series:
    """A named curve or set of points.

    Attributes:
        name: For the legend.
        x: (n,) ascending.
        y: (n,); what is not finite is not drawn.
        colour: "rgb" as three numbers.
        marker: plotext's marker.
        joined: Whether the points are joined by a line.
    """

    name: str
    x: Floats
    y: Floats
    colour: tuple[int, int, int]
    marker: str = "braille"
    joined: bool = True


def smoothed(values: Floats, weight: float) -> Floats:
    """Exponential moving average, with the start's bias removed; what is not finite is left out of it.

    Args:
        values: (n,).
        weight: 0 (as it is) to below 1 (ever smoother): the share of the past.
    """
    finite = np.isfinite(values)
    kept = np.where(finite, values, 0.0)
    sums = lfilter([1 - weight], [1, -weight], kept)
    weights = lfilter([1 - weight], [1, -weight], finite.astype(np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        result: Floats = np.where(finite, sums / weights, np.nan)
    return result


def thinned(x: Floats, y: Floats, columns: int) -> tuple[Floats, Floats]:
    """At most about two points a column, its lowest and its highest, so that no peak is lost; finite points only."""
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
    if len(x) <= 2 * columns:
        return x, y
    edges = np.linspace(0, len(x), columns + 1).astype(int)
    lowest = [start + y[start:end].argmin() for start, end in pairwise(edges)]
    highest = [start + y[start:end].argmax() for start, end in pairwise(edges)]
    kept = np.union1d(lowest, highest)
    return x[kept], y[kept]


def logarithmic(values: Floats) -> Floats:
    """log10 where there is one, NaN elsewhere."""
    return np.log10(values, where=values > 0, out=np.full_like(values, np.nan))
