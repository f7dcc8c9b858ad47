"""How the training loop saves checkpoints and results, without knowing the run directory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.training.checkpoint import Checkpoint
from fmnist_tui.training.engine import Tensors
from fmnist_tui.training.events import Alert, CheckpointSaved, Reason
from fmnist_tui.training.metrics import Scores
from fmnist_tui.training.snapshots import EpochSnapshot, SnapshotPlan


class DiskFull(Exception):
    """The disk is full; the text says where. Saving can be retried once space has been freed."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a run.

    Attributes:
        reason: Why it ended.
        epochs: Completed epochs.
        steps: Steps taken.
        seconds: Seconds of training and validation.
        weights: The final weights; None if the run diverged.
        probabilities: Predictions for the test images, (n, classes) float32; None if they were not scored.
        labels: Labels of the test images, (n,), unsigned integers; None if they were not scored.
        scores: Test metrics; None if the test images were not scored.
        early_stopped: Whether it was completed before its last epoch.
    """

    reason: Reason
    epochs: int
    steps: int
    seconds: float
    weights: Tensors | None = None
    probabilities: NDArray[np.float32] | None = None
    labels: NDArray[Any] | None = None
    scores: Scores | None = None
    early_stopped: bool = False


class ArtifactStore(Protocol):
    """Saves checkpoints, snapshots and the outcome. The first two may be written in the background."""

    @property
    def busy(self) -> bool:
        """Whether a checkpoint is being written."""

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Start writing a checkpoint; wait for the previous one first."""

    def save_snapshot(self, snapshot: EpochSnapshot, plan: SnapshotPlan) -> None:
        """Keep a snapshot, which is written with the next checkpoint or the outcome."""

    def news(self) -> list[CheckpointSaved | Alert]:
        """Events about what was written, or not written, since the last call."""

    def wait(self) -> None:
        """Wait until nothing is being written."""

    def save_outcome(self, outcome: Outcome) -> None:
        """Save the weights, the predictions and the result, each atomically.

        Raises:
            DiskFull: The disk is full.
        """


class MemoryStore:
    """A store that keeps only the outcome, in memory: a training that is cancelled has to start over."""

    busy = False

    def __init__(self) -> None:
        self.outcome: Outcome | None = None

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Checkpoints are dropped."""

    def save_snapshot(self, snapshot: EpochSnapshot, plan: SnapshotPlan) -> None:
        """Snapshots are dropped."""

    def news(self) -> list[CheckpointSaved | Alert]:
        """Nothing was written, so there is nothing to report."""
        return []

    def wait(self) -> None:
        """Nothing is being written."""

    def save_outcome(self, outcome: Outcome) -> None:
        """Keep the outcome."""
        self.outcome = outcome
