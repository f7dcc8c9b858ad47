"""Where an axis is marked: round numbers, few of them."""

from __future__ import annotations

import math

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
_LARGEST_EXPONENT = 308.0


def ticks(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten within `low` to `high`, about as many as `most`."""
    if not high > low:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in _ROUND if power * factor >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)] or [low]


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """The same for an axis of log10: round values within 10**low to 10**high, as logarithms."""
    if high - low < 1 and abs(low) < _LARGEST_EXPONENT:
        values = ticks(10.0**low, 10.0 ** min(high, _LARGEST_EXPONENT), most)
        return [math.log10(value) for value in values if value > 0]
    every = max(1, math.ceil((high - low) / most))
    first = math.ceil(low)
    return [float(exponent) for exponent in range(first, math.floor(high) + 1, every)] or [low]


def label(value: float) -> str:
    """A short number: 0.05, 1.5, 20000, 2e+06."""
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e6 else f"{value:.4g}"


def log_label(exponent: float) -> str:
    """10**exponent, short."""
    return f"{10.0 ** min(exponent, _LARGEST_EXPONENT):.3g}"
