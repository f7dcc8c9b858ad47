"""Augmentation of training images: flips, shifts and crops, rectangles of noise, squares of grey, and mixtures.

Each kind draws from its own address, so that switching one on leaves the draws of the others as they are; flips and
shifts share the oldest one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from fmnist_tui.models.hyperparameters import Hyperparameters
from fmnist_tui.training.streams import Stream, generator

SHIFT = 1
"""Pixels by which the built-in recipes shift images at most."""
_ERASED_AREA = (0.02, 0.33)
_ERASED_LOG_ASPECT = math.log(1 / 0.3)


@dataclass(frozen=True)
class Draws:
    """Random numbers for n images.

    Attributes:
        flips: (n,) bool, whether the image is flipped.
        rows: (n,) int64, 0 to 2 * margin: the first row of the window into the padded image.
        columns: (n,) int64, 0 to 2 * margin: its first column.
    """

    flips: NDArray[np.bool_]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]


@dataclass(frozen=True)
class Patches:
    """Pixels of n images that are replaced, after they were flipped and shifted.

    Attributes:
        replaced: (n, H, W) bool.
        values: uint8, what replaces them; broadcasts to (n, H, W).
    """

    replaced: NDArray[np.bool_]
    values: NDArray[np.uint8]


@dataclass(frozen=True)
class Mixture:
    """How the images of a batch are mixed: weight * image + (1 - weight) * its partner.

    Attributes:
        weight: 0.5 to 1.
        partners: (n,) int64, positions within the batch.
    """

    weight: float
    partners: NDArray[np.int64]


class Augmentation:
    """What the settings do with training images; a pure function of the run's seed, epoch and step."""

    def __init__(self, settings: Hyperparameters, seed: int) -> None:
        """Needs settings whose flips and input scale are known."""
        self.settings = settings
        self.is_on = settings.augments
        self._seed = seed

    @property
    def moves(self) -> bool:
        """Whether images are flipped, shifted or cropped."""
        return self.flips or self.margin > 0

    @property
    def flips(self) -> bool:
        """Whether images are flipped."""
        return self.settings.flip == "on"

    @property
    def margin(self) -> int:
        """Pixels by which images are shifted at most."""
        return self.settings.shift or self.settings.crop

    def draw(self, count: int, epoch: int, step: int) -> Draws:
        """The flips and shifts of a step with `count` images."""
        rng = generator(self._seed, Stream.AUGMENT, epoch, step)
        draws = draw(count, rng, self.margin)
        return draws if self.flips else Draws(np.zeros(count, np.bool_), draws.rows, draws.columns)

    def padded(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The images (..., H, W) with their margin on each side: black, or, for crops, mirrored."""
        return padded(images, self.margin, mirrored=self.settings.crop > 0)

    def patches(self, shape: tuple[int, int, int], epoch: int, step: int) -> list[Patches]:
        """What is erased and cut out in a step, in this order, for images of the shape (n, H, W)."""
        found = []
        if self.settings.erase:
            found.append(_erased(shape, self.settings.erase, generator(self._seed, Stream.ERASE, epoch, step)))
        if self.settings.cutout:
            rng = generator(self._seed, Stream.CUTOUT, epoch, step)
            found.append(_cut_out(shape, self.settings.cutout, self._grey, rng))
        return found

    def mixture(self, count: int, epoch: int, step: int) -> Mixture | None:
        """How a step's images are mixed; None if they aren't."""
        if not self.settings.mixup:
            return None
        rng = generator(self._seed, Stream.MIXUP, epoch, step)
        weight = float(rng.beta(self.settings.mixup, self.settings.mixup))
        return Mixture(max(weight, 1.0 - weight), rng.permutation(count))

    def apply(self, images: NDArray[np.uint8], epoch: int, step: int) -> NDArray[np.uint8]:
        """A step's images (n, H, W) or (n, C, H, W) after all of this but the mixing; the shape stays the same."""
        if self.moves:
            draws = self.draw(len(images), epoch, step)
            images = augmented(images, draws, self.padded(images))
        channels = [1] * (images.ndim - 3)
        height, width = images.shape[-2:]
        for patches in self.patches((len(images), height, width), epoch, step):
            replaced = patches.replaced.reshape(len(images), *channels, height, width)
            values = np.broadcast_to(patches.values, patches.replaced.shape).reshape(replaced.shape)
            images = np.where(replaced, values, images)
        return images

    @property
    def _grey(self) -> int:
        """The pixel whose input is nearest to 0: the mean grey where inputs have mean 0."""
        scale, offset = self.settings.pixel_scaling
        return int(np.clip(round(-offset / scale), 0, 255)) if scale else 0


def draw(count: int, rng: np.random.Generator, margin: int = SHIFT) -> Draws:
    """Random numbers for `count` images: flips with probability 1/2, all shifts by up to `margin` equally likely."""
    mirrored = rng.integers(0, 2, count, dtype=np.int64).astype(np.bool_)
    offsets = rng.integers(0, 2 * margin + 1, (2, count), dtype=np.int64)
    return Draws(mirrored, offsets[0], offsets[1])


def padded(images: NDArray[np.uint8], margin: int = SHIFT, *, mirrored: bool = False) -> NDArray[np.uint8]:
    """The images (..., H, W) with a margin of so many pixels on each side: black, or mirrored at the edge."""
    widths = [(0, 0)] * (images.ndim - 2) + [(margin, margin)] * 2
    return np.pad(images, widths, mode="symmetric") if mirrored else np.pad(images, widths)


def augmented(images: NDArray[np.uint8], draws: Draws, margins: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """The images (n, H, W) or (n, C, H, W), flipped and shifted by these draws; the shape stays the same.

    Args:
        images: The images.
        draws: One for each.
        margins: The padded images; None for a black margin of one pixel.
    """
    margins = padded(images) if margins is None else margins
    windows = sliding_window_view(margins, images.shape[-2:], axis=(-2, -1))
    shifted = windows[np.arange(len(images)), ..., draws.rows, draws.columns, :, :]
    flips = draws.flips.reshape(-1, *[1] * (images.ndim - 1))
    return np.where(flips, shifted[..., ::-1], shifted)


def _erased(shape: tuple[int, int, int], probability: float, rng: np.random.Generator) -> Patches:
    """Rectangles of noise: their area uniform, their aspect ratio log-uniform, anywhere inside the image."""
    count, height, width = shape
    chosen = rng.random(count) < probability
    area = rng.uniform(*_ERASED_AREA, count) * height * width
    aspect = np.exp(rng.uniform(-_ERASED_LOG_ASPECT, _ERASED_LOG_ASPECT, count))
    rows = np.clip(np.rint(np.sqrt(area * aspect)), 1, height).astype(np.int64)
    columns = np.clip(np.rint(np.sqrt(area / aspect)), 1, width).astype(np.int64)
    top, left = rng.integers(0, height - rows + 1), rng.integers(0, width - columns + 1)
    rectangles = _rectangles(shape, top, top + rows, left, left + columns)
    return Patches(rectangles & chosen[:, None, None], rng.integers(0, 256, shape, dtype=np.uint8))


def _cut_out(shape: tuple[int, int, int], side: int, grey: int, rng: np.random.Generator) -> Patches:
    """Squares around pixels of the image; what is beyond its edges is lost."""
    count, height, width = shape
    top, left = rng.integers(0, height, count) - side // 2, rng.integers(0, width, count) - side // 2
    squares = _rectangles(shape, top, top + side, left, left + side)
    return Patches(squares, np.full((1, 1, 1), grey, np.uint8))


def _rectangles(shape: tuple[int, int, int], top: Any, bottom: Any, left: Any, right: Any) -> NDArray[np.bool_]:
    """A mask (n, H, W) for n rectangles, given by (n,) edges, the first of each pair included."""
    rows, columns = np.arange(shape[1]), np.arange(shape[2])
    in_rows = (rows >= top[:, None]) & (rows < bottom[:, None])
    in_columns = (columns >= left[:, None]) & (columns < right[:, None])
    mask: NDArray[np.bool_] = in_rows[:, :, None] & in_columns[:, None, :]
    return mask
