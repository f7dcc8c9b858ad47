"""Calibration: the bins of a reliability diagram, and the expected calibration error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fmnist_tui.runs.predictions import Predictions
from fmnist_tui.training.metrics import ECE_BINS, confidence_bins


@dataclass(frozen=True)
class Bin:
    """The images whose confidence lies above `low` and up to `high`.

    Attributes:
        low: 0 to 14/15.
        high: 1/15 to 1.
        count: The number of images.
        confidence: Their mean confidence, 0 to 1; None for an empty bin.
        accuracy: The fraction that is correct; None for an empty bin.
    """

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None

    @property
    def gap(self) -> float:
        """Accuracy less confidence: negative if the model is overconfident; 0 for an empty bin."""
        return 0.0 if self.confidence is None or self.accuracy is None else self.accuracy - self.confidence


def reliability(predictions: Predictions) -> tuple[Bin, ...]:
    """The 15 bins that `training.metrics` computes the expected calibration error from, lowest confidence first."""
    confidence = predictions.confidence
    indices = confidence_bins(confidence)
    counts = np.bincount(indices, minlength=ECE_BINS).tolist()
    confidences = np.bincount(indices, weights=confidence, minlength=ECE_BINS).tolist()
    correct = np.bincount(indices, weights=predictions.correct, minlength=ECE_BINS).tolist()
    return tuple(
        Bin(
            index / ECE_BINS,
            (index + 1) / ECE_BINS,
            count,
            confidences[index] / count if count else None,
            correct[index] / count if count else None,
        )
        for index, count in enumerate(counts)
    )


def calibration_error(bins: Sequence[Bin]) -> float:
    """The expected calibration error: the mean absolute gap of the bins, weighted by their images; 0 to 1.

    Guo et al., On Calibration of Modern Neural Networks, 2017, equation 3.
    """
    return sum(one.count * abs(one.gap) for one in bins) / max(1, sum(one.count for one in bins))
