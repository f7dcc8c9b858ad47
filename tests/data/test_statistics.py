from __future__ import annotations

import numpy as np
import pytest

from fmnist_tui.data import ImageSet
from fmnist_tui.data.statistics import PixelStatistics, pixel_statistics

from .samples import Sample


def test_mean_and_deviation_are_those_of_all_pixels_to_five_digits(small: Sample) -> None:
    pixels = small.train[0] / 255
    assert ImageSet.of(*small.train).statistics == PixelStatistics(round(pixels.mean(), 5), round(pixels.std(), 5))


def test_the_order_of_the_images_does_not_matter(small: Sample) -> None:
    images = small.train[0]
    assert pixel_statistics(np.ascontiguousarray(images[::-1])) == pixel_statistics(images)


@pytest.mark.parametrize("grey", [0, 51, 255])
def test_images_that_are_all_alike_have_no_deviation(grey: int) -> None:
    found = pixel_statistics(np.full((1, 28, 28), grey, np.uint8))
    assert found == PixelStatistics(round(grey / 255, 5), 0.0)


def test_half_black_and_half_white_deviate_by_a_half() -> None:
    images = np.zeros((600, 28, 28), np.uint8)
    images[::2] = 255
    assert pixel_statistics(images) == PixelStatistics(0.5, 0.5)
