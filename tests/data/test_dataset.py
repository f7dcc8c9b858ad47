from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from fmnist_tui.data import FASHION_CLASSES, Dataset, ImageSet
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
        images.images[0, 0, 0] = 1
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
    pixels[59, 27, 27] ^= 1
    assert not replace(good, images=pixels).is_intact()


def test_only_both_official_fingerprints_make_fashion_mnist(small: Sample) -> None:
    train = replace(ImageSet.of(*small.train), fingerprint=FASHION_MNIST.fingerprints[0])
    test = replace(ImageSet.of(*small.test), fingerprint=FASHION_MNIST.fingerprints[1])
    official = Dataset("Fashion-MNIST", FASHION_CLASSES, train, test, "cache")
    assert official.is_fashion_mnist
    assert not replace(official, test=ImageSet.of(*small.test)).is_fashion_mnist
    assert not replace(official, train=ImageSet.of(*small.train)).is_fashion_mnist
