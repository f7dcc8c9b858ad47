"""Measures taken from a run's log and size: convergence, efficiency, and the gap to validation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fmnist_tui.analysis.probes.errors import AnalysisError
from fmnist_tui.models.catalogue import find_version
from fmnist_tui.runs.curve import Curve
from fmnist_tui.runs.fold import Snapshot
from fmnist_tui.training.events import Epoch

EARLY = 500
"""Steps in which the origin's curve is said to converge."""
MEAN_STEPS = 50
"""Steps that a loss of the curve is averaged over: those of one window jump."""


@dataclass(frozen=True)
class Convergence:
    """Losses are in the version's own terms, but for `last_nll`, which all versions share.

    Attributes:
        steps: Of the curve.
        first_loss: Training loss of the first window.
        early_loss: Training loss about step 500; None where the curve doesn't tell.
        end_loss: Training loss of the last 50 steps.
        epochs: How many were trained.
        below: In how many of them the validation loss was below the training loss.
        lowest_validation: The lowest validation loss.
        lowest_epoch: Of which epoch that was, the first of equals.
        last_validation: The last epoch's validation loss.
        last_nll: Its negative log-likelihood, in nats.
    """

    steps: int
    first_loss: float
    early_loss: float | None
    end_loss: float
    epochs: int
    below: int
    lowest_validation: float
    lowest_epoch: int
    last_validation: float
    last_nll: float

    @property
    def early_share(self) -> float | None:
        """Which share of the fall from first to end was over by step 500; None where that can't be told."""
        fall = self.first_loss - self.end_loss
        return None if self.early_loss is None or fall <= 0 else (self.first_loss - self.early_loss) / fall

    @property
    def rise(self) -> float:
        """How far the validation loss ends above its minimum, as a share of it."""
        return (self.last_validation - self.lowest_validation) / abs(self.lowest_validation or 1.0)


def measure_convergence(snapshot: Snapshot) -> Convergence:
    """Of a run that has ended.

    Raises:
        AnalysisError: Its log holds no window or no epoch, or a loss is not finite.
    """
    curve, epochs = snapshot.curve, snapshot.epochs
    if not len(curve) or not epochs:
        raise AnalysisError("its log holds no epoch")
    found = _measured(curve, epochs)
    losses = (found.first_loss, found.end_loss, found.early_loss or 0.0, found.last_validation, found.last_nll)
    if not all(map(math.isfinite, (*losses, *(epoch.validation_loss for epoch in epochs)))):
        raise AnalysisError("a loss of its curve is not finite")
    return found


def _measured(curve: Curve, epochs: tuple[Epoch, ...]) -> Convergence:
    lowest = min(epochs, key=lambda epoch: epoch.validation_loss)
    last = int(curve.step[-1])
    return Convergence(
        steps=last,
        first_loss=float(curve.loss[0]),
        early_loss=_early_loss(curve),
        end_loss=_mean(curve, last),
        epochs=len(epochs),
        below=sum(epoch.validation_loss < epoch.train_loss for epoch in epochs),
        lowest_validation=lowest.validation_loss,
        lowest_epoch=lowest.epoch,
        last_validation=epochs[-1].validation_loss,
        last_nll=epochs[-1].validation_nll,
    )


def _early_loss(curve: Curve) -> float | None:
    """None where the run was not longer than the first steps, or its windows are too long to show them."""
    begun_early = curve.step[0] <= MEAN_STEPS
    near = (curve.step > EARLY - MEAN_STEPS) & (curve.step <= EARLY)
    return _mean(curve, EARLY) if begun_early and near.any() and curve.step[-1] > EARLY else None


def _mean(curve: Curve, until: int) -> float:
    """Over the windows that end in the last steps up to this one; over the last window at least."""
    near = (curve.step > until - MEAN_STEPS) & (curve.step <= until)
    return float(np.mean(curve.loss[near]))


@dataclass(frozen=True)
class Efficiency:
    """Accuracy, and its cost.

    Attributes:
        accuracy: On the test images, 0 to 1.
        parameters: Trained parameters.
        multiply_adds: Of one image's forward pass.
    """

    accuracy: float
    parameters: int
    multiply_adds: int

    def __post_init__(self) -> None:
        if self.parameters < 1 or self.multiply_adds < 1:
            raise ValueError("a network has parameters and multiply-adds")

    @property
    def points_per_million_parameters(self) -> float:
        """Accuracy in percentage points for each million parameters."""
        return 1e8 * self.accuracy / self.parameters

    @property
    def points_per_million_multiply_adds(self) -> float:
        """Accuracy in percentage points for each million multiply-adds."""
        return 1e8 * self.accuracy / self.multiply_adds


def measure_efficiency(name: str, accuracy: float) -> Efficiency:
    """Of the version called `name` ("v0" to "v3") and its test accuracy (0 to 1).

    Raises:
        AnalysisError: This program doesn't know the version.
    """
    known = find_version(name)
    if known is None:
        raise AnalysisError(f"{name} is no version that this program knows")
    return Efficiency(accuracy, known.parameters, known.multiply_adds)


@dataclass(frozen=True)
class Gaps:
    """One value an epoch; losses in the version's own terms, accuracies 0 to 1.

    The training figures are means over the epoch as it ran: with weights that changed, dropout and augmentation.
    """

    train_loss: tuple[float, ...]
    validation_loss: tuple[float, ...]
    train_accuracy: tuple[float, ...]
    validation_accuracy: tuple[float, ...]

    def __post_init__(self) -> None:
        columns = (self.train_loss, self.validation_loss, self.train_accuracy, self.validation_accuracy)
        if not self.train_loss or len(set(map(len, columns))) > 1:
            raise ValueError("an epoch lacks a figure")

    @property
    def loss(self) -> tuple[float, ...]:
        """Validation loss less training loss: what the model is worse by where it hasn't learned."""
        return tuple(there - here for here, there in zip(self.train_loss, self.validation_loss, strict=True))

    @property
    def accuracy(self) -> tuple[float, ...]:
        """Training accuracy less validation accuracy."""
        return tuple(here - there for here, there in zip(self.train_accuracy, self.validation_accuracy, strict=True))


def measure_gaps(epochs: Sequence[Epoch]) -> Gaps:
    """Of a run's epochs.

    Raises:
        AnalysisError: There is none, or a figure is not finite.
    """
    if not epochs:
        raise AnalysisError("its log holds no epoch")
    columns = [
        tuple(getattr(epoch, name) for epoch in epochs)
        for name in ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy")
    ]
    if not all(math.isfinite(value) for column in columns for value in column):
        raise AnalysisError("a loss of its epochs is not finite")
    return Gaps(*columns)
