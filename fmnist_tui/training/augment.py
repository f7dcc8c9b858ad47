"""What training may do to an image before a step: flip it left-right, shift it by up to one pixel.

An augmentation is "none", "flip", "shift" or "flip_shift". All draw the same numbers and use those that they need.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

SHIFT = 1


def flips(augment: str) -> bool:
    """Whether the augmentation mirrors images."""
    return augment in ("flip", "flip_shift")


def shifts(augment: str) -> bool:
    """Whether the augmentation moves images."""
    return augment in ("shift", "flip_shift")


@dataclass(frozen=True)
class Draws:
    """One draw for each of n images.

    Attributes:
        flips: (n,) bool, whether the image is mirrored.
        rows: (n,) int64, 0 to 2 * SHIFT: where the window of the padded image starts.
        columns: (n,) int64, likewise.
    """

    flips: NDArray[np.bool_]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]


def draw(count: int, rng: np.random.Generator, augment: str = "flip_shift") -> Draws:
    """Draws for `count` images: each flip with probability 1/2, each shift as likely as another."""
    mirrored = rng.integers(0, 2, count, dtype=np.int64).astype(np.bool_)
    offsets = rng.integers(0, 2 * SHIFT + 1, (2, count), dtype=np.int64)
    if not flips(augment):
        mirrored[:] = False
    if not shifts(augment):
        offsets[:] = SHIFT
    return Draws(mirrored, offsets[0], offsets[1])


def padded(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The images with a black margin of SHIFT pixels on each side."""
    return np.pad(images, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)))


def augmented(images: NDArray[np.uint8], draws: Draws) -> NDArray[np.uint8]:
    """What the network would see of images (n, 28, 28) under these draws."""
    windows = sliding_window_view(padded(images), images.shape[1:], axis=(1, 2))
    shifted = windows[np.arange(len(images)), draws.rows, draws.columns]
    return np.where(draws.flips[:, None, None], shifted[:, :, ::-1], shifted)
