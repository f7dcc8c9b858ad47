"""A data set in memory: images, labels, fingerprints, and the fixed split into training and validation images."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data import official
from fmnist_tui.data.errors import DataError
from fmnist_tui.data.statistics import PixelStatistics, pixel_statistics

ByteArray = NDArray[np.uint8]

CLASS_COUNT = 10
SIDE = 28  # pixels


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images with their labels, read-only.

    Attributes:
        images: uint8, (N, 28, 28), C-contiguous; 0 is the background, 255 the brightest grey.
        labels: uint8, (N,), 0 to 9.
        fingerprint: sha256, as hex digits, of the image bytes followed by the label bytes.
    """

    images: ByteArray
    labels: ByteArray
    fingerprint: str

    @classmethod
    def of(cls, images: ByteArray, labels: ByteArray) -> ImageSet:
        """Build a set from uint8 arrays (N, 28, 28) and (N,), which become read-only, and fingerprint it."""
        images, labels = np.ascontiguousarray(images), np.ascontiguousarray(labels)
        images.flags.writeable = False
        labels.flags.writeable = False
        return cls(images, labels, fingerprint(images, labels))

    def __len__(self) -> int:
        return len(self.labels)

    def class_counts(self) -> list[int]:
        """Count the images of each label, 0 to 9."""
        counts: list[int] = np.bincount(self.labels, minlength=CLASS_COUNT).tolist()
        return counts

    @cached_property
    def statistics(self) -> PixelStatistics:
        """Mean and standard deviation of all pixels; the first call takes 0.1 s for 60 000 images."""
        return pixel_statistics(self.images)

    def is_intact(self) -> bool:
        """Read every pixel and label again, in some 50 ms, and compare them with the fingerprint."""
        return fingerprint(self.images, self.labels) == self.fingerprint


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """A training set and a test set with the names of their classes.

    Attributes:
        name: "Fashion-MNIST", "demo", or which folder it is.
        classes: Ten names; the label is the index.
        train: The images to learn from, validation included.
        test: The images to score on.
        source: Where it came from, in words, with the folder.
        flips: Whether an image mirrored left-right is as good an image of its class: true of garments, not of digits,
            and not assumed of data that isn't known.
    """

    name: str
    classes: tuple[str, ...]
    train: ImageSet
    test: ImageSet
    source: str
    flips: bool = False

    @property
    def fingerprints(self) -> tuple[str, str]:
        """The fingerprints of the training set and of the test set."""
        return self.train.fingerprint, self.test.fingerprint

    @property
    def is_fashion_mnist(self) -> bool:
        """Whether these are the official images, byte for byte and in the official order."""
        return self.fingerprints == official.FASHION_MNIST.fingerprints


def fingerprint(images: ByteArray, labels: ByteArray) -> str:
    """Return the sha256, as hex digits, of the bytes of C-contiguous `images`, then of `labels`."""
    digest = hashlib.sha256(images.reshape(-1).data)
    digest.update(labels.data)
    return digest.hexdigest()


IntArray = NDArray[np.int64]

# The same for every version, recipe and seed, so that they are all compared on the same images.
SPLIT_KEY = 20170825


def split(count: int) -> tuple[IntArray, IntArray]:
    """Divide `count` images 90/10.

    Args:
        count: Number of training images, 60 000 for Fashion-MNIST.

    Returns:
        Sorted int64 indices of the training part (54 000) and of the validation part (6 000).
    """
    order = np.random.Generator(np.random.Philox(key=SPLIT_KEY)).permutation(count).astype(np.int64)
    train_count = count * 9 // 10
    return np.sort(order[:train_count]), np.sort(order[train_count:])


def check_enough(count: int, name: str) -> None:
    """Raise DataError where `count` training images can't be divided: each part needs one."""
    if count < 2:
        raise DataError(f"{name} holds one training image", "give at least 2: a tenth is set aside for validation")
