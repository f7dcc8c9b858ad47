"""How the objects of a data set lie in its images, so that a picture can be prepared alike."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data import load
from fmnist_tui.data.errors import DataError
from fmnist_tui.data.official import FASHION_MNIST
from fmnist_tui.runs.manifest import requested_folder
from fmnist_tui.runs.run import Run

Pixels = NDArray[np.uint8]
"""An image (channels, height, width)."""

TOLERANCE = 20
"""Pixel values (8%) within which a pixel belongs to the background: compression blurs the edges of objects."""
_SPECKS = 0.005
"""A row or column of which less than this fraction differs from the background is noise."""
_SAMPLE = 2000
_UNIFORM = 0.6
"""Of the pixels at the edges: the fraction that makes a background. In Fashion-MNIST it is 88%."""


@dataclass(frozen=True)
class Appearance:
    """What the images of a data set have in common.

    Attributes:
        background: The value of each channel, or None if images have no uniform background, as photographs.
        extent: The longer side of an object as a fraction of the image's: 1.0 in Fashion-MNIST, 0.71 in MNIST.
        by_mass: Whether an object's centre of mass is in the middle of the image (MNIST); else that of the box
            around it is (Fashion-MNIST).
    """

    background: tuple[int, ...] | None
    extent: float = 1.0
    by_mass: bool = False


OF_FASHION_MNIST = Appearance((0,), 1.0, by_mass=False)
"""As measured on its 60,000 training images."""


def appearance_for(run: Run, data: str | None, cache: Path) -> Appearance:
    """How the images look that a run was trained on; they are loaded unless it was Fashion-MNIST.

    Args:
        run: The run.
        data: Where its images are now, as for `fmnist_tui.data.load`; None for where they were.
        cache: For `fmnist_tui.data.load`.

    Raises:
        DataError: They can't be loaded, or other images are there.
    """
    if run.fingerprints == FASHION_MNIST.fingerprints:
        return OF_FASHION_MNIST
    where = data or requested_folder(run.directory, {"data": run.manifest.data.folder})
    dataset = load(where, cache)
    if dataset.shape != run.image_shape or (run.fingerprints[0] and dataset.train.fingerprint != run.fingerprints[0]):
        raise DataError(
            f"run {run.run_id} was trained on other images than those in {dataset.source}", "pass its data with --data"
        )
    return appearance_of(dataset.train.images)


def appearance_of(images: NDArray[np.uint8]) -> Appearance:
    """What images (n, channels, height, width) have in common, judged by at most 2,000 of them."""
    sample = images[:: max(1, len(images) // _SAMPLE)]
    edges = np.concatenate([sample[:, :, 0], sample[:, :, -1], sample[:, :, :, 0], sample[:, :, :, -1]], axis=2)
    background = np.median(edges, axis=(0, 2))
    is_background = (np.abs(edges - background[:, None]) <= TOLERANCE).all(axis=1)
    if is_background.mean() < _UNIFORM:
        return Appearance(None)
    values = tuple(int(value) for value in background)
    extents, of_boxes, of_masses = [], [], []
    for image in sample:
        if box := object_box(image, values):
            top, left, bottom, right = box
            height, width = image.shape[1:]
            extents.append(max((bottom - top) / height, (right - left) / width))
            middles = np.array([[(top + bottom) / 2, (left + right) / 2], mass_centre(image, values)])
            of_box, of_mass = np.abs(middles - [height / 2, width / 2]).sum(axis=1)
            of_boxes.append(of_box)
            of_masses.append(of_mass)
    if not extents:
        return Appearance(values)
    return Appearance(values, float(np.median(extents)), by_mass=bool(np.mean(of_masses) < np.mean(of_boxes)))


def object_box(image: Pixels, background: tuple[int, ...]) -> tuple[int, int, int, int] | None:
    """Top, left, bottom and right (the latter two exclusive) of what differs from the background; None if nothing."""
    mask = _differences(image, background) > TOLERANCE
    rows, columns = (np.flatnonzero(mask.mean(axis=axis) > _SPECKS) for axis in (1, 0))
    return (
        (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1) if len(rows) and len(columns) else None
    )


def mass_centre(image: Pixels, background: tuple[int, ...]) -> tuple[float, float]:
    """The row and column around which the differences from the background balance, in pixels from the top left."""
    mass = _differences(image, background)
    total = float(mass.sum())
    if not total:
        return image.shape[1] / 2, image.shape[2] / 2
    rows, columns = (mass.sum(axis=axis) @ (np.arange(mass.shape[1 - axis]) + 0.5) / total for axis in (1, 0))
    return float(rows), float(columns)


def _differences(image: Pixels, background: tuple[int, ...]) -> NDArray[np.int16]:
    """Each pixel's largest difference from the background over the channels, (height, width)."""
    values = np.array(background, np.int16)[:, None, None]
    differences: NDArray[np.int16] = np.abs(image.astype(np.int16) - values).max(axis=0)
    return differences
