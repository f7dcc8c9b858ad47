"""Regularisation: the scored weights on the images they were trained on and on those held out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis.probes.common import Claim, Count, Fraction, Number, Report, Verdict, predict, quiet
from fmnist_tui.data import ImageSet
from fmnist_tui.data.errors import CancelCheck, never
from fmnist_tui.text import grouped, percent
from fmnist_tui.training.metrics import accuracy, nll_of_each

if TYPE_CHECKING:
    from fmnist_tui.runs.scored_model import Predictor

Indices = NDArray[np.int64]


class Fit(msgspec.Struct, frozen=True):
    """The scored weights on unmodified images, without dropout and augmentation.

    Attributes:
        train_images: The number of images trained on.
        validation_images: The number of images held out for validation.
        train_nll: Mean negative log-likelihood of the training images, in nats.
        validation_nll: The same of the validation images.
        train_accuracy: 0 to 1.
        validation_accuracy: 0 to 1.
        nll_gap_error: The standard error of `nll_gap` over these images.
    """

    train_images: Count
    validation_images: Count
    train_nll: Number
    validation_nll: Number
    train_accuracy: Fraction
    validation_accuracy: Fraction
    nll_gap_error: Number

    @property
    def nll_gap(self) -> float:
        """Validation NLL minus training NLL, in nats."""
        return self.validation_nll - self.train_nll

    @property
    def accuracy_gap(self) -> float:
        """Training accuracy minus validation accuracy."""
        return self.train_accuracy - self.validation_accuracy

    def lines(self) -> list[str]:
        """Two lines for the terminal."""
        return [
            f"{grouped(self.train_images)} training images: "
            f"NLL {self.train_nll:.4f}, accuracy {percent(self.train_accuracy)}",
            f"{grouped(self.validation_images)} validation images: "
            f"NLL {self.validation_nll:.4f}, accuracy {percent(self.validation_accuracy)}",
        ]


def measure_fit(
    model: Predictor,
    images: ImageSet,
    training: Indices,
    validation: Indices,
    report: Report = quiet,
    stop: CancelCheck = never,
) -> Fit:
    """The model's NLL and accuracy on two parts of `images`, each given by its indices.

    Raises:
        Cancelled: If `stop` returned True.
        AnalysisError: If the model's output isn't probabilities.
    """
    count, before = len(training) + len(validation), len(validation)
    held_out = _score(model, images, validation, lambda done: report(done / count, "validation images"), stop)
    trained = _score(model, images, training, lambda done: report((before + done) / count, "training images"), stop)
    error = math.hypot(trained[2], held_out[2])
    return Fit(len(training), len(validation), trained[0], held_out[0], trained[1], held_out[1], error)


def _score(
    model: Predictor, images: ImageSet, indices: Indices, report: Callable[[int], None], stop: CancelCheck
) -> tuple[float, float, float]:
    """Negative log-likelihood, accuracy, and the standard error of the former."""
    labels = images.labels[indices]
    probabilities = predict(model, images.images[indices], labels, report, stop)
    each = nll_of_each(probabilities, labels)
    return float(each.mean()), accuracy(probabilities, labels), float(each.std() / math.sqrt(len(each)))


def regularisation_claim(before: tuple[str, Fit | None], after: tuple[str, Fit | None]) -> Claim:
    """Whether dropout reduces overfitting, from a model without it and the same model with it, by name."""
    verdict, measured = Verdict.NOT_MEASURED, ""
    if before[1] and after[1]:
        error = math.hypot(before[1].nll_gap_error, after[1].nll_gap_error)
        verdict = Verdict.of_difference(before[1].nll_gap - after[1].nll_gap, error)
        measured = "; ".join(
            f"{name} NLL gap {fit.nll_gap:+.4f} (training {fit.train_nll:.4f}, validation {fit.validation_nll:.4f}), "
            f"accuracy gap {100 * fit.accuracy_gap:+.2f} points"
            for name, fit in ((before[0], before[1]), (after[0], after[1]))
        )
    return Claim(
        "Regularisation",
        "dropout prevents overfitting",
        verdict,
        measured,
        "The generalisation gap of the scored weights: validation NLL minus training NLL, over all images of both, "
        "unmodified and without dropout. "
        f"Supported if {after[0]}'s gap is smaller than {before[0]}'s by over two standard errors over these images; "
        "inconclusive within them",
    )
