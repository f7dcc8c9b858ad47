"""Metrics that are comparable between all models, from normalised probabilities (n, classes) and labels (n,)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]

ECE_BINS = 15
_FLOOR = np.finfo(np.float32).tiny


@dataclass(frozen=True)
class Scores:
    """Accuracy (0 to 1), negative log-likelihood (nats), Brier score (0 to 2), expected calibration error (0 to 1)."""

    accuracy: float
    nll: float
    brier: float
    ece: float


def score(probabilities: Probabilities, labels: Labels) -> Scores:
    """All four metrics."""
    return Scores(
        accuracy(probabilities, labels),
        negative_log_likelihood(probabilities, labels),
        brier_score(probabilities, labels),
        expected_calibration_error(probabilities, labels),
    )


def accuracy(probabilities: Probabilities, labels: Labels) -> float:
    """The fraction of images whose most probable class is the label."""
    return float(np.mean(probabilities.argmax(axis=1) == labels))


def negative_log_likelihood(probabilities: Probabilities, labels: Labels) -> float:
    """Mean of -ln p(label)."""
    return float(nll_of_each(probabilities, labels).mean()) + 0.0  # + 0.0 turns -0.0 into 0.0


def nll_of_each(probabilities: Probabilities, labels: Labels) -> NDArray[np.float64]:
    """-ln p(label) of each image, (n,); a probability of zero counts as the smallest normal float32."""
    of_label = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    each: NDArray[np.float64] = -np.log(np.maximum(of_label, _FLOOR))
    return each


def brier_score(probabilities: Probabilities, labels: Labels) -> float:
    """Mean over the images of the sum over the classes of (p - [class is the label])^2 (Brier, 1950)."""
    errors = probabilities.astype(np.float64)
    errors[np.arange(len(labels)), labels] -= 1.0
    return float(np.square(errors).sum(axis=1).mean())


def expected_calibration_error(probabilities: Probabilities, labels: Labels) -> float:
    """Mean gap between confidence and accuracy over 15 equal bins of confidence, weighted by their images.

    Guo et al., On Calibration of Modern Neural Networks, 2017, equation 3; the bins are half-open to the left.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == labels
    gaps = np.bincount(confidence_bins(confidence), weights=confidence - correct, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(labels))


def confidence_bins(confidence: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bin, 0 to 14, of each confidence (n,), 0 to 1; an edge belongs to the bin below it."""
    bins: NDArray[np.int64] = np.clip(np.ceil(confidence * ECE_BINS).astype(np.int64) - 1, 0, ECE_BINS - 1)
    return bins
