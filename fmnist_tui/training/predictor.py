"""A model as it was scored: from its weights to what it says of images."""

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
        """Normalised probabilities (n, 10) of images (n, 28, 28)."""


def make_predictor(config: TrainingConfig, weights: Mapping[str, NDArray[Any]]) -> Predictor:
    """The model that `weights` make of the configuration's version; imports PyTorch for v1 to v3 alone.

    It is the engine that trains, so that it says of an image what was said when the run was scored. Bounds the
    threads of the whole process, as `make_engine` does.

    Args:
        config: What was trained, its device and threads resolved.
        weights: As `Engine.weights` gave them.

    Raises:
        ValueError: A tensor is missing, has another shape, or is not made of finite numbers.
    """
    for name, tensor in weights.items():
        if tensor.dtype.kind not in "fi" or not np.isfinite(tensor).all():
            raise ValueError(f"tensor {name} holds what is no finite number")
    plain = replace(config, hyperparameters=replace(config.hyperparameters, augment="none"))
    nothing = np.empty(0, np.int64)
    engine = make_engine(Task(plain, _one_black_image(), nothing, nothing, window=1))
    still = {f"{VELOCITY}{name}": np.zeros_like(tensor) for name, tensor in weights.items()}
    engine.load_state({**weights, **(still if config.version == "v0" else {})})
    return engine


def _one_black_image() -> Dataset:
    """An engine is built on training images; this one will see none of them."""
    black = ImageSet.of(np.zeros((1, 28, 28), np.uint8), np.zeros(1, np.uint8))
    return Dataset("black", FASHION_CLASSES, black, black, "made here")
