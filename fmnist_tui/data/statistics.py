"""The mean and the standard deviation of a data set's pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 18  # pixels that are counted at a time; `bincount` makes eight bytes of each
DIGITS = 5


@dataclass(frozen=True, slots=True)
class PixelStatistics:
    """Mean and standard deviation of pixels, as fractions of 255, rounded to five digits.

    Rounded, so that the two published figures of Fashion-MNIST (0.28604 and 0.35302) are exactly these.
    """

    mean: float
    deviation: float


def pixel_statistics(images: NDArray[np.uint8]) -> PixelStatistics:
    """The statistics of C-contiguous images (N, 28, 28), N at least 1; 60 000 images take 0.1 s.

    The pixels are counted, so that the result is exact: the same on every machine and in any order of the images.
    """
    pixels = images.reshape(-1)
    counts = np.zeros(256, np.int64)
    for first in range(0, pixels.size, BLOCK):
        counts += np.bincount(pixels[first : first + BLOCK], minlength=256)
    numbers = [int(count) for count in counts]  # unbounded: the squares of a billion pixels pass 64 bits
    total = sum(value * number for value, number in enumerate(numbers))
    squares = sum(value * value * number for value, number in enumerate(numbers))
    count = pixels.size
    deviation = math.sqrt(count * squares - total * total) / (255 * count)
    return PixelStatistics(round(total / (255 * count), DIGITS), round(deviation, DIGITS))
