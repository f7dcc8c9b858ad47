"""Smoothing of noisy curves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LONGEST_WIDTH = 101
_WIDTHS_PER_CURVE = 50


def width_for(count: int) -> int:
    """The width of the moving average for a curve of `count` points: about a fiftieth, odd, at most 101."""
    return min(_LONGEST_WIDTH, count // _WIDTHS_PER_CURVE | 1)


def smoothed(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """The centred moving average over `width` points (odd), fewer at the ends; (n,) to (n,).

    Non-finite values are ignored; without a finite one in the window, the average is NaN.
    """
    if len(values) == 0:
        return values
    finite = np.isfinite(values)
    window = np.ones(width)
    sums = np.convolve(np.where(finite, values, 0.0), window)
    counts = np.convolve(finite.astype(np.float64), window)
    middle = slice(width // 2, width // 2 + len(values))
    means: NDArray[np.float64] = np.full(len(values), np.nan)
    np.divide(sums[middle], counts[middle], out=means, where=counts[middle] > 0.5)
    return means
