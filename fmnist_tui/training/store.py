"""What the trainer is handed to keep things with; the run directory's side of it lies in the runs room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.training.checkpoint import Checkpoint
from fmnist_tui.training.engine import Tensors
from fmnist_tui.training.events import Alert, CheckpointSaved, Reason
from fmnist_tui.training.metrics import Scores


class DiskFull(Exception):
    """The disk is full; its text says where. What was to be kept can be kept once there is room again."""


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes:
        reason: Why.
        epochs: Whole epochs trained.
        steps: Steps taken.
        seconds: Seconds of training and validation.
        weights: The weights that were or would be scored; None where the training diverged.
        probabilities: Of the test images, (n, 10) float32; None where they were not scored.
        labels: Of the test images, (n,) uint8; None likewise.
        scores: Of the test images; None likewise.
    """

    reason: Reason
    epochs: int
    steps: int
    seconds: float
    weights: Tensors | None = None
    probabilities: NDArray[np.float32] | None = None
    labels: NDArray[np.uint8] | None = None
    scores: Scores | None = None


class Store(Protocol):
    """Keeps checkpoints and the outcome. Checkpoints may be written in the background."""

    @property
    def busy(self) -> bool:
        """Whether a checkpoint is being written."""

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Starts to write; waits for the one before."""

    def news(self) -> list[CheckpointSaved | Alert]:
        """What became of the checkpoints since the last call."""

    def wait(self) -> None:
        """Until nothing is being written."""

    def save_outcome(self, outcome: Outcome) -> None:
        """Keeps the weights, the predictions and the result, whole, before it returns.

        Raises:
            DiskFull: The disk is full.
        """
