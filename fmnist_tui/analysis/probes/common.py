"""What all analyses share: progress, errors, verdicts, bounds of stored numbers, predictions in batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from fmnist_tui.data import DataError
from fmnist_tui.data.errors import CancelCheck, raise_if_cancelled
from fmnist_tui.errors import RunError
from fmnist_tui.training.config import ConfigError
from fmnist_tui.training.engine import EVALUATION_BATCH

if TYPE_CHECKING:
    from fmnist_tui.runs.scored_model import Predictor

Number = Annotated[float, Meta(gt=-1e300, lt=1e300)]
"""A finite number."""
Fraction = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=1)]

Report = Callable[[float, str], None]
"""Takes the fraction done (0 to 1) and the current step in a few words; must not block."""


def quiet(fraction: float, step: str) -> None:
    """Ignore progress."""


class AnalysisError(Exception):
    """An analysis that isn't possible for a run; its message is one line with the reason and what to do."""


EXPECTED_ERRORS = (AnalysisError, RunError, DataError, ConfigError)
"""What `analyses.analyse` raises if an analysis isn't possible."""


class Verdict(StrEnum):
    """Whether measurements support a claim; the values are shown to users and written as JSON."""

    SUPPORTED = "supported"
    NOT_SUPPORTED = "not supported"
    INCONCLUSIVE = "inconclusive"
    NOT_MEASURED = "not measured yet"

    @classmethod
    def of(cls, supported: bool) -> Verdict:  # noqa: FBT001
        """The verdict on something that was measured and leaves no doubt."""
        return cls.SUPPORTED if supported else cls.NOT_SUPPORTED

    @classmethod
    def of_difference(cls, difference: float, standard_error: float) -> Verdict:
        """Whether a difference is positive; inconclusive within two standard errors of 0."""
        return cls.INCONCLUSIVE if abs(difference) <= 2 * standard_error else cls.of(difference > 0)


@dataclass(frozen=True)
class Claim:
    """One of the original project's claims, checked against runs of one recipe.

    Attributes:
        title: A short name.
        statement: What the original project claims.
        verdict: Whether the measurements support it.
        measured: The measurements, or why the claim can't be decided; "" if not measured yet.
        method: How it was measured, and the threshold of the verdict.
        missing: Commands that measure what is missing.
    """

    title: str
    statement: str
    verdict: Verdict
    measured: str
    method: str
    missing: tuple[str, ...] = ()


def standard_error(accuracies: Iterable[tuple[float, int | None]]) -> float:
    """The standard error (Wald) of a sum or difference of independent accuracies.

    Args:
        accuracies: Pairs of an accuracy (0 to 1) and its number of images; one without a number adds nothing.
    """
    return math.sqrt(sum(accuracy * (1 - accuracy) / images for accuracy, images in accuracies if images))


def predict(
    model: Predictor, images: NDArray[np.uint8], labels: NDArray[Any], report: Callable[[int], None], stop: CancelCheck
) -> NDArray[np.float32]:
    """The model's probabilities (n, classes) for images (n, channels, height, width), n at least 1.

    The batches are the trainer's, so that sums round in the same way.

    Args:
        model: The model.
        images: The images.
        labels: Their labels, (n,), each of which must have a probability.
        report: Called before each batch with the number of images done.
        stop: Called before each batch; True cancels.

    Raises:
        Cancelled: If `stop` returned True.
        AnalysisError: If the rows aren't probabilities that sum to 1, for instance because of exploded weights.
    """
    batches = []
    for first in range(0, len(images), EVALUATION_BATCH):
        raise_if_cancelled(stop)
        report(first)
        batches.append(model.predict(images[first : first + EVALUATION_BATCH]))
    probabilities = np.concatenate(batches)
    is_table = probabilities.ndim == 2 and len(probabilities) == len(images) and probabilities.shape[1] > labels.max()
    if not is_table or not np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-3):
        raise AnalysisError("the model's output is not a probability for each class, which sum to 1; retrain it")
    return probabilities
