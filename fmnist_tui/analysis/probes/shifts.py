"""Translation: how accurate a model stays when each image moves by a few pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis.probes.predicting import predicted
from fmnist_tui.analysis.probes.telling import Report, quiet
from fmnist_tui.analysis.values import are_shares
from fmnist_tui.data.progress import Stop, never
from fmnist_tui.text import counted
from fmnist_tui.training.metrics import accuracy

if TYPE_CHECKING:
    from fmnist_tui.training.predictor import Predictor

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
    model: Predictor, images: Images, labels: NDArray[np.uint8], report: Report = quiet, stop: Stop = never
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
    stop: Stop,
) -> float:
    """The share of right answers; `place` is this round's number and that of all rounds."""

    def tell(done: int) -> None:
        report((place[0] + done / len(images)) / place[1], words)

    return accuracy(predicted(model, images, tell, stop), labels)
