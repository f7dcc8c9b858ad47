"""Measures taken with the scored model: its fit to training images, and its accuracy on shifted ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis.probes.errors import AnalysisError, Report, quiet
from fmnist_tui.analysis.values import are_shares
from fmnist_tui.data import ImageSet
from fmnist_tui.data.errors import CancelCheck, never, raise_if_cancelled
from fmnist_tui.text import counted
from fmnist_tui.training.engine import EVALUATION_BATCH
from fmnist_tui.training.metrics import accuracy, nll_of_each

if TYPE_CHECKING:
    from fmnist_tui.training.predictor import Predictor


BATCH = EVALUATION_BATCH
"""Images at once; as many as the trainer scores at once, so that sums round alike."""


def predicted(
    model: Predictor, images: NDArray[np.uint8], report: Callable[[int], None], stop: CancelCheck
) -> NDArray[np.float32]:
    """The model's probabilities (n, 10) of images (n, 28, 28), one at least.

    Args:
        model: The model.
        images: The images.
        report: Told before each batch how many images are done.
        stop: Asked before each batch whether to leave.

    Raises:
        Cancelled: `stop` turned true.
        AnalysisError: The model doesn't give ten probabilities an image, as weights don't that are far too large.
    """
    told = []
    for first in range(0, len(images), BATCH):
        raise_if_cancelled(stop)
        report(first)
        told.append(model.predict(images[first : first + BATCH]))
    probabilities = np.concatenate(told)
    if probabilities.shape != (len(images), 10) or not np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-3):
        raise AnalysisError("the model does not give ten probabilities an image that sum to 1; train the run anew")
    return probabilities


Indices = NDArray[np.int64]
_Done = Callable[[int], None]


@dataclass(frozen=True)
class Fit:
    """The weights that were scored, on images as they are: without dropout, without augmentation.

    Attributes:
        train_images: How many it learned from.
        validation_images: How many were set aside.
        train_nll: Mean negative log-likelihood of the former, in nats.
        validation_nll: Of the latter.
        train_accuracy: 0 to 1.
        validation_accuracy: 0 to 1.
        nll_gap_error: The standard error of `nll_gap` over these images.
    """

    train_images: int
    validation_images: int
    train_nll: float
    validation_nll: float
    train_accuracy: float
    validation_accuracy: float
    nll_gap_error: float

    def __post_init__(self) -> None:
        shares = (self.train_accuracy, self.validation_accuracy)
        if not are_shares(shares) or min(self.train_images, self.validation_images) < 1:
            raise ValueError("accuracies are 0 to 1, of one image at least")

    @property
    def nll_gap(self) -> float:
        """What validation is worse by."""
        return self.validation_nll - self.train_nll

    @property
    def accuracy_gap(self) -> float:
        """Likewise."""
        return self.train_accuracy - self.validation_accuracy


def measure_fit(
    model: Predictor,
    images: ImageSet,
    learned: Indices,
    set_aside: Indices,
    report: Report = quiet,
    stop: CancelCheck = never,
) -> Fit:
    """The model on those of `images` that it learned from and on those that were set aside, by their indices.

    Raises:
        Cancelled: `stop` turned true.
        AnalysisError: The model doesn't give ten probabilities an image.
    """
    count = len(learned) + len(set_aside)
    there = _scored(model, images, set_aside, lambda done: report(done / count, "validation images"), stop)
    before = len(set_aside)
    here = _scored(model, images, learned, lambda done: report((before + done) / count, "training images"), stop)
    error = math.hypot(here[2], there[2])
    return Fit(len(learned), len(set_aside), here[0], there[0], here[1], there[1], error)


def _scored(
    model: Predictor, images: ImageSet, indices: Indices, report: _Done, stop: CancelCheck
) -> tuple[float, float, float]:
    """Negative log-likelihood, accuracy, and the former's standard error."""
    probabilities, labels = predicted(model, images.images[indices], report, stop), images.labels[indices]
    each = nll_of_each(probabilities, labels)
    return float(each.mean()), accuracy(probabilities, labels), float(each.std() / math.sqrt(len(each)))


Images = NDArray[np.uint8]

LARGEST = 4
"""Pixels."""
DIRECTIONS = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}
"""How many rows and columns further a pixel lies after a shift by one."""


@dataclass(frozen=True)
class Shifts:
    """Accuracies (0 to 1) under shifts by 0, 1, 2, 3 and 4 pixels, one direction at a time.

    Attributes:
        images: How many images each is measured on.
        up: Shifted up; the first is without a shift, as in all directions.
        down: Shifted down.
        left: Shifted to the left.
        right: Shifted to the right.
    """

    images: int
    up: tuple[float, ...]
    down: tuple[float, ...]
    left: tuple[float, ...]
    right: tuple[float, ...]

    def __post_init__(self) -> None:
        if any(len(part) != LARGEST + 1 for part in self.directions) or self.images < 1:
            raise ValueError("accuracies of a shift are missing")
        if not all(map(are_shares, self.directions)):
            raise ValueError("accuracies are 0 to 1")

    @property
    def directions(self) -> tuple[tuple[float, ...], ...]:
        """The four of them."""
        return self.up, self.down, self.left, self.right

    @property
    def mean(self) -> tuple[float, ...]:
        """Over the directions, for each shift."""
        return tuple(sum(part) / len(part) for part in zip(*self.directions, strict=True))


def shifted(images: Images, direction: str, by: int) -> Images:
    """The images (n, 28, 28) moved by some pixels; what comes in is black, what goes out is lost."""
    rows, columns = (step * by for step in DIRECTIONS[direction])
    moved = np.zeros_like(images)
    height, width = images.shape[1:]
    moved[:, max(rows, 0) : height + min(rows, 0), max(columns, 0) : width + min(columns, 0)] = images[
        :, max(-rows, 0) : height + min(-rows, 0), max(-columns, 0) : width + min(-columns, 0)
    ]
    return moved


def measure_shifts(
    model: Predictor, images: Images, labels: NDArray[np.uint8], report: Report = quiet, stop: CancelCheck = never
) -> Shifts:
    """The model's accuracies on images (n, 28, 28) with labels (n,), each shift in each direction.

    Raises:
        Cancelled: `stop` turned true.
        AnalysisError: The model doesn't give ten probabilities an image.
    """
    rounds = 1 + LARGEST * len(DIRECTIONS)
    still = _accuracy(model, images, labels, (0, rounds), "as they are", report, stop)
    found = {name: [still] for name in DIRECTIONS}
    done = 0
    for by in range(1, LARGEST + 1):
        for name, accuracies in found.items():
            done += 1
            moved = shifted(images, name, by)
            words = f"{counted(by, 'pixel')} {name}"
            accuracies.append(_accuracy(model, moved, labels, (done, rounds), words, report, stop))
    return Shifts(len(images), **{name: tuple(accuracies) for name, accuracies in found.items()})


def _accuracy(
    model: Predictor,
    images: Images,
    labels: NDArray[np.uint8],
    place: tuple[int, int],
    words: str,
    report: Report,
    stop: CancelCheck,
) -> float:
    """The share of right answers; `place` is this round's number and that of all rounds."""

    def tell(done: int) -> None:
        report((place[0] + done / len(images)) / place[1], words)

    return accuracy(predicted(model, images, tell, stop), labels)
