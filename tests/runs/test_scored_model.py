from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from training.fakes import drive
from training.samples import dataset, task

from fmnist_tui.data import load
from fmnist_tui.errors import RunError
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.in_app import InAppRun
from fmnist_tui.runs.request import request_run
from fmnist_tui.runs.scored_model import load_scored_model, make_predictor
from fmnist_tui.training.config import ConfigError
from fmnist_tui.training.engine import Tensors
from fmnist_tui.training.recipes import configure
from fmnist_tui.training.task import Task, make_engine

Damage = Callable[[RunDirectory], object]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A real run of one epoch on the demo set; tests look at copies of it."""
    config = configure("v0", "tuned", {"epochs": 1, "batch_size": 16}, threads=1)
    run = request_run(tmp_path_factory.mktemp("finished"), config, "demo")
    assert InAppRun(run).train().reason == "completed"
    return run


@pytest.fixture
def copied(finished: RunDirectory, tmp_path: Path) -> RunDirectory:
    return RunDirectory(Path(shutil.copytree(finished.path, tmp_path / finished.run_id)))


def test_the_model_predicts_what_the_run_recorded(finished: RunDirectory, tmp_path: Path) -> None:
    test = load("demo", tmp_path).test
    with np.load(finished.predictions) as scored:
        np.testing.assert_allclose(load_scored_model(finished).predict(test.images), scored["probabilities"], atol=1e-5)


def other_settings(run: RunDirectory) -> None:
    config = json.loads(run.run_json.read_text())
    config["hyperparameters"]["input_scale"] *= 2
    run.run_json.write_text(json.dumps(config))


def cut(run: RunDirectory) -> None:
    run.model.write_bytes(run.model.read_bytes()[:-100])


def bent(run: RunDirectory) -> None:
    content = run.model.read_bytes()
    run.model.write_bytes(content[:-400] + b"\xff" * 400)


def a_folder(run: RunDirectory) -> None:
    run.model.unlink()
    run.model.mkdir()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: run.model.unlink(), "has no model.safetensors"),
        (lambda run: run.model.write_bytes(b""), "is damaged"),
        (lambda run: run.model.write_bytes(b"x" * 100), "is damaged"),
        (lambda run: run.run_json.unlink(), "is missing or damaged"),
        (lambda run: run.run_json.write_text("{}"), "is missing or damaged"),
        (cut, "is damaged"),
        (bent, "is damaged"),
        (a_folder, "can't read"),
        (other_settings, "is not the model that run.json describes"),
    ],
    ids=["none", "empty", "noise", "no run.json", "odd run.json", "cut", "no numbers", "folder", "another"],
)
def test_what_is_missing_or_damaged_is_one_line(copied: RunDirectory, damage: Damage, message: str) -> None:
    damage(copied)
    with pytest.raises(RunError) as caught:
        load_scored_model(copied)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_device_is_reported_as_such(finished: RunDirectory, tmp_path: Path) -> None:
    run = RunDirectory(Path(shutil.copytree(finished.path, tmp_path / finished.run_id)))
    config = json.loads(run.run_json.read_text()) | {"version": "v1"}
    config["hyperparameters"]["optimizer"] = "adamw"
    run.run_json.write_text(json.dumps(config))
    run.model.write_bytes(run.model.read_bytes().replace(b'"version":"v0"', b'"version":"v1"'))
    with pytest.raises(ConfigError, match="nonsense"):
        load_scored_model(run, "nonsense")


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
