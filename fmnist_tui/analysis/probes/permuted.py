"""Spatial awareness: what a network loses if the pixels of all images are permuted in the same way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis.probes.common import (
    AnalysisError,
    Claim,
    Count,
    Fraction,
    Report,
    Verdict,
    quiet,
    standard_error,
)
from fmnist_tui.data import Dataset, ImageSet
from fmnist_tui.data.errors import CancelCheck, never, raise_if_cancelled
from fmnist_tui.text import counted, percent
from fmnist_tui.training import events
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.events import Command
from fmnist_tui.training.store import MemoryStore
from fmnist_tui.training.task import Task, choose, make_engine, make_task
from fmnist_tui.training.trainer import train

VERSIONS = ("v0", "v1")
"""The models that the claim compares: the dense network, and the first CNN."""
EPOCHS = 5
LIMIT = 10_000
_KEY = 20170826
"""The key of the permutation, which is the same for all models."""


class Permuted(msgspec.Struct, frozen=True):
    """Accuracies (0 to 1) of two trainings that differ only in the order of the pixels.

    Attributes:
        epochs: Of each training.
        limit: The number of training images used, a tenth of them for validation.
        test_images: The number of test images, scored once at the end of each training.
        seed: Of both trainings.
        plain_validation: With the pixels in place.
        plain_test: The same on the test images.
        permuted_validation: With the pixels permuted, in the same way for all images.
        permuted_test: The same on the test images.
    """

    epochs: Count
    limit: Count
    test_images: Count
    seed: int
    plain_validation: Fraction
    plain_test: Fraction
    permuted_validation: Fraction
    permuted_test: Fraction

    @property
    def loss(self) -> float:
        """The test accuracy lost to the permutation."""
        return self.plain_test - self.permuted_test

    def is_comparable_with(self, other: Permuted) -> bool:
        """Whether both had the same number of epochs, training images and test images."""
        return (self.epochs, self.limit, self.test_images) == (other.epochs, other.limit, other.test_images)

    def lines(self) -> list[str]:
        """Three lines for the terminal."""
        return [
            f"{counted(self.epochs, 'epoch')} on {counted(self.limit, 'image')} without augmentation, seed {self.seed}",
            f"pixels in place   test {percent(self.plain_test)}, validation {percent(self.plain_validation)}",
            f"pixels permuted   test {percent(self.permuted_test)}, validation {percent(self.permuted_validation)}",
        ]


def permutation(pixels: int) -> NDArray[np.int64]:
    """The index that each of `pixels` pixels is taken from; always the same permutation."""
    return np.random.Generator(np.random.Philox(key=_KEY)).permutation(pixels).astype(np.int64)


def permuted(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The images (n, channels, height, width), all with their pixels in the same other order, in each channel."""
    flat = images.reshape(*images.shape[:-2], -1)
    return flat[..., permutation(flat.shape[-1])].reshape(images.shape)


def budgeted(config: TrainingConfig, epochs: int = EPOCHS, limit: int = LIMIT) -> TrainingConfig:
    """The configuration of both trainings: the run's, but shorter, on fewer images and without augmentation.

    Augmentation shifts images by a pixel, which only makes sense if neighbouring pixels are adjacent.
    """
    settings = replace(config.hyperparameters.without_augmentation(), epochs=epochs)
    return replace(config, hyperparameters=settings, modified=True, limit=limit, subset="auto", score_test=True)


def measure_permuted(
    config: TrainingConfig, dataset: Dataset, report: Report = quiet, stop: CancelCheck = never
) -> Permuted:
    """Train twice, in memory, with the trainer and the engine of ordinary runs.

    Args:
        config: From `budgeted`, with device and threads resolved.
        dataset: The unmodified images.
        report: Called for every log interval.
        stop: Called at least as often; True cancels.

    Raises:
        Cancelled: If `stop` returned True.
        AnalysisError: If a training diverged.
    """
    learnable = len(dataset.train) - dataset.n_validation
    count = min(config.limit or learnable, learnable)
    chosen = np.arange(count)
    if count < learnable:
        chosen, _ = choose(dataset.train.labels[:learnable], count, config.subset)
    train = ImageSet.of(dataset.train.images[chosen], dataset.train.labels[chosen])
    plain = replace(dataset, train=train, n_validation=0)
    first = _train_once(config, plain, (0.0, "pixels in place"), report, stop)
    second = _train_once(config, _permute_all(plain), (0.5, "pixels permuted"), report, stop)
    return Permuted(config.hyperparameters.epochs, count, len(dataset.test), config.seed, *first, *second)


def _permute_all(dataset: Dataset) -> Dataset:
    train, test = (ImageSet.of(permuted(part.images), part.labels) for part in (dataset.train, dataset.test))
    return replace(dataset, train=train, test=test)


def _train_once(
    config: TrainingConfig, dataset: Dataset, start: tuple[float, str], report: Report, stop: CancelCheck
) -> tuple[float, float]:
    """Validation accuracy after the last epoch, and test accuracy."""
    task = make_task(config, dataset)
    fraction, what = start
    report(fraction, f"{what}: starting")
    memory = MemoryStore()
    validation = 0.0
    for event in _events(task, memory, stop):
        match event:
            case events.StepMetrics():
                step = f"{what}: epoch {event.epoch} of {config.hyperparameters.epochs}"
                report(fraction + 0.5 * event.step / task.total_steps, step)
            case events.Epoch():
                validation = event.validation_accuracy
            case events.RunFinished() if event.reason == "diverged":
                raise AnalysisError(f"the training with {what} diverged ({event.message})")
    raise_if_cancelled(stop)
    if memory.outcome is None or memory.outcome.scores is None:
        raise AnalysisError(f"the training with {what} was not scored")
    return validation, memory.outcome.scores.accuracy


def _events(task: Task, memory: MemoryStore, stop: CancelCheck) -> Iterator[events.Event]:
    def control() -> Command | None:
        return Command.STOP_NOW if stop() else None

    return train(make_engine(task), task, control, memory)


def spatial_claim(dense: Permuted | None, cnn: Permuted | None) -> Claim:
    """Whether the CNN (of `VERSIONS`) loses more to the permutation than the dense network."""
    names = VERSIONS
    verdict, measured = Verdict.NOT_MEASURED, ""
    if dense and cnn:
        verdict = _verdict(dense, cnn)
        measured = "; ".join(
            f"{name} {percent(one.plain_test)}, permuted {percent(one.permuted_test)} "
            f"({0.0 - 100 * one.loss:+.2f} points)"
            for name, one in zip(names, (dense, cnn), strict=True)
        )
        budgets = dict.fromkeys(
            f"{counted(one.epochs, 'epoch')} on {counted(one.limit, 'image')}" for one in (dense, cnn)
        )
        measured += f"; {' and '.join(budgets)}"
        if not dense.is_comparable_with(cnn):
            verdict = Verdict.INCONCLUSIVE
            measured += f"; {names[0]} and {names[1]} were trained or scored on different numbers of epochs or images"
    return Claim(
        "Spatial awareness",
        "a CNN uses which pixels are neighbours, a dense network doesn't",
        verdict,
        measured,
        f"{names[0]} and {names[1]} are each retrained twice, in memory, for the same number of epochs on the same "
        "images, without augmentation: once with all pixels in place, once with the pixels of all images permuted in "
        "the same random order. The test set is scored once, at the end of each training. "
        f"Supported if {names[1]} loses more accuracy than {names[0]} by over two standard errors over the test "
        "images; inconclusive within them",
    )


def _verdict(dense: Permuted, cnn: Permuted) -> Verdict:
    """The four accuracies are taken as independent.

    They are of the same images and positively correlated, so the standard error is rather too large.
    """
    accuracies = [(value, one.test_images) for one in (dense, cnn) for value in (one.plain_test, one.permuted_test)]
    return Verdict.of_difference(cnn.loss - dense.loss, standard_error(accuracies))
