"""A run's model as it was scored on the test set, from model.safetensors and run.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from fmnist_tui.errors import RunError
from fmnist_tui.files import check_regular_file, exists
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.manifest import read_config
from fmnist_tui.runs.start_checks import resolve_device
from fmnist_tui.training.config import ConfigError
from fmnist_tui.training.predictor import Predictor, make_predictor

_LARGEST = 1_000_000_000
"""Bytes; v3's model takes 23 MB."""


def load_scored_model(run: RunDirectory, device: str = "auto") -> Predictor:
    """The run's model on a device of this machine ("auto", "cpu", "cuda", ...; a NumPy model's is always the CPU).

    Raises:
        RunError: The model or run.json is missing or damaged, or they don't match.
        ConfigError: The device doesn't exist, or PyTorch is missing.
    """
    config = read_config(run)
    weights, metadata = _read(run)
    settings = config.hyperparameters
    found = (metadata.get("version"), metadata.get("input_scale"), metadata.get("input_offset"))
    if found != (config.version, repr(settings.input_scale), repr(settings.input_offset)):
        raise RunError(f"{run.model} is not the model that {run.run_json.name} describes; retrain the model")
    wanted = device if config.model.needs_torch else "cpu"
    try:
        return make_predictor(resolve_device(replace(config, device=wanted, threads=0)), weights)
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
