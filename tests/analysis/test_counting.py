from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from fmnist_tui.analysis.eligibility import why_not_counted
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import EventLog
from fmnist_tui.runs.lock import acquire, holding
from fmnist_tui.runs.run import read_run
from fmnist_tui.training.events import Event, Paused, RunFinished, Stage
from fmnist_tui.training.recipes import hyperparameters

from .builders import make_run, run_json, training, write_log

WHOLE = run_json("v0", 0)
DEMO = {"data": {"name": "demo", "train_fingerprint": "1", "test_fingerprint": "2", "train_images": 2000}}
DEMOS_OWN = {"hyperparameters": WHOLE["hyperparameters"] | {"input_scale": 0.015, "input_offset": -0.7}}
"""What only the data settles is no other recipe, but on Fashion-MNIST it has to be as that settles it."""
OTHERWISE = "trained with other settings than tuned has now"
OTHER_ORDER = {"data": WHOLE["data"] | {"test_fingerprint": "0"}}
FASTER = {"hyperparameters": WHOLE["hyperparameters"] | {"learning_rate": 0.5}}
OLDER_PROGRAM = {
    "hyperparameters": {name: value for name, value in WHOLE["hyperparameters"].items() if name != "weight_decay"}
}


def why(run: RunDirectory, recipe: str = "tuned") -> str | None:
    return why_not_counted(read_run(run), recipe)


@pytest.mark.parametrize("version", ["v0", "v1", "v2", "v3"])
def test_a_completed_run_of_the_whole_recipe_on_the_whole_data_counts(tmp_path: Path, version: str) -> None:
    assert why(make_run(tmp_path, version)) is None


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"modified": True}, "recipe modified"),
        ({"modified": None}, "recipe modified"),
        (FASTER, "trained with other settings than tuned has now"),
        ({"recipe": "origin", "modified": True}, "recipe is origin, not tuned; recipe modified"),
        ({"recipe": 7}, "recipe is unknown, not tuned"),
        ({"limit": 600}, "trained on 600 of 60,000 images"),
        ({"limit": "600"}, "trained on an unknown number of images"),
        ({"version": "v9"}, "v9 is no version that this program knows"),
        (DEMO, "data is demo"),
        (DEMO | DEMOS_OWN, "data is demo"),
        (DEMO | {"hyperparameters": DEMOS_OWN["hyperparameters"] | {"epochs": 3}}, f"{OTHERWISE}; data is demo"),
        (DEMOS_OWN, OTHERWISE),
        (DEMO | {"limit": 50}, "trained on 50 of 2,000 images; data is demo"),
        (OTHER_ORDER, "data is not the official Fashion-MNIST"),
        ({"data": None}, "data is not the official Fashion-MNIST"),
    ],
)
def test_what_sets_a_run_apart_is_said(tmp_path: Path, config: dict[str, Any], words: str) -> None:
    assert why(make_run(tmp_path, config=config)) == words


def test_a_limit_that_takes_all_images_limits_nothing(tmp_path: Path) -> None:
    assert why(make_run(tmp_path, config={"limit": 60_000})) is None


def test_a_setting_that_came_later_has_its_default_in_older_runs(tmp_path: Path) -> None:
    assert why(make_run(tmp_path, config=OLDER_PROGRAM)) is None


def test_a_run_counts_under_its_own_recipe_alone(tmp_path: Path) -> None:
    origin = {"recipe": "origin", "hyperparameters": asdict(hyperparameters("v0", "origin"))}
    run = make_run(tmp_path, config=origin)
    assert why(run, "origin") is None
    assert why(run, "tuned") == "recipe is origin, not tuned"


def test_a_run_whose_test_images_were_not_scored_does_not_count(tmp_path: Path) -> None:
    assert why(make_run(tmp_path, result={"test_accuracy": None})) == "not scored"


def test_a_run_that_was_stopped_does_not_count_scored_or_not(tmp_path: Path) -> None:
    after_epoch = RunFinished("stopped", scored=True)
    now = RunFinished("stopped", resumable=True)
    assert why(make_run(tmp_path, seed=1, finished=after_epoch, result={"reason": "stopped"})) == (
        "stopped before its last epoch"
    )
    assert why(make_run(tmp_path, seed=2, finished=now)) == "stopped before its last epoch"


def test_a_run_that_failed_or_diverged_does_not_count(tmp_path: Path) -> None:
    assert why(make_run(tmp_path, seed=1, finished=RunFinished("failed", resumable=True))) == "failed"
    assert why(make_run(tmp_path, seed=2, finished=RunFinished("diverged"), result={"reason": "diverged"})) == (
        "diverged"
    )


def test_an_interrupted_run_does_not_count(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    write_log(run, training("v0", [0.9]))
    run.result.unlink()
    assert why(run) == "interrupted"


@pytest.mark.parametrize(
    ("last", "words"),
    [(None, "still running"), (Paused(10), "still paused"), (Stage("waiting for the cpu"), "still queued")],
)
def test_a_run_that_has_a_trainer_does_not_count(tmp_path: Path, last: Event | None, words: str) -> None:
    run = make_run(tmp_path)
    with holding(acquire(run)):
        with closing(EventLog(run.events)) as log:
            for event in training("v0", [0.9]) + ([last] if last else []):
                log.append(event)
        assert why(run) == words


def test_missing_files_and_unknown_endings_are_said(tmp_path: Path) -> None:
    lost, odd = make_run(tmp_path, seed=1), make_run(tmp_path, seed=2, result={"reason": "bored"})
    lost.result.unlink()
    assert why(lost) == "result.json is missing"
    assert why(odd) == 'ended as "bored", not as completed'
    lost.run_json.unlink()
    assert why(lost) == "run.json is missing"
