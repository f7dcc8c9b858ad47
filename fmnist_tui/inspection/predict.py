"""A run's predictions for any images, in this process."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.errors import RunError
from fmnist_tui.runs.model_code import CodeChoice
from fmnist_tui.runs.run import Run
from fmnist_tui.runs.scored_model import Predictor, load_scored_model
from fmnist_tui.training.engine import EVALUATION_BATCH

IN_APP = CodeChoice(command="", marks_run=False)
"""A look at predictions in the app: changed code is not run."""


def load_model(run: Run, code: CodeChoice = IN_APP) -> Predictor:
    """The run's model on the CPU, which is faster for a few pictures than starting a GPU; a second for PyTorch.

    Args:
        run: The run.
        code: What the user says about a custom model's code.

    Raises:
        RunError: It has no saved weights, they are damaged, or a custom model's code may not be run.
        ConfigError: PyTorch is missing.
    """
    return load_scored_model(run.directory, "cpu", code=code)


def predict(run: Run, images: NDArray[np.uint8], model: Predictor | None = None) -> NDArray[np.float32]:
    """The probabilities (n, classes) for images (n, channels, height, width).

    Args:
        run: The run.
        images: uint8, of the run's image shape.
        model: The run's model, if it is loaded already.

    Raises:
        RunError: As `load_model`, or the model's output isn't probabilities.
        ConfigError: PyTorch is missing.
        ValueError: The images have another shape.
    """
    if images.shape[1:] != run.image_shape:
        raise ValueError(f"images of shape {images.shape[1:]}, but run {run.run_id} was trained on {run.image_shape}")
    loaded = model or load_model(run)
    batches = [
        loaded.predict(images[first : first + EVALUATION_BATCH]) for first in range(0, len(images), EVALUATION_BATCH)
    ]
    classes = len(run.class_names)
    probabilities = np.concatenate([*batches, np.empty((0, classes), np.float32)])
    if not np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-3):
        raise RunError(f"the output of {run.run_id} is not a probability for each class; retrain the model")
    return probabilities
