from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from builtin_names import LISTED
from runs.trainers import time_of

from fmnist_tui.files import read_json
from fmnist_tui.host.node import available_cpus
from fmnist_tui.models.registry import BUILT_IN
from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.manifest import read_manifest
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.text import counted
from fmnist_tui.training.events import Epoch, RunFinished, RunStarted, StepMetrics

from .commands import ENDLESS, TINY, Outcome, call, finish, first, newest, started, wait_for_status
from .conftest import Fmnist

KEYS = {
    "run_started": set(RunStarted.__struct_fields__),
    "stage": {"name"},
    "step": set(StepMetrics.__struct_fields__),
    "epoch": set(Epoch.__struct_fields__),
    "dynamics": {"epoch", "step", "layers"},
    "checkpoint_saved": {"step"},
    "run_finished": {"reason", "scored", "resumable", "message"},
}

REFUSED = {
    "unknown version": (["v9"], f"unknown model 'v9' (choose from {LISTED})"),
    "unknown version beside all": (["all", "v9"], f"unknown model 'v9' (choose from {LISTED})"),
    "v0 on a GPU": (["v0", "--device", "cuda"], "v0 uses NumPy and trains on the CPU only"),
    "no epochs": (["v0", "--epochs", "0"], "invalid epochs 0 (must be between 1 and 10,000)"),
    "too few images": (["v0", "--limit", "9"], "invalid limit 9 (must be between 10 and 10,000,000)"),
    "empty batches": (["v0", "--batch-size", "0"], "invalid batch size 0 (must be between 1 and 10,000)"),
    "no learning rate": (["v0", "--lr", "0"], "invalid learning rate 0 (must be above 0 and at most 100)"),
    "a learning rate that is no number": (["v0", "--lr", "nan"], "invalid learning rate nan (must be"),
    "a negative seed": (["v0", "--seed", "-1"], "invalid seed -1 (must be between 0 and 4,294,967,295)"),
    "seeds that reach too far": (["v0", "--seed", "4294967295", "--seeds", "2"], "invalid seed 4294967296"),
    "negative threads": (["v0", "--threads", "-1"], "invalid threads -1 (must be between 0 and 1,024)"),
    "an unknown device": (["v1", "--device", "banana"], "invalid device 'banana' (choose from auto, cpu, cuda,"),
}


@pytest.mark.parametrize(("arguments", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_trained_anywhere_is_wrong_usage_and_nothing_is_made(
    fmnist: Fmnist, runs: Path, arguments: list[str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fmnist_tui.cli.train.start_and_follow", lambda *_, **__: 0)
    outcome = fmnist("train", *arguments, "--data", "demo", "--runs", runs)
    assert not runs.exists()
    assert outcome.status == 2
    assert outcome.complaint.startswith(expected)
    assert outcome.complaint.endswith(" (see fmnist-tui train --help)")


def test_too_little_disk_space_is_a_warning(fmnist: Fmnist, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fmnist_tui.cli.train.start_and_follow", lambda *_, **__: 0)
    monkeypatch.setattr("fmnist_tui.runs.start.disk_space_warning", lambda *_: "little\nroom")
    outcome = fmnist("train", "v0", "--data", "demo", "--runs", runs)
    assert (outcome.status, outcome.out, outcome.err) == (0, "", "warning: little room\n")
    assert list_runs(runs)


def test_json_lines_are_the_log_with_the_runs_id(trained: tuple[Outcome, RunDirectory]) -> None:
    outcome, run = trained
    assert outcome.err == ""
    printed = [json.loads(line) for line in outcome.lines]
    assert {line.pop("run") for line in printed} == {run.run_id}
    assert printed == [json.loads(line) for line in run.events.read_text().splitlines()]
    assert {line["event"] for line in printed} == KEYS.keys()
    for line in printed:
        assert line.keys() == KEYS[line["event"]] | {"event", "time", "seq", "attempt"}


def test_every_option_arrives_in_the_run(runs: Path) -> None:
    own = "--recipe origin --epochs 2 --batch-size 5 --lr 0.01 --seed 9 --limit 20 --threads 1 --device cpu --no-test"
    outcome = call("train", "v0", *own.split(), "--runs", runs, FMNIST_TUI_DATA="demo")
    assert (outcome.status, outcome.err) == (0, "")
    (run,) = list_runs(runs)
    config = read_manifest(run).json
    assert (config["version"], config["recipe"], config["modified"], config["seed"]) == ("v0", "origin", True, 9)
    assert (config["limit"], config["threads"], config["device"], config["score_test"]) == (20, 1, "cpu", False)
    settings = config["hyperparameters"]
    assert (settings["epochs"], settings["batch_size"], settings["learning_rate"]) == (2, 5, 0.01)
    assert config["data"]["name"] == "demo"
    assert config["argv"][1:5] == ["train", "v0", "--recipe", "origin"]
    result = read_json(run.result)
    assert result
    assert (result["reason"], result["test_accuracy"], result["test_images"]) == ("completed", None, 0)
    _check_plain_lines(outcome, run)


def _check_plain_lines(outcome: Outcome, run: RunDirectory) -> None:
    assert all(line.startswith(f"{run.run_id}  ") for line in outcome.lines)
    printed = [line.removeprefix(f"{run.run_id}  ") for line in outcome.lines]
    assert printed[0] == "loading data"
    assert "started: v0, 266,610 parameters, 2 epochs of 4 steps" in printed
    assert [line[:8] for line in printed if line.startswith("epoch ")] == ["epoch 1:", "epoch 2:"]
    assert printed[-1] == "completed"


def test_without_options_the_unmodified_recipe_is_trained(
    fmnist: Fmnist, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fmnist_tui.cli.train.start_and_follow", lambda *_, **__: 0)
    monkeypatch.setattr("fmnist_tui.runs.start.check_startable", lambda *_, **__: ((1, 28, 28), 10))
    assert fmnist("train", "v0", "--data", "mnist", "--runs", runs).status == 0
    (run,) = list_runs(runs)
    config = read_manifest(run).json
    assert config["data"] == str(Path.cwd() / "mnist")
    assert (config["recipe"], config["modified"], config["seed"], config["limit"]) == ("tuned", False, 0, None)


@pytest.mark.parametrize("versions", [["all"], list(BUILT_IN)], ids=["all", "each named"])
def test_beside_others_v0_uses_the_cpu_whatever_device_is_requested(
    fmnist: Fmnist, runs: Path, monkeypatch: pytest.MonkeyPatch, versions: list[str]
) -> None:
    monkeypatch.setattr("fmnist_tui.cli.train.start_and_follow", lambda *_, **__: 0)
    monkeypatch.setattr("fmnist_tui.runs.start.check_startable", lambda *_, **__: ((1, 28, 28), 10))
    assert fmnist("train", *versions, "--device", "cuda:1", "--seeds", "2", "--runs", runs).status == 0
    asked = sorted(
        (read_manifest(run).json["version"], read_manifest(run).json["seed"], read_manifest(run).json["device"])
        for run in list_runs(runs)
    )
    assert asked == [(name, seed, "cpu" if name == "v0" else "cuda:1") for name in BUILT_IN for seed in (0, 1)]


def test_seeds_make_a_run_each_and_the_runs_wait_for_each_other(runs: Path) -> None:
    outcome = call("train", "v0", "--seed", "5", "--seeds", "3", *TINY, "--threads", "0", "--runs", runs)
    assert (outcome.status, outcome.err) == (0, "")
    made = sorted(list_runs(runs), key=lambda run: float(read_manifest(run).json["created"]))
    assert [read_manifest(run).json["seed"] for run in made] == [5, 6, 7]
    assert [line.split()[0] for line in outcome.lines if line.endswith("  completed")] == [run.run_id for run in made]
    assert f"{made[2].run_id}  waiting for cpu" in outcome.lines
    for before, after in pairwise(made):
        assert time_of(before, RunFinished) <= time_of(after, RunStarted)
    assert len({(read_json(run.result) or {})["test_nll"] for run in made}) == 3


def test_all_makes_a_run_of_each_version_in_order(four: Path) -> None:
    made = sorted(list_runs(four), key=lambda run: run.run_id)
    assert [run.run_id[:2] for run in made] == list(BUILT_IN)
    assert all(status_of(run) is Status.FINISHED for run in made)
    begun = [time_of(run, RunStarted) for run in made]
    assert begun == sorted(begun)


@pytest.mark.slow
@pytest.mark.parametrize("versions", [["all"], ["v3", "v1", "v3", "v0"]], ids=" ".join)
def test_several_versions_in_separate_processes_run_in_the_order_given(runs: Path, versions: list[str]) -> None:
    one_at_a_time = ("--threads", available_cpus())
    with started("train", *versions, *TINY, *one_at_a_time, "--runs", runs) as process:
        outcome = finish(process, patience=600)
    assert (outcome.status, outcome.err) == (0, "")
    order = list(BUILT_IN) if versions == ["all"] else ["v3", "v1", "v0"]
    assert [line[:2] for line in outcome.lines if line.endswith("  completed")] == order
    assert len({first(run, RunStarted).pid for run in list_runs(runs)}) == len(order)


def test_a_detached_run_goes_on_after_the_command_has_ended(fmnist: Fmnist, runs: Path) -> None:
    outcome = call("train", *ENDLESS, "--detach", "--runs", runs)
    run = newest(runs)
    wait_for_status(run, Status.RUNNING)
    assert fmnist("stop", run.run_id, "--now", "--runs", runs).status == 0
    wait_for_status(run, Status.STOPPED)
    assert (outcome.status, outcome.out, outcome.err) == (0, f"{run.run_id}\n", "")


def test_more_threads_than_cpus_are_warned_of_in_a_line(
    fmnist: Fmnist, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fmnist_tui.cli.train.start_and_follow", lambda *_, **__: 0)
    cpus = available_cpus()
    printed = fmnist("train", "v0", *TINY, "--threads", cpus + 1, "--runs", runs).err
    assert printed == (
        f"warning: --threads {cpus + 1} exceeds the {counted(cpus, 'available CPU')}; "
        "training will be many times slower\n"
    )
    assert fmnist("train", "v0", *TINY, "--threads", cpus, "--runs", runs).err == ""
