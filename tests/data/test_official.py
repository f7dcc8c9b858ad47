from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from fmnist_tui.data import FASHION_CLASSES, Dataset, ImageSet, same_images_as_official
from fmnist_tui.data.dataset import ByteArray
from fmnist_tui.data.official import content_checksum, holds_official_images

from .samples import Sample, sample


def shuffled(images: ByteArray, labels: ByteArray) -> ImageSet:
    order = np.random.default_rng(1).permutation(len(labels))
    return ImageSet.of(images[order], labels[order])


def dataset(train: ImageSet, test: ImageSet) -> Dataset:
    return Dataset("some", FASHION_CLASSES, train, test, "nowhere")


def test_the_checksum_is_that_of_the_sorted_checksums_of_every_image_with_its_label(small: Sample) -> None:
    each = [hashlib.sha256(image.tobytes() + bytes([label])) for image, label in zip(*small.train, strict=True)]
    expected = hashlib.sha256(b"".join(sorted(digest.digest() for digest in each))).hexdigest()
    assert content_checksum(ImageSet.of(*small.train)) == expected


def test_another_order_keeps_the_checksum_and_changes_the_fingerprint(small: Sample) -> None:
    images, mixed = ImageSet.of(*small.train), shuffled(*small.train)
    assert mixed.fingerprint != images.fingerprint
    assert content_checksum(mixed) == content_checksum(images)


def test_a_changed_pixel_a_changed_label_and_a_lost_image_change_the_checksum(small: Sample) -> None:
    pixels, labels = small.train[0].copy(), small.train[1].copy()
    pixels[59, 0, 27, 27] ^= 1
    labels[0] = (labels[0] + 1) % 10
    others = [(pixels, small.train[1]), (small.train[0], labels), (small.train[0][1:], small.train[1][1:])]
    sums = {content_checksum(ImageSet.of(*other)) for other in [small.train, *others]}
    assert len(sums) == 4


def test_the_official_images_are_known_in_their_order_and_in_another(small: Sample) -> None:
    train, test = ImageSet.of(*small.train), ImageSet.of(*small.test)
    assert same_images_as_official(dataset(train, test), small.release) == (True, True)
    mixed = dataset(shuffled(*small.train), shuffled(*small.test))
    assert same_images_as_official(mixed, small.release) == (True, True)


def test_each_part_is_compared_by_itself(small: Sample) -> None:
    other = ImageSet.of(*sample(seed=1).train)
    assert same_images_as_official(dataset(other, shuffled(*small.test)), small.release) == (False, True)
    assert same_images_as_official(dataset(shuffled(*small.train), other), small.release) == (True, False)


def test_what_the_fingerprint_says_already_is_not_computed(small: Sample) -> None:
    empty = replace(ImageSet.of(*small.test), images=np.empty((0, 28, 28), np.uint8))
    assert same_images_as_official(dataset(ImageSet.of(*small.train), empty), small.release) == (True, True)


def test_random_images_are_not_fashion_mnist(small: Sample) -> None:
    assert same_images_as_official(dataset(ImageSet.of(*small.train), ImageSet.of(*small.test))) == (False, False)


def test_official_training_images_are_known_in_any_order_and_division(small: Sample) -> None:
    train, test = ImageSet.of(*small.train), ImageSet.of(*small.test)
    images, labels = (np.concatenate(parts) for parts in zip(small.train, small.test, strict=True))
    order = np.random.default_rng(2).permutation(80)
    dealt = [ImageSet.of(images[part], labels[part]) for part in (order[:50], order[50:])]
    other = ImageSet.of(*sample(seed=1).train)
    for first, second in ((train, test), (train, other), (shuffled(*small.train), other), tuple(dealt)):
        assert holds_official_images(first, second, small.release)
    for first, second in ((other, test), (dealt[0], test), (test, test), (ImageSet.of(images[1:], labels[1:]), test)):
        assert not holds_official_images(first, second, small.release)
