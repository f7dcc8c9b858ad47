from __future__ import annotations

import json
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from full_disk import space_for

from fmnist_tui.errors import RunError
from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.request import command_of, read_request, request_run
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.recipes import configure, settle_for_fashion_mnist

from .trainers import change

V0 = configure("v0", "tuned", {}, threads=1, device="cpu")
ODD = configure(
    "v2", "origin", {"learning_rate": 1 / 3, "epochs": 7}, seed=2**32 - 1, limit=10, score_test=False, device="cuda:1"
)

_NOW = configure("v1", "tuned", {})
OLD_V1 = replace(_NOW, hyperparameters=settle_for_fashion_mnist(_NOW.hyperparameters))
"""As 0.1.0 wrote it: with numbers, and flips."""


@pytest.fixture
def run(runs: Path) -> RunDirectory:
    return request_run(runs, V0, None)


def assert_one_line(run: RunDirectory) -> None:
    with pytest.raises(RunError) as raised:
        read_request(run)
    assert str(run.request) in str(raised.value)
    assert str(raised.value).endswith("; start a new run")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("config", [V0, ODD])
@pytest.mark.parametrize("data", [None, "demo", "/some/folder"])
def test_a_request_is_read_back_as_it_was_made(runs: Path, config: TrainingConfig, data: str | None) -> None:
    run = request_run(runs, config, data)
    request = read_request(run)
    assert (request.config, request.data, request.argv) == (config, data, tuple(sys.argv))
    assert abs(time.time() - request.created) < 60
    assert run.run_id.startswith(f"{config.version}-")
    assert [path.name for path in run.path.iterdir()] == ["request.json"]


def test_requests_are_in_the_order_in_which_they_were_made(runs: Path) -> None:
    times = [read_request(request_run(runs, V0, None)).created for _ in range(5)]
    assert times == sorted(set(times))


def test_a_request_is_json_that_says_what_was_asked_for(run: RunDirectory) -> None:
    record = json.loads(run.request.read_text())
    assert record["format"] == 1
    assert record["version"] == "v0"
    assert record["hyperparameters"]["batch_size"] == V0.hyperparameters.batch_size
    assert "config" not in record


def test_a_later_versions_keys_are_passed_over(run: RunDirectory) -> None:
    change(run.request, lambda record: record.update(mood="calm"))
    assert read_request(run).config == V0


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"null", b"\xff\xfe"])
def test_a_request_that_is_missing_or_no_json_is_one_line(run: RunDirectory, content: bytes | None) -> None:
    run.request.unlink()
    if content is not None:
        run.request.write_bytes(content)
    with pytest.raises(RunError, match=r"^.*request\.json is missing or damaged, .*; start a new run$"):
        read_request(run)


def test_a_request_of_a_hundred_thousand_brackets_is_one_line_too(run: RunDirectory) -> None:
    run.request.write_bytes(b"[" * 100_000)
    with pytest.raises(RunError, match="is missing or damaged"):
        read_request(run)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", None),
        ("version", "v9"),
        ("version", "../v0"),
        ("hyperparameters", None),
        ("hyperparameters", {}),
        ("hyperparameters", []),
        ("seed", -1),
        ("seed", "one"),
        ("threads", None),
        ("limit", "all"),
        ("device", 5),
        ("device", "../../cpu"),
        ("data", 5),
        ("argv", None),
        ("argv", 5),
    ],
)
def test_a_request_with_a_damaged_value_is_one_line_that_names_the_file(
    run: RunDirectory, key: str, value: object
) -> None:
    change(run.request, lambda record: record.update({key: value}))
    assert_one_line(run)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epochs", 0),
        ("epochs", 2.5),
        ("batch_size", None),
        ("learning_rate", "fast"),
        ("schedule", []),
        ("momentum", "high"),
    ],
)
def test_a_request_with_a_damaged_hyperparameter_is_one_line_that_names_the_file(
    run: RunDirectory, key: str, value: object
) -> None:
    change(run.request, lambda record: record["hyperparameters"].update({key: value}))
    assert_one_line(run)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"^can't write to .*\(Not a directory\); choose another folder with --runs$"):
        request_run(tmp_path / "file", V0, None)


def test_a_request_that_finds_no_space_leaves_no_run(runs: Path) -> None:
    with space_for(10), pytest.raises(RunError, match=r"^can't write to .*\(File too large\); choose another folder"):
        request_run(runs, V0, None)
    assert list_runs(runs) == []


@pytest.mark.parametrize(
    ("config", "data", "options"),
    [
        (V0, None, "--device cpu --threads 1"),
        (configure("v1", "tuned", {}, flip="off"), None, "--flip off"),
        (configure("v1", "tuned", {}, flip="on"), None, ""),
        (OLD_V1, None, ""),
        (
            configure("v1", "tuned", {}, given={"ema": "0.99", "model.blocks": "1", "epochs": "3"}),
            None,
            "--epochs 3 --set ema=0.99 --set model.blocks=1",
        ),
        (configure("v0", "tuned", {"model.hidden": (30, 10)}), None, "--set model.hidden=30,10"),
        (
            ODD,
            "/a b",
            "--epochs 7 --lr 0.3333333333333333 --recipe origin --seed 4294967295 --limit 10 --device cuda:1",
        ),
    ],
)
def test_the_command_that_asks_for_the_same_says_what_differs_from_the_recipe(
    runs: Path, config: TrainingConfig, data: str | None, options: str
) -> None:
    command = command_of(read_request(request_run(runs, config, data)))
    rest = ["--data", "/a b", "--no-test"] if data else []
    assert shlex.split(command) == ["fmnist-tui", "train", config.version, *options.split(), *rest]


@pytest.mark.parametrize(("flip", "words"), [("auto", ""), ("on", " --flip on"), ("off", " --flip off")])
def test_the_command_for_other_data_says_what_was_asked_of_flips(runs: Path, flip: str, words: str) -> None:
    config = configure("v1", "tuned", {}, flip=flip)
    command = command_of(read_request(request_run(runs, config, "/digits")))
    assert command == f"fmnist-tui train v1 --data /digits{words}"
