"""The demo set: garments drawn by this package, for a first look where no real data can be had."""

from __future__ import annotations

import numpy as np

from fmnist_tui.data.dataset import SIDE, ByteArray, Dataset, ImageSet
from fmnist_tui.data.garments import GARMENTS, Pen, uniform
from fmnist_tui.data.official import FASHION_CLASSES
from fmnist_tui.data.shapes import FloatArray, grid

TRAIN_COUNT = 2000
TEST_COUNT = 500
TRAIN_KEY, TEST_KEY = 1, 2
NOISE = 0.08  # of full white, at most, either way


def draw() -> Dataset:
    """Draw the demo set: 2 000 training and 500 test images, always the same, the ten classes in turn."""
    return Dataset(
        name="demo",
        classes=FASHION_CLASSES,
        train=_draw_set(TRAIN_COUNT, TRAIN_KEY),
        test=_draw_set(TEST_COUNT, TEST_KEY),
        source="demo, drawn by this program",
        flips=True,
    )


def _draw_set(count: int, key: int) -> ImageSet:
    """Draw `count` images, a multiple of ten."""
    chance = np.random.Generator(np.random.Philox(key=key))
    images = np.empty((count, SIDE, SIDE), np.uint8)
    labels = (np.arange(count) % len(GARMENTS)).astype(np.uint8)
    for label, garment in enumerate(GARMENTS):
        pen = _pen(chance, count // len(GARMENTS))
        images[label :: len(GARMENTS)] = _develop(garment(pen) * _cloth(pen), chance)
    return ImageSet.of(images, labels)


def _pen(chance: np.random.Generator, count: int) -> Pen:
    """Place `count` garments: moved, enlarged or shrunk, and a little slanted."""
    x, y = grid()
    x = (x - uniform(chance, count, -0.15, 0.15)) / uniform(chance, count, 0.8, 1.1)
    y = (y - uniform(chance, count, -0.12, 0.12)) / uniform(chance, count, 0.8, 1.1)
    return Pen(x + uniform(chance, count, -0.12, 0.12) * y, y, chance)


def _cloth(pen: Pen) -> FloatArray:
    """Return the brightness of the cloth, (N, 28, 28): plain to boldly striped, in any direction."""
    position = pen.x * pen.between(-4, 4) + pen.y * pen.between(-4, 4) + pen.between(0, 1)
    stripes = 2 * abs(position - np.floor(position) - np.float32(0.5))
    cloth: FloatArray = pen.between(0.35, 1.0) * (1 - pen.between(0.0, 0.6) * stripes)
    return cloth


def _develop(light: FloatArray, chance: np.random.Generator) -> ByteArray:
    """Add noise and turn brightness of 0 to 1 into bytes."""
    noise = chance.random(light.shape, dtype=np.float32) * np.float32(2 * NOISE) - np.float32(NOISE)
    grey: FloatArray = np.clip(light + noise, 0, 1) * np.float32(255)
    return grey.astype(np.uint8)
