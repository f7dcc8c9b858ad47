from __future__ import annotations

import numpy as np
import pytest

from fmnist_tui.training.engine import Tensors
from fmnist_tui.training.predictor import make_predictor
from fmnist_tui.training.task import Task, make_engine

from .fakes import drive
from .samples import dataset, task


def trained(version: str) -> tuple[Task, Tensors, Tensors]:
    """A task with augmentation where the recipe has it, the weights after an epoch, and what the run was scored by."""
    own = task(version, {"epochs": 1})
    outcome = drive(make_engine(own), own).outcome
    assert outcome.weights is not None
    assert outcome.probabilities is not None
    return own, outcome.weights, {"probabilities": outcome.probabilities}


@pytest.mark.parametrize("version", ["v0", "v1", "v3"])
def test_it_predicts_an_image_as_the_run_was_scored(version: str) -> None:
    own, weights, scored = trained(version)
    images = dataset().test.images
    found = make_predictor(own.config, weights).predict(images)
    assert found.shape == (20, 10)
    assert found.dtype == np.float32
    assert found.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_array_equal(found, scored["probabilities"])


def test_weights_that_are_not_whole_are_refused() -> None:
    own, weights, _ = trained("v0")
    name = "layers.1.weight"
    for tensor, message in (
        (weights[name].T, "shape"),
        (np.full_like(weights[name], np.nan), "finite"),
        (weights[name].astype(np.str_), "finite"),
    ):
        with pytest.raises(ValueError, match=message):
            make_predictor(own.config, {**weights, name: tensor})
    with pytest.raises(ValueError, match="missing"):
        make_predictor(own.config, {key: value for key, value in weights.items() if key != name})
