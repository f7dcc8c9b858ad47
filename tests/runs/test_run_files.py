from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
from scipy.special import expit

from fmnist_tui.data import load
from fmnist_tui.models.cnn import build_cnn
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.lock import is_held
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.task import settled

from .trainers import FILES, SHORT_V0, SHORT_V3, checkpoint_steps, read_weights

DEMO = load("demo", Path("unused"))

EVENTS = {
    "run_started": {"version", "total_steps", "parameters", "pid"},
    "stage": {"name"},
    "step": {"step", "epoch", "loss", "learning_rate", "images_per_second"},
    "epoch": {
        "epoch",
        "train_loss",
        "train_accuracy",
        "validation_loss",
        "validation_accuracy",
        "seconds",
        "is_best",
    },
    "dynamics": {"epoch", "step", "layers"},
    "checkpoint_saved": {"step"},
    "resources": {"process_cpus", "process_memory", "machine_cpu"},
    "sharing": {"runs"},
    "run_finished": {"reason"},
}


@pytest.fixture(params=["v0", "v3"])
def finished(request: pytest.FixtureRequest) -> RunDirectory:
    run: RunDirectory = request.getfixturevalue(f"finished_{request.param}")
    return run


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def log_of(run: RunDirectory) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.events.read_text().splitlines()]


def test_a_finished_run_holds_the_files_of_the_contract_and_nothing_else(finished: RunDirectory) -> None:
    assert {path.name for path in finished.path.iterdir()} == FILES
    assert finished.train_log.read_text() == ""


def test_nobody_holds_a_finished_run(finished: RunDirectory) -> None:
    assert not is_held(finished)
    assert status_of(finished) is Status.FINISHED


def test_run_json_says_what_was_run(finished: RunDirectory) -> None:
    known = read(finished.run_json)
    config = SHORT_V0 if known["version"] == "v0" else SHORT_V3
    expected = settled(replace(config, device="cpu"), DEMO)
    assert TrainingConfig.from_json(known) == replace(expected, subset="first" if config.limit else "auto")
    assert known["data"]["flips"] is True
    assert known["format"] == 1
    assert (known["recipe"], known["modified"], known["seed"], known["threads"]) == ("tuned", True, 7, 1)
    assert known["hyperparameters"]["batch_size"] == 4
    assert known["window"] == (4 if known["version"] == "v0" else 1)
    assert isinstance(known["random_stream"], int)
    assert known["data"]["train_fingerprint"] == DEMO.train.fingerprint
    assert known["data"]["test_fingerprint"] == DEMO.test.fingerprint
    assert known["data"]["name"] == "demo"
    assert known["versions"].keys() >= {"python", "numpy", "torch", "fmnist-tui"}
    assert None not in known["versions"].values()
    assert known["argv"] == sys.argv
    assert known["host"]


def test_every_event_has_a_name_a_time_and_a_number_that_rises(finished: RunDirectory) -> None:
    log = log_of(finished)
    assert [record["seq"] for record in log] == list(range(len(log)))
    times = [record["time"] for record in log]
    assert times == sorted(times)
    for record in log:
        assert record.keys() >= EVENTS[record["event"]], record


def test_the_log_records_the_run_from_its_start_to_its_end(finished: RunDirectory) -> None:
    aside = ("checkpoint_saved", "resources", "sharing")
    log = [record for record in log_of(finished) if record["event"] not in aside]
    kinds = [record["event"] for record in log]
    begin = kinds.index("run_started")
    stages = [record["name"] for record in log[:begin]]
    of_v3 = [
        "importing PyTorch",
        "augmentation: flips and shifts",
        "limit: the first 100 of 2,000 training images",
    ]
    reported = of_v3 if log[begin]["version"] == "v3" else []
    assert stages[stages.index("loading data") + 1 :] == [*reported, "building network"]
    assert set(kinds[begin + 1 :]) == {"step", "epoch", "dynamics", "stage", "run_finished"}
    assert log[-2]["name"] == "scoring test images"
    assert (log[-1]["event"], log[-1]["reason"], log[-1]["scored"]) == ("run_finished", "completed", True)


def test_the_first_event_of_the_training_says_how_much_is_to_come(finished: RunDirectory) -> None:
    started = next(record for record in log_of(finished) if record["event"] == "run_started")
    per_epoch, epochs = (450, 3) if started["version"] == "v0" else (23, 2)
    assert (started["steps_per_epoch"], started["epochs"]) == (per_epoch, epochs)
    assert started["total_steps"] == per_epoch * epochs
    assert started["parameters"] == (266_610 if started["version"] == "v0" else 5_858_442)
    assert started["pid"] == read(finished.run_json)["pid"] != os.getpid()


def test_log_intervals_are_counted_from_each_epochs_first_step(finished: RunDirectory) -> None:
    window = read(finished.run_json)["window"]
    log = log_of(finished)
    started = next(record for record in log if record["event"] == "run_started")
    per_epoch = started["steps_per_epoch"]
    ends = [min(step + window, per_epoch) for step in range(0, per_epoch, window)]
    steps = [(record["epoch"], record["step"]) for record in log if record["event"] == "step"]
    assert steps == [(epoch + 1, epoch * per_epoch + end) for epoch in range(started["epochs"]) for end in ends]


def test_the_result_is_what_the_predictions_say(finished: RunDirectory) -> None:
    result = read(finished.result)
    with np.load(finished.predictions, allow_pickle=False) as predictions:
        assert set(predictions.files) == {"probabilities", "labels"}
        probabilities, labels = predictions["probabilities"], predictions["labels"]
    assert (probabilities.dtype, probabilities.shape) == (np.float32, (500, 10))
    assert (labels.dtype, labels.shape) == (np.uint8, (500,))
    np.testing.assert_allclose(probabilities.sum(axis=1, dtype=np.float64), 1.0, atol=1e-6)
    np.testing.assert_array_equal(labels, DEMO.test.labels)
    of_label = probabilities[np.arange(500), labels].astype(np.float64)
    assert result["test_accuracy"] == np.mean(probabilities.argmax(axis=1) == labels)
    assert result["test_nll"] == pytest.approx(-np.log(of_label).mean())
    assert result["test_brier"] == pytest.approx(
        (np.square(probabilities, dtype=np.float64).sum(axis=1) - 2 * of_label + 1).mean(), abs=1e-6
    )
    assert 0 <= result["test_ece"] <= 1


def test_the_result_says_how_and_when_it_ended(finished: RunDirectory) -> None:
    result = read(finished.result)
    started = next(record for record in log_of(finished) if record["event"] == "run_started")
    assert (result["reason"], result["seed"], result["version"]) == ("completed", 7, started["version"])
    assert (result["epochs"], result["steps"]) == (started["epochs"], started["total_steps"])
    assert 0 < result["seconds"] < 100


def test_the_model_file_is_enough_to_make_v0s_predictions_again(finished_v0: RunDirectory) -> None:
    with safetensors.safe_open(finished_v0.model, "np") as file:
        about = file.metadata()
    assert about.keys() == {"version", "input_scale", "input_offset", "output"}
    assert (about["version"], about["output"]) == ("v0", "sigmoid")
    weights = read_weights(finished_v0)
    assert {name: tensor.shape for name, tensor in weights.items()} == {
        "layers.0.weight": (300, 784),
        "layers.0.bias": (300,),
        "layers.1.weight": (100, 300),
        "layers.1.bias": (100,),
        "layers.2.weight": (10, 100),
        "layers.2.bias": (10,),
    }
    values = DEMO.test.images.reshape(500, 784) * float(about["input_scale"]) + float(about["input_offset"])
    for layer in range(3):
        values = values @ weights[f"layers.{layer}.weight"].T + weights[f"layers.{layer}.bias"]
        values = expit(values) if layer == 2 else np.maximum(values, 0)
    with np.load(finished_v0.predictions) as predictions:
        np.testing.assert_allclose(
            predictions["probabilities"], values / values.sum(axis=1, keepdims=True), rtol=1e-3, atol=1e-6
        )


def test_the_model_file_of_a_cnn_has_the_names_of_its_module(finished_v3: RunDirectory) -> None:
    with safetensors.safe_open(finished_v3.model, "np") as file:
        about = file.metadata()
    assert (about["version"], about["output"]) == ("v3", "logits")
    module = build_cnn((1, 28, 28), 10, hidden_layers=2, dropout=0.1).state_dict()
    stored = read_weights(finished_v3)
    assert {name: tensor.shape for name, tensor in stored.items()} == {n: tuple(t.shape) for n, t in module.items()}


def test_the_last_checkpoint_is_the_end_and_its_checksums_are_right(finished: RunDirectory) -> None:
    steps = checkpoint_steps(finished)
    assert steps[0] == read(finished.result)["steps"]
    assert len(steps) <= 2
    newest = finished.checkpoints / f"step-{steps[0]:07d}"
    sums = read(newest / "state.json")["sha256"]
    assert sums == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in newest.glob("*.safetensors")}
    assert len(sums) == 2
    assert {path.name for path in finished.checkpoints.iterdir()} == {f"step-{step:07d}" for step in steps}


def test_the_heartbeat_is_the_trainers(finished: RunDirectory) -> None:
    beat = read(finished.heartbeat)
    log = log_of(finished)
    assert beat["pid"] == read(finished.run_json)["pid"]
    assert log[0]["time"] - 1 <= beat["time"] <= log[-1]["time"] + 1
