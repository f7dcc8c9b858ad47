from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_tui.inspection.occlusion import Sweep, occlude, spread, sweep_for


def left_half(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The probability of class 0 is the mean brightness of the left half."""
    bright = images[..., : images.shape[3] // 2].mean(axis=(1, 2, 3)) / 255
    return np.stack([bright, 1 - bright], axis=1).astype(np.float32)


def test_covering_a_pixel_takes_away_what_it_adds() -> None:
    image = np.full((1, 2, 4), 255, np.uint8)
    sweep = Sweep(2, 4, patch=1, stride=1)
    rows = list(occlude(left_half, image, [0, 1], sweep))
    assert len(rows) == 2
    assert rows[0].tolist() == [[0.25, 0.25, 0, 0], [-0.25, -0.25, 0, 0]]
    assert image.min() == 255


def test_the_last_patch_ends_at_the_edge() -> None:
    sweep = Sweep(28, 6, patch=4, stride=3)
    assert sweep.columns == [0, 2]
    assert sweep.rows == [0, 3, 6, 9, 12, 15, 18, 21, 24]
    assert sweep_for(28, 28) == Sweep(28, 28, 5, 2)
    assert sweep_for(8, 8) == Sweep(8, 8, 2, 1)
    assert sweep_for(1, 3) == Sweep(1, 3, 1, 1)


def test_a_pixel_has_the_mean_of_the_patches_that_covered_it() -> None:
    sweep = Sweep(3, 3, patch=2, stride=1)
    whole = spread(np.array([[1, 3], [5, 7]], np.float32), sweep)
    assert whole.tolist() == [[1, 2, 3], [3, 4, 5], [5, 6, 7]]
    half = spread(np.array([[1, 3]], np.float32), sweep)
    assert half[:2].tolist() == [[1, 2, 3], [1, 2, 3]]
    assert np.isnan(half[2]).all()


def test_colour_images_are_covered_in_all_channels() -> None:
    image = np.full((3, 4, 4), 200, np.uint8)
    rows = list(occlude(left_half, image, [0], Sweep(4, 4, 4, 1), fill=100))
    assert rows[0][0, 0] == pytest.approx(100 / 255)
