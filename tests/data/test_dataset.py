from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from fmnist_tui.data import FASHION_CLASSES, Dataset, ImageSet
from fmnist_tui.data.dataset import PixelStatistics, pixel_statistics
from fmnist_tui.data.official import FASHION_MNIST

from .samples import Sample


def test_the_fingerprint_is_the_sha256_of_images_then_labels(small: Sample) -> None:
    images, labels = small.train
    expected = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
    assert ImageSet.of(images, labels).fingerprint == expected


def test_a_set_is_read_only_and_its_length_is_the_number_of_images(small: Sample) -> None:
    images = ImageSet.of(*small.train)
    assert len(images) == 60
    with pytest.raises(ValueError, match="read-only"):
        images.images[0, 0, 0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        images.labels[0] = 1


def test_images_in_another_memory_order_are_laid_out_again(small: Sample) -> None:
    images = ImageSet.of(np.asfortranarray(small.train[0]), small.train[1])
    assert images.images.flags.c_contiguous
    assert images.fingerprint == ImageSet.of(*small.train).fingerprint


def test_one_changed_pixel_is_noticed(small: Sample) -> None:
    good = ImageSet.of(*small.train)
    assert good.is_intact()
    pixels = good.images.copy()
    pixels[59, 0, 27, 27] ^= 1
    assert not replace(good, images=pixels).is_intact()


def test_only_both_official_fingerprints_make_fashion_mnist(small: Sample) -> None:
    train = replace(ImageSet.of(*small.train), fingerprint=FASHION_MNIST.fingerprints[0])
    test = replace(ImageSet.of(*small.test), fingerprint=FASHION_MNIST.fingerprints[1])
    official = Dataset("Fashion-MNIST", FASHION_CLASSES, train, test, "cache")
    assert official.is_fashion_mnist
    assert not replace(official, test=ImageSet.of(*small.test)).is_fashion_mnist
    assert not replace(official, train=ImageSet.of(*small.train)).is_fashion_mnist


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
