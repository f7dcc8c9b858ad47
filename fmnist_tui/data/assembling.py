"""From what a file format holds to a data set's two parts: classes numbered from 0, and a test set if there is none."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data.dataset import (
    CLASS_COUNT,
    MAX_CLASSES,
    SIDE,
    SPLIT_KEY,
    ByteArray,
    ImageSet,
    IntArray,
    LabelArray,
)
from fmnist_tui.data.errors import DataError
from fmnist_tui.text import grouped, safe

MNIST_SHAPE = (1, SIDE, SIDE)
LONGEST_NAME = 100
"""Characters of a class's name."""
TEST_FRACTION = 0.2
"""Of each class's images, set aside for testing where the data has no test set."""


@dataclass(frozen=True, eq=False)
class Part:
    """Images as a file holds them.

    Attributes:
        images: uint8, (N, channels, height, width).
        labels: (N,), whole numbers or text.
        name: The file or folder, in messages.
    """

    images: ByteArray
    labels: NDArray[Any]
    name: str


@dataclass(frozen=True, eq=False)
class Sets:
    """The two parts of a data set; the attributes are those of `Dataset`."""

    train: ImageSet
    test: ImageSet
    classes: tuple[str, ...]
    n_validation: int = 0
    note: str = ""

    @property
    def fingerprints(self) -> tuple[str, str]:
        """Of the training set and of the test set."""
        return self.train.fingerprint, self.test.fingerprint


def assemble(
    train: Part,
    test: Part | None,
    validation: Part | None = None,
    names: Sequence[str] | None = None,
    notes: Sequence[str] = (),
    *,
    is_mnist: bool = False,
) -> Sets:
    """The data set of these parts.

    Labels become indices: the classes are the labels that occur, in order, so that those that start at 1 or leave
    numbers out are as good as any.

    Args:
        train: The training images.
        test: The test images; None to set some of the training images aside, by class.
        validation: Images for validation, if the data provides them.
        names: The classes' names, if labels are indices already.
        notes: What else was done to the data.
        is_mnist: Whether the files are called as MNIST's or Fashion-MNIST's: grey images of 28x28 pixels with labels 0
            to 9 then have ten classes even if a label doesn't occur, as in 0.1.0, whose runs can be resumed.

    Raises:
        DataError: The parts don't fit together, or the labels don't make classes.
    """
    parts = [part for part in (train, validation, test) if part is not None]
    for part in parts[1:]:
        _check_alike(train, part)
    classes, encoded = (
        (tuple(names), [_narrowed(part.labels, len(names)) for part in parts])
        if names
        else _classes(parts, is_mnist=is_mnist)
    )
    images, labels = train.images, encoded[0]
    if test is None:
        chosen = _aside(labels)
        if not len(chosen):
            what = f"{train.name} has no test set, and too few images to set some of a class aside"
            raise DataError(what, "add a test set, or at least a second image of a class")
        tested = ImageSet.of(images[chosen], labels[chosen])
        images, labels = np.delete(images, chosen, axis=0), np.delete(labels, chosen)
        fraction = f"{TEST_FRACTION:.0%}"
        aside = f"no test set: {fraction} of each class's images ({grouped(len(chosen))}) are set aside for testing"
        notes = (aside, *notes)
    else:
        tested = ImageSet.of(test.images, encoded[-1])
    if validation is not None:
        images, labels = np.concatenate([images, validation.images]), np.concatenate([labels, encoded[1]])
    n_validation = 0 if validation is None else len(validation.labels)
    return Sets(ImageSet.of(images, labels), tested, classes, n_validation, "; ".join(notes))


def _check_alike(train: Part, part: Part) -> None:
    one, other = train.images.shape[1:], part.images.shape[1:]
    if one != other:
        sizes = " but ".join(
            f"{name} has images of {shape_text(shape)}" for name, shape in ((train.name, one), (part.name, other))
        )
        raise DataError(sizes, "all images must have the same size and colours")


def shape_text(shape: tuple[int, ...]) -> str:
    """The size of images (channels, height, width) in words: "28x28", "32x32 RGB"."""
    channels, height, width = shape
    return f"{width}x{height}" + {1: "", 3: " RGB"}.get(channels, f" with {channels} channels")


def _classes(parts: Sequence[Part], *, is_mnist: bool) -> tuple[tuple[str, ...], list[LabelArray]]:
    """Names of the classes, and the labels of each part as their indices."""
    for part in parts:
        if part.labels.dtype.kind == "i" and (wrong := np.flatnonzero(part.labels < 0)).size:
            where = f"{part.name} has label {part.labels[wrong[0]]} at image {wrong[0]}"
            raise DataError(where, "remove images without a class, and number the classes from 0")
    present = [np.unique(part.labels) for part in parts]
    values = np.unique(np.concatenate(present))
    is_text = values.dtype.kind == "U"
    if is_mnist and parts[0].images.shape[1:] == MNIST_SHAPE and values[-1] < CLASS_COUNT:
        values = np.arange(CLASS_COUNT)
    if len(values) > MAX_CLASSES:
        labels = f"{parts[0].name} has {grouped(len(values))} different labels"
        raise DataError(labels, f"at most {grouped(MAX_CLASSES)} classes are supported: give one label per class")
    if len(values) < 2:
        raise DataError(f"{parts[0].name} has images of one class only", "at least 2 classes are needed")
    names = class_names(values.tolist()) if is_text else tuple(f"class {value}" for value in values.tolist())
    return names, [_narrowed(np.searchsorted(values, part.labels), len(values)) for part in parts]


def plain_name(label: str) -> str:
    """A label on one line, without what is in the middle of a very long one; "" if nothing of it can be shown."""
    name, half = safe(label).strip(), LONGEST_NAME // 2
    return name if len(name) <= LONGEST_NAME else f"{name[:half]}…{name[1 - half :]}"


def class_names(labels: Sequence[str]) -> tuple[str, ...]:
    """Labels as names to show: each on one line and not too long, none blank, and no two the same."""
    names: dict[str, None] = {}
    for index, label in enumerate(labels):
        plain = plain_name(label) or f"class {index}"
        spellings = (f"{plain} ({number})" for number in itertools.count(2))
        names[next(name for name in itertools.chain([plain], spellings) if name not in names)] = None
    return tuple(names)


def _narrowed(labels: NDArray[Any], classes: int) -> LabelArray:
    return labels.astype(np.uint8 if classes <= 256 else np.uint16)


def _aside(labels: LabelArray) -> IntArray:
    """Sorted indices of the images that are set aside for testing: always the same, and as many of each class."""
    order = np.random.Generator(np.random.Philox(key=SPLIT_KEY)).permutation(len(labels))
    chosen = []
    for label in np.unique(labels):
        own = order[labels[order] == label]
        chosen.append(own[: max(1, round(TEST_FRACTION * len(own))) if len(own) > 1 else 0])
    return np.sort(np.concatenate(chosen)).astype(np.int64)
