"""Student's t, as far as intervals need it.

scipy.special.stdtrit says the same (the tests compare them), but importing scipy.special takes as long as all else that
`fmnist-tui results` does.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

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
