"""Changes to an image uint8 (C, H, W): moving, turning and scaling it, noise, blur, and rectangles of one colour.

Moves, turns and scalings are matrices, so that several of them are applied at once and to the original: turning a
picture by 10 degrees 36 times gives the same picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Matrix = NDArray[np.float64]
"""(3, 3), of homogeneous coordinates (row, column, 1) relative to the middle of the image. `b @ a` is a, then b."""

UNCHANGED: Matrix = np.eye(3)


def is_blank(image: Pixels) -> bool:
    """Whether all pixels of an image (C, H, W) are the same."""
    return bool((image == image[:, :1, :1]).all())


def shift(down: float, right: float) -> Matrix:
    """Moves the picture by so many pixels."""
    matrix = np.eye(3)
    matrix[:2, 2] = down, right
    return matrix


def rotation(degrees: float) -> Matrix:
    """Turns the picture clockwise about the middle of the image."""
    angle = math.radians(degrees)
    matrix = np.eye(3)
    matrix[:2, :2] = [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]
    return matrix


def scaling(factor: float) -> Matrix:
    """Enlarges the picture (a factor above 1) about the middle of the image, or makes it smaller."""
    return np.diag([factor, factor, 1.0])


def warped(image: Pixels, matrix: Matrix) -> Pixels:
    """The image after the matrix; what comes in from outside is black. Pixels between pixels are interpolated."""
    height, width = image.shape[1:]
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    rows, columns = np.mgrid[0:height, 0:width]
    wanted = np.stack([rows.ravel() - middle[0], columns.ravel() - middle[1], np.ones(height * width)])
    source = np.round((np.linalg.inv(matrix) @ wanted)[:2] + middle[:, None], 9)
    first = np.floor(source).astype(np.int64)
    fraction = source - first
    padded = np.pad(image, ((0, 0), (1, 2), (1, 2))).astype(np.float64)
    at_row, at_column = (np.clip(first[axis] + 1, 0, size + 1) for axis, size in enumerate((height, width)))
    result = np.zeros((len(image), height * width))
    for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        weight = np.abs(1 - down - fraction[0]) * np.abs(1 - right - fraction[1])
        inside = (first[0] + down >= 0) & (first[0] + down < height)
        inside &= (first[1] + right >= 0) & (first[1] + right < width)
        result += weight * inside * padded[:, at_row + down, at_column + right]
    warped_image: Pixels = np.clip(np.round(result), 0, 255).astype(np.uint8).reshape(image.shape)
    return warped_image


def noisy(image: Pixels, deviation: float, rng: np.random.Generator) -> Pixels:
    """With normally distributed noise of this standard deviation, in pixel values, the same in all channels."""
    noise = rng.normal(0.0, deviation, image.shape[1:])
    added: Pixels = np.clip(np.round(image + noise), 0, 255).astype(np.uint8)
    return added


def blurred(image: Pixels) -> Pixels:
    """Each pixel mixed with its neighbours in the proportions 1, 2, 1, down and across; the edge is continued."""
    values = np.pad(image, ((0, 0), (1, 1), (1, 1)), mode="edge").astype(np.float64)
    down = values[:, :-2] + 2 * values[:, 1:-1] + values[:, 2:]
    mixed: Pixels = np.round((down[:, :, :-2] + 2 * down[:, :, 1:-1] + down[:, :, 2:]) / 16).astype(np.uint8)
    return mixed


def erased(image: Pixels, row: int, column: int, side: int) -> Pixels:
    """A black square of this side around a pixel, as far as it is within the image."""
    changed = image.copy()
    top, left = row - side // 2, column - side // 2
    changed[:, max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)] = 0
    return changed


def brush_mask(shape: tuple[int, int], row: int, column: int, size: int) -> NDArray[np.bool_]:
    """The pixels (height, width) that a round brush of this diameter covers around a pixel."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    covered: NDArray[np.bool_] = (rows - row) ** 2 + (columns - column) ** 2 <= (size / 2) ** 2
    return covered


def painted(image: Pixels, start: tuple[int, int], end: tuple[int, int], size: int, colour: Sequence[int]) -> Pixels:
    """With a stroke of the brush from one pixel to another, both (row, column), in one value for each channel."""
    count = max(abs(end[0] - start[0]), abs(end[1] - start[1])) + 1
    _, height, width = image.shape
    covered = np.zeros((height, width), np.bool_)
    for row, column in zip(np.linspace(start[0], end[0], count), np.linspace(start[1], end[1], count), strict=True):
        covered |= brush_mask((height, width), round(row), round(column), size)
    changed = image.copy()
    changed[:, covered] = np.array(colour, np.uint8)[:, None]
    return changed
