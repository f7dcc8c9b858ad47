from __future__ import annotations

from pathlib import Path

import pytest

from fmnist_tui.runs.directory import RunDirectory

from .commands import copy_of, edit
from .conftest import Fmnist

KEYS = {"run", "version", "recipe", "seed", "status", "epoch", "epochs", "test_accuracy", "label", "bytes"}


def test_no_runs_is_no_error_and_shows_how_to_start_one(fmnist: Fmnist, runs: Path) -> None:
    outcome = fmnist("runs", "--runs", runs)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.lines == [f"no runs in {runs} yet; start one with: fmnist-tui train v0"]
    assert fmnist("runs", "--json", "--runs", runs).json == []
    assert not runs.exists()


def test_a_finished_run_has_a_line(fmnist: Fmnist, finished: RunDirectory) -> None:
    outcome = fmnist("runs", "--runs", finished.path.parent)
    header, line = outcome.lines
    assert header.split() == ["run", "recipe", "seed", "status", "epoch", "test", "accuracy", "size", "label"]
    run, recipe, seed, status, epoch, accuracy, size, megabytes = line.split()
    assert (run, recipe, seed, status, epoch, megabytes) == (
        finished.run_id,
        "tuned*",
        "3",
        "finished",
        "6/6",
        "MB",
    )
    assert 0 <= float(accuracy.removesuffix("%")) <= 100
    assert float(size) > 1


def test_json_has_the_keys_of_the_contract(fmnist: Fmnist, finished: RunDirectory) -> None:
    (run,) = fmnist("runs", "--json", "--runs", finished.path.parent).json
    assert run.keys() == KEYS
    assert (run["run"], run["version"], run["recipe"], run["seed"]) == (finished.run_id, "v0", "tuned*", 3)
    assert (run["status"], run["epoch"], run["epochs"], run["label"]) == ("finished", 6, 6, "")
    assert 0 <= run["test_accuracy"] <= 1
    assert run["bytes"] == finished.size()


def test_the_newest_run_comes_first_whatever_its_version(fmnist: Fmnist, finished: RunDirectory, runs: Path) -> None:
    ids = ["v3-20250101-000000-0001", "v0-20250102-000000-0001", "v1-20250101-120000-0001"]
    for run_id in ids:
        copy_of(finished, runs, run_id)
    (runs / "notes").mkdir()
    listed = [run["run"] for run in fmnist("runs", "--json", "--runs", runs).json]
    assert listed == [ids[1], ids[2], ids[0]]
    assert [line.split()[0] for line in fmnist("runs", "--runs", runs).lines[1:]] == listed


def test_a_name_is_at_the_end_of_its_line(fmnist: Fmnist, finished: RunDirectory, runs: Path) -> None:
    edit(copy_of(finished, runs).label, name="first try")
    assert fmnist("runs", "--runs", runs).lines[1].endswith("MB  first try")
    assert fmnist("runs", "--json", "--runs", runs).json[0]["label"] == "first try"


def test_a_run_that_cannot_be_read_is_listed_anyway(fmnist: Fmnist, runs: Path) -> None:
    (runs / "v2-20250101-000000-00ff").mkdir(parents=True)
    (runs / "v2-20250101-000000-00ff" / "run.json").write_text("{")
    (run,) = fmnist("runs", "--json", "--runs", runs).json
    assert (run["version"], run["status"], run["epochs"], run["test_accuracy"]) == ("v2", "interrupted", None, None)
    assert "interrupted" in fmnist("runs", "--runs", runs).lines[1]


def test_the_environment_sets_the_runs_folder_and_an_option_overrides_it(
    fmnist: Fmnist, finished: RunDirectory, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FMNIST_TUI_RUNS", str(finished.path.parent))
    assert [run["run"] for run in fmnist("runs", "--json").json] == [finished.run_id]
    assert fmnist("runs", "--json", "--runs", runs).json == []


def test_without_either_the_runs_are_in_the_users_data_folder(
    fmnist: Fmnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    outcome = fmnist("runs")
    assert outcome.status == 0
    assert outcome.out.startswith(f"no runs in {tmp_path}/")
    assert "fmnist-tui/runs yet" in outcome.out


def test_a_file_in_the_place_of_the_runs_folder_is_one_line(fmnist: Fmnist, tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    for command in ("runs", "results"):
        outcome = fmnist(command, "--runs", tmp_path / "runs")
        assert (outcome.status, outcome.out) == (1, "")
        assert outcome.complaint == (
            f"can't read the runs folder {tmp_path / 'runs'} (Not a directory); choose one with --runs"
        )
