"""Augmentation of training images: left-right flips, and shifts by up to one pixel.

An augmentation is "none", "flip", "shift" or "flip_shift". All draw the same random numbers and use those they need.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

SHIFT = 1


def flips(augment: str) -> bool:
    """Whether the augmentation flips images left-right."""
    return augment in ("flip", "flip_shift")


def shifts(augment: str) -> bool:
    """Whether the augmentation shifts images."""
    return augment in ("shift", "flip_shift")


@dataclass(frozen=True)
class Draws:
    """Random numbers for n images.

    Attributes:
        flips: (n,) bool, whether the image is flipped.
        rows: (n,) int64, 0 to 2 * SHIFT: the first row of the window into the padded image.
        columns: (n,) int64, 0 to 2 * SHIFT: its first column.
    """

    flips: NDArray[np.bool_]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]


def draw(count: int, rng: np.random.Generator, augment: str = "flip_shift") -> Draws:
    """Random numbers for `count` images: flips with probability 1/2, all shifts equally likely."""
    mirrored = rng.integers(0, 2, count, dtype=np.int64).astype(np.bool_)
    offsets = rng.integers(0, 2 * SHIFT + 1, (2, count), dtype=np.int64)
    if not flips(augment):
        mirrored[:] = False
    if not shifts(augment):
        offsets[:] = SHIFT
    return Draws(mirrored, offsets[0], offsets[1])


def padded(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The images (..., H, W) with a black margin of SHIFT pixels on each side."""
    return np.pad(images, [(0, 0)] * (images.ndim - 2) + [(SHIFT, SHIFT)] * 2)


def augmented(images: NDArray[np.uint8], draws: Draws) -> NDArray[np.uint8]:
    """The images (n, H, W) or (n, C, H, W), augmented by these draws; the shape stays the same."""
    windows = sliding_window_view(padded(images), images.shape[-2:], axis=(-2, -1))
    shifted = windows[np.arange(len(images)), ..., draws.rows, draws.columns, :, :]
    flips = draws.flips.reshape(-1, *[1] * (images.ndim - 1))
    return np.where(flips, shifted[..., ::-1], shifted)
