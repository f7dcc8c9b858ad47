"""The demo data set: ten kinds of garments drawn by this package, for use without real data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data.dataset import SIDE, ByteArray, Dataset, ImageSet
from fmnist_tui.data.official import FASHION_CLASSES

FloatArray = NDArray[np.float32]
Size = float | FloatArray

PIXEL = 2.0 / SIDE


def grid() -> tuple[FloatArray, FloatArray]:
    """The x and y coordinates of the pixels' centres, -1 to 1, each (1, 28, 28)."""
    centres = (np.arange(SIDE, dtype=np.float32) + 0.5) * np.float32(PIXEL) - 1
    return np.broadcast_to(centres, (1, SIDE, SIDE)), np.broadcast_to(centres[:, None], (1, SIDE, SIDE))


def panel(x: FloatArray, y: FloatArray, top: Size, bottom: Size, upper: Size, lower: Size) -> FloatArray:
    """A trapezoid around x = 0, `upper` half as wide at `top` and `lower` at `bottom`."""
    half = upper + (lower - upper) * np.clip((y - top) / (bottom - top), 0, 1)
    return _inside(np.maximum(abs(x) - half, np.maximum(top - y, y - bottom)))


def box(x: FloatArray, y: FloatArray, left: Size, right: Size, top: Size, bottom: Size) -> FloatArray:
    """A rectangle."""
    return _inside(np.maximum(np.maximum(left - x, x - right), np.maximum(top - y, y - bottom)))


def oval(x: FloatArray, y: FloatArray, middle: tuple[Size, Size], width: Size, height: Size) -> FloatArray:
    """An ellipse; `width` and `height` are its half axes."""
    radius = np.sqrt(((x - middle[0]) / width) ** 2 + ((y - middle[1]) / height) ** 2)
    return _inside((radius - 1) * np.minimum(width, height, dtype=np.float32))


def band(x: FloatArray, y: FloatArray, start: tuple[Size, Size], end: tuple[Size, Size], half: Size) -> FloatArray:
    """A thick line with round ends; `half` is half its thickness."""
    along_x, along_y = end[0] - start[0], end[1] - start[1]
    length = along_x**2 + along_y**2
    position: FloatArray = np.clip(((x - start[0]) * along_x + (y - start[1]) * along_y) / length, 0, 1)
    away: FloatArray = np.sqrt((x - start[0] - position * along_x) ** 2 + (y - start[1] - position * along_y) ** 2)
    return _inside(away - half)


def union(*shapes: FloatArray) -> FloatArray:
    """What any of `shapes` covers."""
    return reduce(np.maximum, shapes)


def cut(shape: FloatArray, hole: FloatArray) -> FloatArray:
    """What `shape` covers but `hole` doesn't."""
    return np.minimum(shape, 1 - hole)


def _inside(distance: FloatArray) -> FloatArray:
    """The coverage of each pixel, 0 to 1, from its signed distance to an edge, negative inside."""
    coverage: FloatArray = np.clip(np.float32(0.5) - distance / np.float32(PIXEL), 0, 1)
    return coverage


@dataclass(frozen=True, slots=True, eq=False)
class Pen:
    """The pixels' coordinates in N images, (N, 28, 28) each, and the generator for the garments' variations."""

    x: FloatArray
    y: FloatArray
    rng: np.random.Generator

    def between(self, low: float, high: float) -> FloatArray:
        """A random number for each image, (N, 1, 1)."""
        return uniform(self.rng, len(self.x), low, high)


def uniform(rng: np.random.Generator, count: int, low: float, high: float) -> FloatArray:
    """`count` random numbers between `low` and `high`, (count, 1, 1)."""
    return np.float32(low) + np.float32(high - low) * rng.random((count, 1, 1), dtype=np.float32)


def t_shirt(pen: Pen) -> FloatArray:
    """Short sleeves, a round neck."""
    body = _torso(pen, bottom=pen.between(0.65, 0.85))
    sleeves = _sleeves(pen, reach=pen.between(0.68, 0.85), down=pen.between(-0.35, 0.0))
    return cut(union(body, sleeves), _neck(pen))


def trouser(pen: Pen) -> FloatArray:
    """Two legs that part below the waist."""
    outside = panel(pen.x, pen.y, -0.9, 0.9, pen.between(0.25, 0.36), pen.between(0.3, 0.45))
    gap = panel(pen.x, pen.y, pen.between(-0.55, -0.3), 0.95, 0.0, pen.between(0.06, 0.2))
    return cut(outside, gap)


def pullover(pen: Pen) -> FloatArray:
    """Long, wide sleeves and a hem; no opening."""
    body = _torso(pen, bottom=pen.between(0.65, 0.85))
    sleeves = _sleeves(pen, reach=pen.between(0.68, 0.85), down=pen.between(0.4, 0.75))
    return union(body, sleeves)


def dress(pen: Pen) -> FloatArray:
    """A narrow top over a skirt that widens."""
    waist = pen.between(0.14, 0.24)
    top = panel(pen.x, pen.y, -0.9, -0.2, pen.between(0.18, 0.32), waist)
    skirt = panel(pen.x, pen.y, -0.25, 0.92, waist, pen.between(0.25, 0.55))
    return cut(union(top, skirt), _neck(pen))


def coat(pen: Pen) -> FloatArray:
    """Long sleeves, a long body, open in front."""
    body = _torso(pen, bottom=pen.between(0.8, 0.92))
    sleeves = _sleeves(pen, reach=pen.between(0.62, 0.8), down=pen.between(0.5, 0.8))
    opening = panel(pen.x, pen.y, -0.8, 0.95, pen.between(0.05, 0.2), pen.between(0.01, 0.06))
    return cut(union(body, sleeves), opening)


def sandal(pen: Pen) -> FloatArray:
    """A sole with two or three straps, and a heel on some."""
    heel = pen.between(0.0, 0.5)
    sole = band(pen.x, pen.y, (-0.8, 0.45), (0.8, 0.4 - heel), 0.08)
    post = box(pen.x, pen.y, 0.68, 0.84, 0.4 - heel, 0.5)
    front = band(pen.x, pen.y, (-0.7, 0.4), (pen.between(-0.3, 0.0), pen.between(-0.1, 0.15)), 0.06)
    back = band(pen.x, pen.y, (-0.15, 0.05), (0.75, pen.between(-0.4, 0.0)), 0.06)
    ankle = band(pen.x, pen.y, (0.78, 0.35 - heel), (0.75, -0.3), 0.06)
    return union(sole, post, front, back, ankle)


def shirt(pen: Pen) -> FloatArray:
    """Sleeves of any length, a collar, a row of buttons."""
    body = _torso(pen, bottom=pen.between(0.68, 0.88))
    sleeves = _sleeves(pen, reach=pen.between(0.65, 0.85), down=pen.between(-0.1, 0.7))
    cloth = cut(union(body, sleeves), panel(pen.x, pen.y, -0.9, pen.between(-0.65, -0.45), 0.2, 0.0))
    return cut(cloth, 0.5 * box(pen.x, pen.y, -0.04, 0.04, -0.6, 0.9))


def sneaker(pen: Pen) -> FloatArray:
    """Flat and long, with a rounded toe on the left."""
    sole = band(pen.x, pen.y, (-0.78, 0.4), (0.8, 0.4), 0.09)
    toe = oval(pen.x, pen.y, (-0.45, 0.35), 0.42, pen.between(0.22, 0.36))
    upper = band(pen.x, pen.y, (-0.35, 0.2), (0.65, pen.between(-0.12, 0.12)), pen.between(0.16, 0.24))
    heel = box(pen.x, pen.y, 0.45, 0.85, pen.between(-0.25, 0.0), 0.4)
    return union(sole, cut(union(toe, upper, heel), box(pen.x, pen.y, -1.0, 1.0, 0.4, 1.0)))


def bag(pen: Pen) -> FloatArray:
    """A box under a handle."""
    top = pen.between(-0.35, 0.0)
    body = panel(pen.x, pen.y, top, pen.between(0.6, 0.85), pen.between(0.5, 0.8), pen.between(0.6, 0.85))
    width, height = pen.between(0.3, 0.5), pen.between(0.3, 0.6)
    ring = oval(pen.x, pen.y, (0.0, top), width, height)
    return union(body, cut(ring, oval(pen.x, pen.y, (0.0, top), width - 0.13, height - 0.13)))


def ankle_boot(pen: Pen) -> FloatArray:
    """A shaft over a foot, on a heel."""
    shaft = box(pen.x, pen.y, pen.between(0.0, 0.2), 0.8, pen.between(-0.85, -0.45), 0.5)
    foot = band(pen.x, pen.y, (-0.6, 0.4), (0.5, pen.between(0.1, 0.3)), pen.between(0.18, 0.26))
    heel = box(pen.x, pen.y, pen.between(0.3, 0.5), 0.8, 0.5, pen.between(0.6, 0.8))
    return union(shaft, foot, heel)


GARMENTS: tuple[Callable[[Pen], FloatArray], ...] = (
    t_shirt,
    trouser,
    pullover,
    dress,
    coat,
    sandal,
    shirt,
    sneaker,
    bag,
    ankle_boot,
)


def _torso(pen: Pen, bottom: Size) -> FloatArray:
    return panel(pen.x, pen.y, -0.8, bottom, pen.between(0.38, 0.5), pen.between(0.38, 0.52))


def _sleeves(pen: Pen, reach: Size, down: Size) -> FloatArray:
    """Both sleeves at once: |x| folds the right one onto the left."""
    return band(abs(pen.x), pen.y, (0.36, -0.66), (reach, down), pen.between(0.12, 0.17))


def _neck(pen: Pen) -> FloatArray:
    return oval(pen.x, pen.y, (0.0, -0.85), pen.between(0.15, 0.25), pen.between(0.12, 0.3))


TRAIN_COUNT = 2000
TEST_COUNT = 500
TRAIN_KEY, TEST_KEY = 1, 2
NOISE = 0.08  # amplitude, as a fraction of white


def draw() -> Dataset:
    """The demo set: 2,000 training and 500 test images, always the same, with the ten classes in turn."""
    return Dataset(
        name="demo",
        classes=FASHION_CLASSES,
        train=_draw_set(TRAIN_COUNT, TRAIN_KEY),
        test=_draw_set(TEST_COUNT, TEST_KEY),
        source="demo, drawn by this program",
        flips=True,
    )


def _draw_set(count: int, key: int) -> ImageSet:
    """`count` images, a multiple of ten."""
    rng = np.random.Generator(np.random.Philox(key=key))
    images = np.empty((count, SIDE, SIDE), np.uint8)
    labels = (np.arange(count) % len(GARMENTS)).astype(np.uint8)
    for label, garment in enumerate(GARMENTS):
        pen = _pen(rng, count // len(GARMENTS))
        images[label :: len(GARMENTS)] = _to_pixels(garment(pen) * _cloth(pen), rng)
    return ImageSet.of(images, labels)


def _pen(rng: np.random.Generator, count: int) -> Pen:
    """Coordinates for `count` garments, shifted, scaled and slightly slanted at random."""
    x, y = grid()
    x = (x - uniform(rng, count, -0.15, 0.15)) / uniform(rng, count, 0.8, 1.1)
    y = (y - uniform(rng, count, -0.12, 0.12)) / uniform(rng, count, 0.8, 1.1)
    return Pen(x + uniform(rng, count, -0.12, 0.12) * y, y, rng)


def _cloth(pen: Pen) -> FloatArray:
    """The brightness of the cloth, (N, 28, 28): plain to boldly striped, in any direction."""
    position = pen.x * pen.between(-4, 4) + pen.y * pen.between(-4, 4) + pen.between(0, 1)
    stripes = 2 * abs(position - np.floor(position) - np.float32(0.5))
    cloth: FloatArray = pen.between(0.35, 1.0) * (1 - pen.between(0.0, 0.6) * stripes)
    return cloth


def _to_pixels(light: FloatArray, rng: np.random.Generator) -> ByteArray:
    """Add noise and convert brightness, 0 to 1, to bytes."""
    noise = rng.random(light.shape, dtype=np.float32) * np.float32(2 * NOISE) - np.float32(NOISE)
    grey: FloatArray = np.clip(light + noise, 0, 1) * np.float32(255)
    return grey.astype(np.uint8)
