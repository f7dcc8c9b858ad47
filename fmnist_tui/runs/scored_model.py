"""A trained model that predicts the classes of images, from its weights or from a run's files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from fmnist_tui.errors import RunError
from fmnist_tui.files import check_regular_file, exists
from fmnist_tui.models.spec import FASHION_MNIST_CLASSES, FASHION_MNIST_SHAPE, ImageShape
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.manifest import read_config, read_manifest
from fmnist_tui.runs.model_code import CodeChoice, check_code
from fmnist_tui.runs.start import resolve_device
from fmnist_tui.training.config import ConfigError, TrainingConfig
from fmnist_tui.training.task import build_engine

_FOR_ANALYSES = CodeChoice(command="analyse")
_LARGEST = 1_000_000_000
"""Bytes; v3's model takes 23 MB."""


class Predictor(Protocol):
    """A trained model."""

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities (n, classes), normalised, for uint8 images (n, C, H, W)."""


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
    plain = replace(config, hyperparameters=replace(config.hyperparameters.without_augmentation(), ema=0.0))
    one_image = np.zeros((1, *image_shape), np.uint8)  # an engine is built on training images; it uses none
    engine = build_engine(plain, one_image, np.zeros(1, np.uint8), classes)
    built = engine.weights()
    for name, tensor in weights.items():
        if _is_damaged(tensor, built.get(name)):
            raise ValueError(f"tensor {name} holds values that are not finite numbers")
    engine.load_state(weights)
    return engine


def _is_damaged(tensor: NDArray[Any], built: NDArray[Any] | None) -> bool:
    """Whether a stored tensor has another type than the one of a newly built network, or, unlike it, isn't finite.

    A mask of attention has -inf on purpose, and a buffer may be of any type.
    """
    if built is None:  # made while the network computed
        return False
    return tensor.dtype.kind != built.dtype.kind or bool(np.isfinite(built).all() and not np.isfinite(tensor).all())


def load_scored_model(
    run: RunDirectory, device: str = "auto", threads: int = 0, code: CodeChoice = _FOR_ANALYSES
) -> Predictor:
    """The run's model on a device of this machine.

    Args:
        run: The run.
        device: "auto", "cpu", "cuda", ...; a NumPy model's is always the CPU.
        threads: How many the process uses from now on; 0 for as many as there are CPUs.
        code: What the user says about a custom model's code.

    Raises:
        RunError: The model or run.json is missing or damaged, or they don't match.
        ConfigError: The device doesn't exist, or PyTorch is missing.
    """
    config = read_config(run)
    source = check_code(run, code)
    config = replace(config, source=source) if source else config
    weights, metadata = _read(run)
    settings = config.hyperparameters
    found = (metadata.get("version"), metadata.get("input_scale"), metadata.get("input_offset"))
    if found != (config.version, repr(settings.input_scale), repr(settings.input_offset)):
        raise RunError(f"{run.model} is not the model that {run.run_json.name} describes; retrain the model")
    wanted = device if config.model.needs_torch else "cpu"
    try:
        resolved, data = resolve_device(replace(config, device=wanted, threads=threads)), read_manifest(run).data
        classes = len(data.classes) or FASHION_MNIST_CLASSES
        return make_predictor(resolved, weights, data.shape or FASHION_MNIST_SHAPE, classes)
    except ConfigError:
        raise
    except ValueError as error:
        raise RunError(f"{run.model} is damaged ({error}); retrain the model") from None


def _read(run: RunDirectory) -> tuple[Mapping[str, NDArray[Any]], Mapping[str, Any]]:
    """Tensors and metadata."""
    try:
        check_regular_file(run.model, _LARGEST)
        content = run.model.read_bytes()
        tensors = safetensors.numpy.load(content)
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__")
    except FileNotFoundError:
        gone = "it was deleted or not copied; retrain the model"
        why = gone if exists(run.result) else "it is written when training ends"
        raise RunError(f"run {run.run_id} has no model.safetensors: {why}") from None
    except OSError as error:
        raise RunError(f"can't read {run.model} ({error.strerror}); check the file and its permissions") from None
    except (ValueError, KeyError, TypeError, AttributeError, SafetensorError):
        raise RunError(f"{run.model} is damaged; retrain the model") from None
    return tensors, metadata or {}
