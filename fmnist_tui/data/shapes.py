"""Drawing simple shapes into many small images at once.

Coordinates run from -1 to 1 over an image, x to the right and y down. Every shape is a coverage: float32,
(N, 28, 28), 1 inside, 0 outside, in between on the edge. Sizes and places may be plain numbers or arrays of
shape (N, 1, 1), one for each image. Only + - * / and the square root are used, which every machine
rounds alike: the same seed gives the same bytes everywhere.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data.dataset import SIDE

FloatArray = NDArray[np.float32]
Size = float | FloatArray

PIXEL = 2.0 / SIDE


def grid() -> tuple[FloatArray, FloatArray]:
    """Return x and y of the pixels' centres, each (1, 28, 28)."""
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
    place: FloatArray = np.clip(((x - start[0]) * along_x + (y - start[1]) * along_y) / length, 0, 1)
    away: FloatArray = np.sqrt((x - start[0] - place * along_x) ** 2 + (y - start[1] - place * along_y) ** 2)
    return _inside(away - half)


def union(*shapes: FloatArray) -> FloatArray:
    """What any of `shapes` covers."""
    return reduce(np.maximum, shapes)


def cut(shape: FloatArray, hole: FloatArray) -> FloatArray:
    """What `shape` covers and `hole` does not."""
    return np.minimum(shape, 1 - hole)


def _inside(distance: FloatArray) -> FloatArray:
    """Turn the signed distance to an edge, negative inside, into a coverage."""
    coverage: FloatArray = np.clip(np.float32(0.5) - distance / np.float32(PIXEL), 0, 1)
    return coverage
