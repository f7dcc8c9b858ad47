from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from fmnist_tui.files import read_json
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.lock import acquire, holding
from fmnist_tui.text import grouped

from .commands import copy_of, edit
from .conftest import Fmnist

KEYS = {"run", "status", "config", "result", "best_epoch", "label", "launcher", "job"}

CONFIG = {
    "format",
    "version",
    "recipe",
    "modified",
    "hyperparameters",
    "model_options",
    "recipe_file",
    "fused",
    "cuda_graph",
    "seed",
    "limit",
    "subset",
    "score_test",
    "device",
    "device_name",
    "device_id",
    "cpus",
    "threads",
    "window",
    "random_stream",
    "data",
    "train_images",
    "validation_images",
    "versions",
    "host",
    "pid",
    "argv",
    "created",
}

RESULT = {
    "reason",
    "version",
    "seed",
    "test_accuracy",
    "test_nll",
    "test_brier",
    "test_ece",
    "epochs",
    "steps",
    "seconds",
    "test_images",
    "device",
    "threads",
    "exact",
    "early_stopped",
}

BEST = {"epoch", "validation_accuracy", "validation_loss", "train_accuracy", "train_loss"}


def test_json_has_the_keys_of_the_contract(fmnist: Fmnist, finished: RunDirectory) -> None:
    shown = fmnist("show", "last", "--json", "--runs", finished.path.parent).json
    assert shown.keys() == KEYS
    assert (shown["run"], shown["status"], shown["label"]) == (finished.run_id, "finished", {})
    assert shown["config"].keys() == CONFIG
    assert shown["config"] == read_json(finished.run_json)
    assert shown["result"].keys() == RESULT
    assert shown["result"] == read_json(finished.result)
    assert shown["best_epoch"].keys() == BEST


def test_the_best_epoch_is_the_first_with_the_highest_validation_accuracy(
    fmnist: Fmnist, finished: RunDirectory
) -> None:
    log = [json.loads(line) for line in finished.events.read_text().splitlines()]
    epochs = [record for record in log if record["event"] == "epoch"]
    best = max(epochs, key=lambda record: float(record["validation_accuracy"]))
    shown = fmnist("show", "last", "--json", "--runs", finished.path.parent).json["best_epoch"]
    assert shown == {key: best[key] for key in BEST}


def test_the_text_shows_settings_status_and_result(fmnist: Fmnist, finished: RunDirectory) -> None:
    outcome = fmnist("show", finished.run_id, "--runs", finished.path.parent)
    assert (outcome.status, outcome.err) == (0, "")
    shown = {line[:17].strip(): line[17:] for line in outcome.lines}
    assert shown["run"] == finished.run_id
    assert shown["folder"] == str(finished.path)
    assert (shown["status"], shown["recipe"], shown["seed"]) == ("finished", "tuned (modified)", "3")
    assert (shown["batch size"], shown["epochs"]) == ("4", "6")
    assert re.fullmatch(r"cpu \(.+\), 1 thread", shown["device"])
    assert shown["data"] == "demo, drawn by this program"
    assert shown["ended"] == "completed"
    assert shown["test accuracy"].endswith("% of 500 images")
    assert {"best epoch", "test NLL", "test Brier", "test ECE", "training time"} <= shown.keys()
    assert not {"epoch", "last losses", "time left", "damage"} & shown.keys()


@pytest.mark.parametrize("word", ["v0-20250101-000000-00aa", "v0-20250101", "first try", "last"])
def test_a_run_is_found_by_its_id_a_prefix_its_name_or_last(
    fmnist: Fmnist, finished: RunDirectory, runs: Path, word: str
) -> None:
    copy_of(finished, runs, "v1-20240101-000000-0000")
    edit(copy_of(finished, runs, "v0-20250101-000000-00aa").label, name="first try", tags=["a"], note="b")
    shown = fmnist("show", word, "--json", "--runs", runs).json
    assert shown["run"] == "v0-20250101-000000-00aa"
    assert shown["label"] == {"name": "first try", "tags": ["a"], "note": "b"}


def test_a_run_that_has_not_started_shows_its_request(fmnist: Fmnist, finished: RunDirectory, runs: Path) -> None:
    run = RunDirectory(runs / finished.run_id)
    run.path.mkdir(parents=True)
    run.request.write_bytes(finished.request.read_bytes())
    shown = fmnist("show", "last", "--json", "--runs", runs).json
    assert (shown["status"], shown["result"], shown["best_epoch"]) == ("interrupted", None, None)
    assert shown["config"]["seed"] == 3
    assert "interrupted" in fmnist("show", "last", "--runs", runs).out


def test_a_loss_that_is_not_finite_is_null_in_json(fmnist: Fmnist, finished: RunDirectory, runs: Path) -> None:
    run = copy_of(finished, runs)
    log = [json.loads(line) for line in run.events.read_text().splitlines()]
    for record in log:
        record.update({"validation_loss": None} if record["event"] == "epoch" else {})
    run.events.write_text("".join(f"{json.dumps(record)}\n" for record in log))
    assert fmnist("show", "last", "--runs", runs).status == 0
    assert fmnist("show", "last", "--json", "--runs", runs).json["best_epoch"]["validation_loss"] is None


def test_the_progress_of_an_unfinished_run_is_shown(fmnist: Fmnist, finished: RunDirectory, runs: Path) -> None:
    run = copy_of(finished, runs)
    log = [json.loads(line) for line in run.events.read_text().splitlines()]
    until = next(place for place, record in enumerate(log) if record["event"] == "step" and record["epoch"] == 3)
    run.events.write_text("".join(f"{json.dumps(record)}\n" for record in log[: until + 1]))
    (last,) = (record for record in log[:until] if record["event"] == "epoch" and record["epoch"] == 2)
    shown = fmnist("show", "last", "--runs", runs).out
    assert f"epoch            3 of 6, step {grouped(log[until]['step'])} of 2,700\n" in shown
    losses = f"training {log[until]['loss']:.4f}, validation {last['validation_loss']:.4f} (epoch 2)\n"
    assert f"last losses      {losses}" in shown
    assert "time left" not in shown
    with holding(acquire(run)), (run.events).open("a") as file:
        file.write(json.dumps({**log[until], "step": 903, "time": time.time() + 1}) + "\n")
        file.flush()
        assert "\ntime left        about " in fmnist("show", "last", "--runs", runs).out


def test_a_damaged_file_is_named(fmnist: Fmnist, finished: RunDirectory, runs: Path) -> None:
    copy_of(finished, runs).result.write_text("{")
    assert "\ndamage           result.json is damaged\n" in fmnist("show", "last", "--runs", runs).out
