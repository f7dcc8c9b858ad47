"""Training on images of any shape and number of classes, in this process: one epoch each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmnist_tui.data import Dataset, load
from fmnist_tui.training import events
from fmnist_tui.training.store import Outcome
from fmnist_tui.training.task import make_engine, make_task

from .fakes import drive
from .samples import config


def dataset(tmp_path: Path, shape: tuple[int, ...], classes: int, *, validation: bool = False) -> Dataset:
    """Images whose brightness tells the class."""
    labels = np.arange(4 * classes) % classes
    images = np.broadcast_to((labels * 250 // classes).reshape(-1, *[1] * len(shape)), (len(labels), *shape))
    arrays: dict[str, Any] = {"x_train": images.astype(np.uint8), "y_train": labels}
    arrays |= {"x_val": arrays["x_train"][:classes], "y_val": labels[:classes]} if validation else {}
    arrays |= {"x_test": arrays["x_train"], "y_test": labels}
    np.savez(tmp_path / "some.npz", **arrays)
    return load(str(tmp_path / "some.npz"), tmp_path / "cache")


def outcome_of(version: str, data: Dataset) -> Outcome:
    task = make_task(config(version, {"epochs": 1}), data)
    ran = drive(make_engine(task), task)
    (finished,) = ran.of(events.RunFinished)
    assert finished.reason == "completed"
    return ran.outcome


@pytest.mark.parametrize(
    ("shape", "classes"), [((8, 8), 10), ((3, 5), 2), ((1, 1), 2), ((6, 6, 3), 4), ((4, 4), 300)], ids=str
)
def test_v0_trains_on_any_shape(shape: tuple[int, ...], classes: int, tmp_path: Path) -> None:
    outcome = outcome_of("v0", dataset(tmp_path, shape, classes))
    assert outcome.probabilities is not None
    assert outcome.labels is not None
    assert outcome.probabilities.shape == (4 * classes, classes)
    assert outcome.labels.dtype == (np.uint16 if classes > 256 else np.uint8)


def test_a_cnn_trains_and_augments_images_in_colour(tmp_path: Path) -> None:
    outcome = outcome_of("v1", dataset(tmp_path, (9, 8, 3), 4))
    assert outcome.probabilities is not None
    assert outcome.probabilities.shape == (16, 4)


def test_a_provided_validation_set_is_used_and_never_trained_on(tmp_path: Path) -> None:
    data = dataset(tmp_path, (8, 8), 10, validation=True)
    task = make_task(config("v0", limit=20), data)
    assert (len(data.train), data.n_validation) == (50, 10)
    assert task.validation_indices.tolist() == list(range(40, 50))
    assert task.train_indices.max() < 40
    assert len(task.train_indices) == 20
