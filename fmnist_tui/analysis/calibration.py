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


FEW_IMAGES = 30
"""With fewer images, the standard error of a bin's accuracy is up to 0.09."""


def merged(bins: Sequence[Bin], least: int = FEW_IMAGES) -> tuple[Bin, ...]:
    """The bins with neighbours joined until each has at least `least` images, so that none shows mere chance.

    Joining begins at the highest confidence, where most images are; what is left at the lowest end joins the last one.
    Only if there are fewer images in all, the single bin has fewer. Empty bins at both ends are left out.
    """
    joined: list[list[Bin]] = []
    for one in reversed([one for one in bins if one.count]):
        if joined and sum(part.count for part in joined[-1]) < least:
            joined[-1].append(one)
        else:
            joined.append([one])
    if len(joined) > 1 and sum(part.count for part in joined[-1]) < least:
        rest = joined.pop()
        joined[-1] += rest
    return tuple(_join(parts) for parts in reversed(joined))


def _join(parts: Sequence[Bin]) -> Bin:
    count = sum(one.count for one in parts)
    confidence = sum(one.count * (one.confidence or 0.0) for one in parts) / count
    accuracy = sum(one.count * (one.accuracy or 0.0) for one in parts) / count
    return Bin(min(one.low for one in parts), max(one.high for one in parts), count, confidence, accuracy)


def calibration_error(bins: Sequence[Bin]) -> float:
    """The expected calibration error: the mean absolute gap of the bins, weighted by their images; 0 to 1.

    Guo et al., On Calibration of Modern Neural Networks, 2017, equation 3.
    """
    return sum(one.count * abs(one.gap) for one in bins) / max(1, sum(one.count for one in bins))
