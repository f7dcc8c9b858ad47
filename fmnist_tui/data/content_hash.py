"""Checksums of a set's images that don't depend on their order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from fmnist_tui.data import official
from fmnist_tui.data.dataset import Dataset, ImageSet


def content_checksum(*sets: ImageSet) -> str:
    """A checksum, in hex digits, of labelled images regardless of their order and of how the sets divide them.

    It is the sha256 of the sorted sha256 digests of each image's bytes followed by its label. It takes 0.1 to 0.2 s for
    70,000 images of 28x28 pixels.
    """
    return _checksum_of(digest for images in sets for digest in _digests(images))


def same_images_as_official(dataset: Dataset, release: official.Release = official.FASHION_MNIST) -> tuple[bool, bool]:
    """Whether the training set and the test set are the official ones, labels included, in any order.

    The images themselves are compared only if the fingerprint differs.
    """
    parts = zip((dataset.train, dataset.test), release.fingerprints, release.content_checksums, strict=True)
    train, test = (part.fingerprint == known or content_checksum(part) == content for part, known, content in parts)
    return train, test


def holds_official_images(train: ImageSet, test: ImageSet, release: official.Release = official.FASHION_MNIST) -> bool:
    """Whether the training images, or all images together, are the official ones in any order.

    The images themselves are compared only if the fingerprint differs and their number matches.
    """
    if train.fingerprint == release.fingerprints[0]:
        return True
    sizes = [file.size - 16 for file in release.files if "images" in file.name]
    if train.images.nbytes != sizes[0] and train.images.nbytes + test.images.nbytes != sum(sizes):
        return False
    digests = _digests(train)
    return (
        _checksum_of(digests) == release.content_checksums[0]
        or _checksum_of(digests + _digests(test)) == release.combined_checksum
    )


def _digests(images: ImageSet) -> list[bytes]:
    pixels, labels = images.images.reshape(-1).data, images.labels.data
    size = images.images[0].nbytes
    digests = []
    for index in range(len(images)):
        digest = hashlib.sha256(pixels[index * size : (index + 1) * size])
        digest.update(labels[index : index + 1])
        digests.append(digest.digest())
    return digests


def _checksum_of(digests: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()
