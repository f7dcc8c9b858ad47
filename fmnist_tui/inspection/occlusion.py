"""Occlusion: how much a class's probability falls while a patch of the image is covered (Zeiler and Fergus, 2014)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Predict = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True)
class Sweep:
    """Where the patch goes: from the top left corner in steps; the last one ends at the image's edge.

    Attributes:
        height: Of the image.
        width: Of the image.
        patch: Side of the square patch in pixels, at most height and width.
        stride: Pixels between two positions.
    """

    height: int
    width: int
    patch: int = 5
    stride: int = 2

    @property
    def rows(self) -> list[int]:
        """The first pixel row of each row of positions."""
        return _starts(self.height, self.patch, self.stride)

    @property
    def columns(self) -> list[int]:
        """The first pixel column of each position in a row."""
        return _starts(self.width, self.patch, self.stride)


def sweep_for(height: int, width: int) -> Sweep:
    """A patch of a fifth of the image's shorter side, at least 2x2 pixels, moved by about half of that."""
    side = min(height, width)
    patch = min(side, max(2, side // 5))
    return Sweep(height, width, patch, max(1, patch // 2))


def occlude(
    predict: Predict, image: NDArray[np.uint8], labels: list[int], sweep: Sweep, fill: int = 0
) -> Iterator[NDArray[np.float32]]:
    """For each row of positions, how much the probability of each label falls: (labels, columns), negative if it rises.

    Args:
        predict: Images (n, C, H, W) to probabilities (n, classes).
        image: (C, H, W).
        labels: The classes.
        sweep: The positions.
        fill: The value of covered pixels; 0 is black, the background of Fashion-MNIST.
    """
    before = predict(image[None])[0, labels]
    for top in sweep.rows:
        covered = np.repeat(image[None], len(sweep.columns), axis=0)
        for one, left in zip(covered, sweep.columns, strict=True):
            one[:, top : top + sweep.patch, left : left + sweep.patch] = fill
        yield (before - predict(covered)[:, labels]).T


def spread(drops: NDArray[np.float32], sweep: Sweep) -> NDArray[np.float32]:
    """The drops (rows, columns) as a map (height, width): each pixel has the mean over the patches that covered it.

    There may be fewer rows than the sweep has, while it goes on; a pixel that no patch has covered yet is NaN.
    """
    total = np.zeros((sweep.height, sweep.width), np.float32)
    count = np.zeros_like(total)
    for top, row in zip(sweep.rows, drops, strict=False):
        for left, drop in zip(sweep.columns, row, strict=True):
            area = np.s_[top : top + sweep.patch, left : left + sweep.patch]
            total[area] += drop
            count[area] += 1
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def _starts(length: int, patch: int, stride: int) -> list[int]:
    last = max(0, length - patch)
    return sorted({*range(0, last + 1, stride), last})
