"""Regularisation: how far training and validation lie apart, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fmnist_tui.analysis.probes.telling import AnalysisError
from fmnist_tui.training.events import Epoch


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
