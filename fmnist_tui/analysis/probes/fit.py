"""Regularisation: how much better the scored model knows the images that it learned from than those it never saw."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis.probes.predicting import predicted
from fmnist_tui.analysis.probes.telling import Report, quiet
from fmnist_tui.analysis.values import are_shares
from fmnist_tui.data import ImageSet
from fmnist_tui.data.progress import Stop, never
from fmnist_tui.training.metrics import accuracy, nll_of_each

if TYPE_CHECKING:
    from fmnist_tui.training.predictor import Predictor

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
    stop: Stop = never,
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
    model: Predictor, images: ImageSet, indices: Indices, report: _Done, stop: Stop
) -> tuple[float, float, float]:
    """Negative log-likelihood, accuracy, and the former's standard error."""
    probabilities, labels = predicted(model, images.images[indices], report, stop), images.labels[indices]
    each = nll_of_each(probabilities, labels)
    return float(each.mean()), accuracy(probabilities, labels), float(each.std() / math.sqrt(len(each)))
