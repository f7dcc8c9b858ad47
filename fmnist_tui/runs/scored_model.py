"""A run's model, as it was scored: from model.safetensors and run.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from fmnist_tui.errors import RunError
from fmnist_tui.files import check_regular_file, exists, read_json
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.start_checks import resolved
from fmnist_tui.training.config import ConfigError, TrainingConfig
from fmnist_tui.training.predictor import Predictor, make_predictor

_LARGEST = 1_000_000_000
"""Bytes; v3's model takes 23 MB."""


def load_scored_model(run: RunDirectory, device: str = "auto") -> Predictor:
    """The run's model on a device of this machine ("auto", "cpu", "cuda", ...; v0's is always the CPU).

    Raises:
        RunError: The model or run.json is missing or damaged, or the two don't belong together.
        ConfigError: The device isn't there, or PyTorch is missing.
    """
    config = config_of(run)
    weights, metadata = _read(run)
    settings = config.hyperparameters
    told = (metadata.get("version"), metadata.get("input_scale"), metadata.get("input_offset"))
    if told != (config.version, repr(settings.input_scale), repr(settings.input_offset)):
        raise RunError(f"{run.model} is not the model that {run.run_json.name} tells of; train the run anew")
    wanted = "cpu" if config.version == "v0" else device
    try:
        return make_predictor(resolved(replace(config, device=wanted, threads=0)), weights)
    except ConfigError:
        raise
    except ValueError as error:
        raise RunError(f"{run.model} is damaged ({error}); train the run anew") from None


def config_of(run: RunDirectory) -> TrainingConfig:
    """What the run was trained with.

    Raises:
        RunError: run.json is missing or damaged.
    """
    try:
        return TrainingConfig.from_json(read_json(run.run_json) or {})
    except ConfigError:
        raise RunError(f"{run.run_json} is missing or damaged; train the run anew") from None


def _read(run: RunDirectory) -> tuple[Mapping[str, NDArray[Any]], Mapping[str, Any]]:
    """Tensors and metadata."""
    try:
        check_regular_file(run.model, _LARGEST)
        content = run.model.read_bytes()
        tensors = safetensors.numpy.load(content)
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__")
    except FileNotFoundError:
        gone = "it was thrown away or left out; train the run anew"
        why = gone if exists(run.result) else "it is written at a training's end"
        raise RunError(f"run {run.run_id} has no model.safetensors: {why}") from None
    except OSError as error:
        raise RunError(f"can't read {run.model} ({error.strerror}); check the file and its permissions") from None
    except (ValueError, KeyError, TypeError, AttributeError, SafetensorError):
        raise RunError(f"{run.model} is damaged; train the run anew") from None
    return tensors, metadata or {}
