"""Whether a model is as often right as it believes: the bins of a reliability diagram."""

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
        low: 0 to 14 fifteenths.
        high: 1 to 15 fifteenths.
        count: Images.
        confidence: Their mean, 0 to 1; None where there is no image.
        accuracy: The share that is right; None where there is no image.
    """

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None

    @property
    def gap(self) -> float:
        """Accuracy less confidence, negative where the model believes too much; 0 where there is no image."""
        return 0.0 if self.confidence is None or self.accuracy is None else self.accuracy - self.confidence


def reliability(predictions: Predictions) -> tuple[Bin, ...]:
    """The 15 bins over which `training.metrics` takes the expected calibration error, from low to high."""
    confidence = predictions.confidence
    places = confidence_bins(confidence)
    counts = np.bincount(places, minlength=ECE_BINS).tolist()
    confident = np.bincount(places, weights=confidence, minlength=ECE_BINS).tolist()
    right = np.bincount(places, weights=predictions.correct, minlength=ECE_BINS).tolist()
    return tuple(
        Bin(
            place / ECE_BINS,
            (place + 1) / ECE_BINS,
            count,
            confident[place] / count if count else None,
            right[place] / count if count else None,
        )
        for place, count in enumerate(counts)
    )


def calibration_error(bins: Sequence[Bin]) -> float:
    """The expected calibration error of the bins: the mean of their gaps, weighted by their images; 0 to 1.

    Guo et al., On Calibration of Modern Neural Networks, 2017, equation 3.
    """
    return sum(one.count * abs(one.gap) for one in bins) / max(1, sum(one.count for one in bins))
