"""A trained model, restored from its weights, that predicts classes of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data import FASHION_CLASSES, Dataset, ImageSet
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.numpy_engine import VELOCITY
from fmnist_tui.training.task import Task, make_engine


class Predictor(Protocol):
    """A trained model."""

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities (n, classes), normalised, for uint8 images (n, H, W)."""


def make_predictor(config: TrainingConfig, weights: Mapping[str, NDArray[Any]]) -> Predictor:
    """The configuration's model with these weights; imports PyTorch only for models that need it.

    This is the engine that trains, so that it predicts exactly what it did when the run was scored. It limits the
    threads of the whole process, as `make_engine` does.

    Args:
        config: The configuration of the run, with device and threads resolved.
        weights: The tensors of `Engine.weights`.

    Raises:
        ValueError: A tensor is missing, has another shape, or is not made of finite numbers.
    """
    for name, tensor in weights.items():
        if tensor.dtype.kind not in "fi" or not np.isfinite(tensor).all():
            raise ValueError(f"tensor {name} contains values that are not finite numbers")
    plain = replace(config, hyperparameters=replace(config.hyperparameters, augment="none"))
    nothing = np.empty(0, np.int64)
    engine = make_engine(Task(plain, _one_black_image(), nothing, nothing, window=1))
    still = {f"{VELOCITY}{name}": np.zeros_like(tensor) for name, tensor in weights.items()}
    engine.load_state({**weights, **(still if config.version == "v0" else {})})
    return engine


def _one_black_image() -> Dataset:
    """A data set for an engine that won't be trained."""
    black = ImageSet.of(np.zeros((1, 28, 28), np.uint8), np.zeros(1, np.uint8))
    return Dataset("black", FASHION_CLASSES, black, black, "generated")
