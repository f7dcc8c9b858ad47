from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import fields, replace
from typing import Any

import pytest
from builtin_names import LISTED
from hypothesis import given, settings
from hypothesis import strategies as st

from fmnist_tui.models.registry import BUILT_IN, get_model
from fmnist_tui.training.config import ConfigError, Hyperparameters, NoPyTorchError, TrainingConfig, check_device
from fmnist_tui.training.recipes import RECIPES, configure, hyperparameters

USUAL = hyperparameters("v1", "tuned")


@settings(deadline=None)
@given(
    st.sampled_from(BUILT_IN),
    st.sampled_from(RECIPES),
    st.fixed_dictionaries(
        {
            "epochs": st.none() | st.integers(1, 10_000),
            "batch_size": st.none() | st.integers(1, 10_000),
            "learning_rate": st.none() | st.floats(0, 100, exclude_min=True),
            "schedule": st.sampled_from([None, "constant", "cosine", "one_cycle"]),
        }
    ),
    st.fixed_dictionaries(
        {
            "seed": st.integers(0, 2**32 - 1),
            "limit": st.none() | st.integers(10, 10_000_000),
            "score_test": st.booleans(),
            "device": st.sampled_from(["auto", "cpu", "cuda:1", "mps"]),
            "threads": st.integers(0, 1024),
        }
    ),
)
def test_a_configuration_comes_back_from_json_as_it_was(
    version: str, recipe: str, changes: dict[str, Any], settings: dict[str, Any]
) -> None:
    config = configure(version, recipe, changes, **settings)
    assert TrainingConfig.from_json(json.loads(json.dumps(config.to_json(), allow_nan=False))) == config


def test_keys_of_a_later_version_are_passed_over() -> None:
    config = configure("v1", "tuned", {})
    record = config.to_json() | {"format": 1, "window": 4}
    record["hyperparameters"] |= {"dropout_schedule": "none"}
    assert TrainingConfig.from_json(record) == config


@pytest.mark.parametrize(
    "key",
    [
        field.name
        for field in fields(TrainingConfig)
        if field.name not in ("subset", "source", "model_options", "recipe_file", "fused")
    ],
)
def test_a_missing_key_is_named(key: str) -> None:
    record = configure("v1", "tuned", {}).to_json()
    del record[key]
    with pytest.raises(ConfigError, match=rf"configuration is incomplete \('{key}'\)"):
        TrainingConfig.from_json(record)


def test_a_missing_hyperparameter_is_named() -> None:
    record = configure("v1", "tuned", {}).to_json()
    del record["hyperparameters"]["epochs"]
    with pytest.raises(ConfigError, match=r"configuration is incomplete \(.*'epochs'"):
        TrainingConfig.from_json(record)


@pytest.mark.parametrize("damage", [None, 5, "v1", [1, 2], {}, {"epochs": "ten"}])
def test_hyperparameters_of_another_shape_are_refused(damage: object) -> None:
    with pytest.raises(ConfigError):
        TrainingConfig.from_json(configure("v1", "tuned", {}).to_json() | {"hyperparameters": damage})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "invalid epochs 0 (must be between 1 and 10,000)"),
        ({"epochs": 10_001}, "invalid epochs 10001 (must be between 1 and 10,000)"),
        ({"batch_size": 0}, "invalid batch size 0 (must be between 1 and 10,000)"),
        ({"batch_size": -5}, "invalid batch size -5 (must be between 1 and 10,000)"),
        ({"batch_size": 10_001}, "invalid batch size 10001 (must be between 1 and 10,000)"),
        ({"learning_rate": 0.0}, "invalid learning rate 0 (must be above 0 and at most 100)"),
        ({"learning_rate": -0.1}, "invalid learning rate -0.1 (must be above 0 and at most 100)"),
        ({"learning_rate": 101.0}, "invalid learning rate 101 (must be above 0 and at most 100)"),
        ({"learning_rate": math.nan}, "invalid learning rate nan (must be above 0 and at most 100)"),
        ({"learning_rate": math.inf}, "invalid learning rate inf (must be above 0 and at most 100)"),
        ({"schedule": "ramp"}, "invalid schedule 'ramp' (choose from constant, cosine, one_cycle, linear, step)"),
        ({"flip": "rotate"}, "invalid flip 'rotate' (choose from off, on, auto)"),
        ({"shift": 17}, "invalid shift 17 (must be between 0 and 16)"),
        ({"momentum": 1.0}, "invalid momentum 1 (must be at least 0 and below 1)"),
        ({"mixup": -0.1}, "invalid mixup -0.1 (must be between 0 and 100)"),
        ({"warm_up": 1.0}, "invalid warm up 1 (must be at least 0 and below 1)"),
        ({"input_scale": math.nan}, "invalid input scale nan (must be a finite number)"),
        ({"crop": 2}, "shift 1 and crop 2 exclude each other: one of them must be 0"),
    ],
)
def test_a_hyperparameter_out_of_range_is_reported_with_the_valid_values(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        replace(USUAL, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": -1}, "invalid seed -1 (must be between 0 and 4,294,967,295)"),
        ({"seed": 2**32}, "invalid seed 4294967296 (must be between 0 and 4,294,967,295)"),
        ({"threads": -1}, "invalid threads -1 (must be between 0 and 1,024)"),
        ({"threads": 1025}, "invalid threads 1025 (must be between 0 and 1,024)"),
        ({"limit": 9}, "invalid limit 9 (must be between 10 and 10,000,000)"),
        ({"limit": 10_000_001}, "invalid limit 10000001 (must be between 10 and 10,000,000)"),
    ],
)
def test_a_setting_out_of_range_is_reported_with_the_valid_values(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        configure("v1", "tuned", {}, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": "v9"}, f"unknown model 'v9' (choose from {LISTED})"),
        ({"device": 5}, "invalid device 5 (must be of type str)"),
        ({"device": "../cpu"}, "invalid device '../cpu' (choose from auto, cpu, cuda, cuda:N, mps)"),
        ({"seed": 1.5}, "invalid seed 1.5"),
        ({"limit": 20.5}, "invalid limit 20.5"),
        ({"threads": 1.5}, "invalid threads 1.5"),
        ({"hyperparameters": {"epochs": 2.5}}, "invalid epochs 2.5 (must be of type int)"),
        ({"hyperparameters": {"batch_size": "64"}}, "invalid batch_size '64' (must be of type int)"),
        ({"hyperparameters": {"momentum": None}}, "invalid momentum None (must be of type float)"),
        ({"hyperparameters": {"schedule": 3}}, "invalid schedule 3 (must be of type str)"),
    ],
)
def test_a_configuration_edited_by_hand_is_refused_where_a_value_is_of_another_type(
    change: dict[str, Any], message: str
) -> None:
    record = configure("v1", "tuned", {}).to_json()
    changed = change | {"hyperparameters": record["hyperparameters"] | change.get("hyperparameters", {})}
    with pytest.raises(ConfigError, match=re.escape(message)):
        TrainingConfig.from_json(record | changed)


def test_what_0_1_0_wrote_takes_the_first_images_of_a_limit() -> None:
    record = configure("v1", "tuned", {}, limit=20).to_json()
    assert TrainingConfig.from_json(record).subset == "auto"
    del record["subset"]
    assert TrainingConfig.from_json(record).subset == "first"


def test_a_value_out_of_range_is_refused_when_read_back_too() -> None:
    record = configure("v1", "tuned", {}).to_json() | {"seed": -1}
    with pytest.raises(ConfigError, match="invalid seed -1"):
        TrainingConfig.from_json(record)


def test_the_edges_of_each_range_are_allowed() -> None:
    for change in ({"epochs": 1}, {"epochs": 10_000}, {"batch_size": 1}, {"learning_rate": 100.0}):
        assert isinstance(replace(USUAL, **change), Hyperparameters)
    assert configure("v1", "tuned", {}, seed=2**32 - 1, limit=10, threads=1024).limit == 10


@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("device", ["tpu", "", "cuda:x", "cuda:-1", "cudaX", "cuda:", "cpu "])
def test_an_unknown_device_is_refused_with_those_there_are(version: str, device: str) -> None:
    with pytest.raises(ConfigError, match=rf"invalid device '{device}' \(choose from auto, cpu, cuda, cuda:N, mps\)"):
        check_device(get_model(version), device)


def test_without_pytorch_v0_alone_can_be_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    check_device(get_model("v0"), "auto")
    with pytest.raises(
        NoPyTorchError, match=r"^v3 needs PyTorch; install it: pip install torch .*; v0 works without it$"
    ):
        check_device(get_model("v3"), "auto")
