"""A trained model, restored from its weights, that predicts classes of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.models.spec import FASHION_MNIST_CLASSES, FASHION_MNIST_SHAPE, ImageShape
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.task import build_engine


class Predictor(Protocol):
    """A trained model."""

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities (n, classes), normalised, for uint8 images (n, H, W)."""


def make_predictor(
    config: TrainingConfig,
    weights: Mapping[str, NDArray[Any]],
    image_shape: ImageShape = FASHION_MNIST_SHAPE,
    classes: int = FASHION_MNIST_CLASSES,
) -> Predictor:
    """The configuration's model with these weights; imports PyTorch only for models that need it.

    This is the engine that trains, so that it predicts exactly what it did when the run was scored. It limits the
    threads of the whole process, as `make_engine` does.

    Args:
        config: The configuration of the run, with device and threads resolved.
        weights: The tensors of `Engine.weights`.
        image_shape: Channels, height and width of the images that it was trained on.
        classes: Number of classes.

    Raises:
        ValueError: A tensor is missing, has another shape, or holds values that are not finite.
    """
    for name, tensor in weights.items():
        if tensor.dtype.kind not in "fi" or not np.isfinite(tensor).all():
            raise ValueError(f"tensor {name} holds values that are not finite numbers")
    plain = replace(config, hyperparameters=replace(config.hyperparameters, augment="none"))
    one_image = np.zeros((1, *image_shape[1:]), np.uint8)  # an engine is built on training images; it uses none
    engine = build_engine(plain, one_image, np.zeros(1, np.uint8), classes)
    engine.load_state(weights)
    return engine
