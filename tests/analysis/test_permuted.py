from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fmnist_tui.analysis.probes.common import AnalysisError
from fmnist_tui.analysis.probes.permuted import Permuted, budgeted, measure_permuted, permutation, permuted
from fmnist_tui.data import FASHION_CLASSES, Cancelled, Dataset, ImageSet
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.recipes import configure


def bars(count: int, seed: int) -> ImageSet:
    """A bright bar whose position depends on the class, and noise."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(count) % 10).astype(np.uint8)
    images = rng.integers(0, 60, (count, 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label + 2 : 2 * label + 8, 4:24] += 150
    return ImageSet.of(images, labels)


DATASET = Dataset("bars", FASHION_CLASSES, bars(200, 0), bars(50, 1), "made here")


def config(version: str, epochs: int = 2, limit: int = 100) -> TrainingConfig:
    own = configure(version, "tuned", {"batch_size": 10}, seed=5, device="cpu", threads=1)
    return budgeted(own, epochs, limit)


def test_the_permutation_is_always_the_same() -> None:
    order = permutation(784)
    assert sorted(order) == list(range(784))
    assert np.array_equal(order, permutation(784))
    assert (order != np.arange(784)).sum() > 700


def test_all_images_are_permuted_in_the_same_way() -> None:
    images = np.zeros((2, 28, 28), np.uint8)
    images[:, 3, 4] = (7, 9)
    moved = permuted(images)
    assert moved.shape == images.shape
    assert np.array_equal(np.argwhere(moved[0]), np.argwhere(moved[1]))
    assert moved.max(axis=(1, 2)).tolist() == [7, 9]
    undone = np.empty((2, 784), np.uint8)
    undone[:, permutation(784)] = moved.reshape(2, -1)
    assert np.array_equal(undone.reshape(images.shape), images)


def test_the_budget_only_changes_epochs_images_and_augmentation() -> None:
    own = configure("v1", "tuned", {}, seed=5)
    short = budgeted(own, 3, 500)
    assert (short.hyperparameters.epochs, short.limit, short.hyperparameters.augments) == (3, 500, False)
    assert short.modified
    back = replace(
        short.hyperparameters,
        epochs=own.hyperparameters.epochs,
        flip=own.hyperparameters.flip,
        shift=own.hyperparameters.shift,
    )
    assert (back, short.seed) == (own.hyperparameters, own.seed)


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_both_trainings_learn_bars_and_report_progress(version: str) -> None:
    progress: list[tuple[float, str]] = []
    found = measure_permuted(config(version), DATASET, lambda *news: progress.append(news))
    assert (found.epochs, found.limit, found.test_images, found.seed) == (2, 100, 50, 5)
    assert min(found.plain_test, found.plain_validation, found.permuted_test, found.permuted_validation) > 0.3
    assert found.loss == found.plain_test - found.permuted_test
    fractions = [fraction for fraction, _ in progress]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {step.partition(":")[0] for _, step in progress} == {"pixels in place", "pixels permuted"}


def test_a_repetition_gives_the_same_result() -> None:
    assert measure_permuted(config("v0"), DATASET) == measure_permuted(config("v0"), DATASET)


@pytest.mark.parametrize("after", [0, 3, 100])
def test_it_can_be_cancelled_in_either_training(after: int) -> None:
    progress: list[float] = []
    with pytest.raises(Cancelled):
        measure_permuted(
            config("v0", epochs=50),
            DATASET,
            lambda fraction, _: progress.append(fraction),
            lambda: len(progress) > after,
        )
    assert len(progress) < after + 20


def test_a_training_that_diverges_is_an_error() -> None:
    wild = config("v0", epochs=5)
    wild = replace(wild, hyperparameters=replace(wild.hyperparameters, learning_rate=100.0, input_scale=1e20))
    with pytest.raises(AnalysisError, match="the training with pixels in place diverged"):
        measure_permuted(wild, DATASET)


def test_the_loss_is_a_difference_of_test_accuracies() -> None:
    assert Permuted(1, 10, 10, 0, 0.9, 0.8, 0.7, 0.5).loss == pytest.approx(0.3)
