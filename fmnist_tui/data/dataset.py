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
        images: uint8, (N, 28, 28), C-contiguous; 0 is black, 255 white.
        labels: uint8, (N,), 0 to 9.
        fingerprint: sha256, in hex digits, of the image bytes followed by the label bytes.
    """

    images: ByteArray
    labels: ByteArray
    fingerprint: str

    @classmethod
    def of(cls, images: ByteArray, labels: ByteArray) -> ImageSet:
        """A set of uint8 images (N, 28, 28) and labels (N,), with its fingerprint. The arrays become read-only."""
        images, labels = np.ascontiguousarray(images), np.ascontiguousarray(labels)
        images.flags.writeable = False
        labels.flags.writeable = False
        return cls(images, labels, fingerprint(images, labels))

    def __len__(self) -> int:
        return len(self.labels)

    def class_counts(self) -> list[int]:
        """The number of images of each class, by label."""
        counts: list[int] = np.bincount(self.labels, minlength=CLASS_COUNT).tolist()
        return counts

    @cached_property
    def statistics(self) -> PixelStatistics:
        """Mean and standard deviation of all pixels; the first call takes 0.1 s for 60,000 images."""
        return pixel_statistics(self.images)

    def is_intact(self) -> bool:
        """Whether the pixels and labels still match the fingerprint; takes some 50 ms for Fashion-MNIST."""
        return fingerprint(self.images, self.labels) == self.fingerprint


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """A training set and a test set with the names of their classes.

    Attributes:
        name: "Fashion-MNIST", "demo", or the folder's name.
        classes: The names of the classes; a label is an index into them.
        train: The training images, validation images included.
        test: The test images.
        source: Where it came from, as text: the kind of source and the folder.
        flips: Whether an image mirrored left-right is still a valid image of its class: True for garments, False for
            digits and for unknown data.
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
    """The sha256, in hex digits, of the bytes of C-contiguous `images` followed by those of `labels`."""
    digest = hashlib.sha256(images.reshape(-1).data)
    digest.update(labels.data)
    return digest.hexdigest()


IntArray = NDArray[np.int64]

# The same for all models, recipes and seeds, so that they are compared on the same images.
SPLIT_KEY = 20170825


def split(count: int) -> tuple[IntArray, IntArray]:
    """Split `count` images 90/10 into training and validation images.

    Args:
        count: Number of training images, 60,000 for Fashion-MNIST.

    Returns:
        Sorted int64 indices of the training images (54,000) and of the validation images (6,000).
    """
    order = np.random.Generator(np.random.Philox(key=SPLIT_KEY)).permutation(count).astype(np.int64)
    train_count = count * 9 // 10
    return np.sort(order[:train_count]), np.sort(order[train_count:])


def check_enough(count: int, name: str) -> None:
    """Raise DataError if there are fewer than 2 training images: one is needed for training and one for validation."""
    if count < 2:
        raise DataError(f"{name} contains one training image", "use at least 2: a tenth is set aside for validation")
