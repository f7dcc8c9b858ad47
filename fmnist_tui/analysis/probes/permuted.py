"""Spatial awareness: what a network loses when all pixels of all images are permuted the same way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis.probes.errors import AnalysisError, Report, quiet
from fmnist_tui.analysis.values import are_shares
from fmnist_tui.data import Dataset, ImageSet
from fmnist_tui.data.errors import CancelCheck, never, raise_if_cancelled
from fmnist_tui.training import events
from fmnist_tui.training.checkpoint import Checkpoint
from fmnist_tui.training.commands import Command
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.events import Alert, CheckpointSaved
from fmnist_tui.training.store import Outcome
from fmnist_tui.training.task import Task, choose, make_engine, make_task
from fmnist_tui.training.trainer import train

VERSIONS = ("v0", "v1")
"""Those that the claim sets against each other: the dense network, and the first with convolutions."""
EPOCHS = 5
LIMIT = 10_000
_KEY = 20170826
"""Of the permutation, which is the same for all."""


@dataclass(frozen=True)
class Permuted:
    """Accuracies (0 to 1) of two trainings that differ in the order of the pixels alone.

    Attributes:
        epochs: Of each training.
        limit: Training images that were taken, a tenth of them for validation.
        test_images: How many test images were scored, once, at each training's end.
        seed: Of both.
        plain_validation: With the pixels where they are.
        plain_test: Likewise, on the test images.
        permuted_validation: With the pixels permuted, in all images alike.
        permuted_test: Likewise, on the test images.
    """

    epochs: int
    limit: int
    test_images: int
    seed: int
    plain_validation: float
    plain_test: float
    permuted_validation: float
    permuted_test: float

    def __post_init__(self) -> None:
        shares = (self.plain_validation, self.plain_test, self.permuted_validation, self.permuted_test)
        if not are_shares(shares) or min(self.epochs, self.limit, self.test_images) < 1:
            raise ValueError("accuracies are 0 to 1, of one image at least")

    @property
    def lost(self) -> float:
        """Test accuracy that the permutation costs."""
        return self.plain_test - self.permuted_test

    def is_comparable_with(self, other: Permuted) -> bool:
        """Whether both were trained for as long, on as many images, and scored on as many."""
        return (self.epochs, self.limit, self.test_images) == (other.epochs, other.limit, other.test_images)


def permutation(pixels: int) -> NDArray[np.int64]:
    """Where each of so many pixels comes from; always the same."""
    return np.random.Generator(np.random.Philox(key=_KEY)).permutation(pixels).astype(np.int64)


def permuted(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The images (n, 28, 28), each with its pixels in the same other order."""
    flat = images.reshape(len(images), -1)
    return flat[:, permutation(flat.shape[1])].reshape(images.shape)


def budgeted(config: TrainingConfig, epochs: int = EPOCHS, limit: int = LIMIT) -> TrainingConfig:
    """What both trainings are trained with: the configuration, but shorter, on fewer images and without augmentation.

    Augmentation moves images by a pixel, which means something only where neighbours lie side by side.
    """
    settings = replace(config.hyperparameters, epochs=epochs, augment="none")
    return replace(config, hyperparameters=settings, modified=True, limit=limit, subset="auto", score_test=True)


def measure_permuted(
    config: TrainingConfig, dataset: Dataset, report: Report = quiet, stop: CancelCheck = never
) -> Permuted:
    """Trains twice, in memory, by the trainer and the engine that train every run.

    Args:
        config: From `budgeted`, its device and threads resolved.
        dataset: The images as they are.
        report: Told about every window.
        stop: Asked likewise.

    Raises:
        Cancelled: `stop` turned true.
        AnalysisError: A training diverged.
    """
    count = min(config.limit or len(dataset.train), len(dataset.train))
    chosen = np.arange(count)
    if count < len(dataset.train):
        chosen, _ = choose(dataset.train.labels, count, config.subset)
    plain = replace(dataset, train=ImageSet.of(dataset.train.images[chosen], dataset.train.labels[chosen]))
    first = _trained(config, plain, (0.0, "pixels in place"), report, stop)
    second = _trained(config, _permuted_set(plain), (0.5, "pixels permuted"), report, stop)
    return Permuted(config.hyperparameters.epochs, count, len(dataset.test), config.seed, *first, *second)


def _permuted_set(dataset: Dataset) -> Dataset:
    train, test = (ImageSet.of(permuted(part.images), part.labels) for part in (dataset.train, dataset.test))
    return replace(dataset, train=train, test=test)


def _trained(
    config: TrainingConfig, dataset: Dataset, begun: tuple[float, str], report: Report, stop: CancelCheck
) -> tuple[float, float]:
    """Validation accuracy after the last epoch, and test accuracy."""
    task = make_task(config, dataset)
    share, words = begun
    report(share, f"{words}: starting")
    memory = _Memory()
    validation = 0.0
    for event in _followed(task, memory, stop):
        match event:
            case events.Step():
                done = f"{words}: epoch {event.epoch} of {config.hyperparameters.epochs}"
                report(share + 0.5 * event.step / task.total_steps, done)
            case events.Epoch():
                validation = event.validation_accuracy
            case events.RunFinished() if event.reason == "diverged":
                raise AnalysisError(f"the training with {words} diverged ({event.message})")
    raise_if_cancelled(stop)
    if memory.outcome is None or memory.outcome.scores is None:
        raise AnalysisError(f"the training with {words} was not scored")
    return validation, memory.outcome.scores.accuracy


def _followed(task: Task, memory: _Memory, stop: CancelCheck) -> Iterator[events.Event]:
    def control() -> Command | None:
        return Command.STOP_NOW if stop() else None

    return train(make_engine(task), task, control, memory)


class _Memory:
    """A store that keeps the outcome alone: who leaves such a training has to start it again."""

    busy = False

    def __init__(self) -> None:
        self.outcome: Outcome | None = None

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Keeps nothing."""

    def news(self) -> list[CheckpointSaved | Alert]:
        """There is none."""
        return []

    def wait(self) -> None:
        """Nothing is being written."""

    def save_outcome(self, outcome: Outcome) -> None:
        """Keeps it."""
        self.outcome = outcome
