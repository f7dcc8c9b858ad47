"""A data set in memory: images, labels, fingerprints, pixel statistics, and the fixed split for validation."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data import official
from fmnist_tui.data.errors import DataError

ByteArray = NDArray[np.uint8]
LabelArray: TypeAlias = NDArray[Any]  # unsigned integers

MAX_CLASSES = 1000
CLASS_COUNT = 10  # MNIST's, and that of every data set in its form
SIDE = 28  # pixels, MNIST's
_BLOCK = 1 << 18  # pixels that are counted at a time; `bincount` makes eight bytes of each
_DIGITS = 5


@dataclass(frozen=True, slots=True)
class PixelStatistics:
    """Mean and standard deviation of pixels, as fractions of 255, rounded to five digits.

    Rounded, so that the two published figures of Fashion-MNIST (0.28604 and 0.35302) are exactly these.
    """

    mean: float
    deviation: float


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images with their labels, read-only.

    Attributes:
        images: uint8, (N, channels, height, width), C-contiguous; 0 is black, 255 white; three channels are red, green
            and blue.
        labels: (N,), indices of classes: uint8, or uint16 where there are more than 256 classes.
        fingerprint: sha256, in hex digits, of the image bytes followed by the label bytes.
    """

    images: ByteArray
    labels: LabelArray
    fingerprint: str

    @classmethod
    def of(cls, images: ByteArray, labels: LabelArray) -> ImageSet:
        """A set of uint8 images and labels (N,), with its fingerprint. The arrays become read-only.

        Images without a dimension for channels, (N, height, width), have one channel.
        """
        if images.ndim == 3:
            images = images[:, None]
        images, labels = np.ascontiguousarray(images), np.ascontiguousarray(labels)
        images.flags.writeable = False
        labels.flags.writeable = False
        return cls(images, labels, fingerprint(images, labels))

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of each image."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    def class_counts(self, classes: int) -> list[int]:
        """The number of images of each of so many classes, by label."""
        counts: list[int] = np.bincount(self.labels, minlength=classes).tolist()
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
        n_validation: How many of the training images, the last ones, the data provides for validation; 0 if it provides
            none: then a tenth of them is chosen.
        note: What was done to the data that its user should know, or "": "no test set: ...".
    """

    name: str
    classes: tuple[str, ...]
    train: ImageSet
    test: ImageSet
    source: str
    flips: bool = False
    n_validation: int = 0
    note: str = ""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of each image."""
        return self.train.shape

    @property
    def fingerprints(self) -> tuple[str, str]:
        """The fingerprints of the training set and of the test set."""
        return self.train.fingerprint, self.test.fingerprint

    @property
    def is_fashion_mnist(self) -> bool:
        """Whether these are the official images, byte for byte and in the official order."""
        return self.fingerprints == official.FASHION_MNIST.fingerprints


def fingerprint(images: ByteArray, labels: LabelArray) -> str:
    """The sha256, in hex digits, of the bytes of C-contiguous `images` followed by those of `labels`."""
    digest = hashlib.sha256(images.reshape(-1).data)
    digest.update(labels.data)
    return digest.hexdigest()


def pixel_statistics(images: NDArray[np.uint8]) -> PixelStatistics:
    """The statistics of C-contiguous images of any shape, all channels together; 60,000 of Fashion-MNIST take 0.1 s.

    The pixels are counted, so that the result is exact: the same on every machine and in any order of the images.
    """
    pixels = images.reshape(-1)
    counts = np.zeros(256, np.int64)
    for first in range(0, pixels.size, _BLOCK):
        counts += np.bincount(pixels[first : first + _BLOCK], minlength=256)
    numbers = [int(count) for count in counts]  # unbounded: the squares of a billion pixels pass 64 bits
    total = sum(value * number for value, number in enumerate(numbers))
    squares = sum(value * value * number for value, number in enumerate(numbers))
    count = pixels.size
    deviation = math.sqrt(count * squares - total * total) / (255 * count)
    return PixelStatistics(round(total / (255 * count), _DIGITS), round(deviation, _DIGITS))


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


def split_of(dataset: Dataset, chosen: IntArray | None = None) -> tuple[IntArray, IntArray]:
    """Indices of the training images and of the validation images: those provided, else by `split`.

    Args:
        dataset: The data.
        chosen: Sorted indices of the training images to use, out of those not provided for validation; None for all.
    """
    learnable = len(dataset.train) - dataset.n_validation
    chosen = np.arange(learnable) if chosen is None else chosen
    if dataset.n_validation:
        return chosen, np.arange(learnable, len(dataset.train))
    train, validation = split(len(chosen))
    return chosen[train], chosen[validation]


def check_enough(count: int, name: str) -> None:
    """Raise DataError if there are fewer than 2 training images: one is needed for training and one for validation."""
    if count < 2:
        raise DataError(f"{name} contains one training image", "use at least 2: a tenth is set aside for validation")
