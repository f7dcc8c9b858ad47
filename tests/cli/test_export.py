from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from fmnist_tui.files import read_json
from fmnist_tui.runs.directory import RunDirectory, list_runs

from .commands import copy_of
from .conftest import Fmnist

CURVES = {"metrics.csv", "training_loss_plot.png", "training_loss_plot.svg"}
ERRORS = {"per_class.csv", "confusion.csv"}
ERRORS |= {f"{name}.{kind}" for name in ("confusion", "reliability") for kind in ("png", "svg")}
IMAGE = {"index", "target", "predicted", "predicted_list", "result"}


@pytest.mark.parametrize(
    ("version", "stats"),
    [("v0", "normal_nn_stats.json"), pytest.param("v1", "cnn_model_stats.json", marks=pytest.mark.slow)],
    ids=["v0", "v1"],
)
def test_a_run_is_exported_with_the_file_names_of_the_original_project(
    fmnist: Fmnist, four: Path, tmp_path: Path, version: str, stats: str
) -> None:
    outcome = fmnist("export", version, "--to", tmp_path / "out", "--runs", four)
    assert (outcome.status, outcome.err) == (0, "")
    run = next(run for run in list_runs(four) if run.run_id.startswith(version))
    folder = tmp_path / "out" / run.run_id
    assert {path.name for path in folder.iterdir()} == CURVES | ERRORS | {stats, "predictions.npz"}
    assert {Path(line) for line in outcome.lines} == set(folder.iterdir())
    assert (folder / "predictions.npz").read_bytes() == run.predictions.read_bytes()
    assert (folder / "training_loss_plot.png").read_bytes().startswith(b"\x89PNG\r\n")
    assert "<svg" in (folder / "training_loss_plot.svg").read_text()
    _statistics_are_right(folder / stats, run)


def _statistics_are_right(path: Path, run: RunDirectory) -> None:
    exported = json.loads(path.read_text())
    result = read_json(run.result) or {}
    assert exported.keys() == {"data", "loss", "accuracy"}
    assert exported["accuracy"] == result["test_accuracy"]
    assert exported["loss"] == pytest.approx(result["test_nll"])
    with np.load(run.predictions) as predictions:
        probabilities, labels = predictions["probabilities"], predictions["labels"]
    assert [image["index"] for image in exported["data"]] == list(range(500))
    assert [image["target"] for image in exported["data"]] == labels.tolist()
    np.testing.assert_array_equal([image["predicted_list"] for image in exported["data"]], probabilities)
    for image in exported["data"]:
        assert image.keys() == IMAGE
        assert image["predicted"] == int(np.argmax(image["predicted_list"]))
        assert image["result"] is (image["predicted"] == image["target"])


@pytest.mark.usefixtures("blank_figures")
def test_metrics_contain_every_log_interval_and_every_epoch(
    fmnist: Fmnist, finished: RunDirectory, runs: Path, tmp_path: Path
) -> None:
    copy_of(finished, runs).predictions.unlink()  # nor are pictures of them drawn
    assert fmnist("export", "last", "--to", tmp_path, "--runs", runs).status == 0
    rows = list(csv.DictReader((tmp_path / finished.run_id / "metrics.csv").read_text().splitlines()))
    log = [json.loads(line) for line in finished.events.read_text().splitlines()]
    for kind, event in (("interval", "step"), ("epoch", "epoch")):
        steps = [int(row["step"]) for row in rows if row["kind"] == kind]
        assert steps == [record["step"] for record in log if record["event"] == event]


@pytest.mark.usefixtures("blank_figures")
def test_without_a_name_all_runs_are_exported_and_missing_parts_are_reported(
    fmnist: Fmnist, finished: RunDirectory, runs: Path, tmp_path: Path
) -> None:
    scored, unscored = copy_of(finished, runs), copy_of(finished, runs, "v0-20250101-000000-00ff")
    unscored.predictions.unlink()
    outcome = fmnist("export", "--to", tmp_path / "out", "--runs", runs)
    assert outcome.status == 0
    assert outcome.err == (f"{unscored.run_id}: no statistics and no predictions exported (no predictions.npz)\n")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {scored.run_id, unscored.run_id}
    assert {path.name for path in (tmp_path / "out" / unscored.run_id).iterdir()} == CURVES


@pytest.mark.usefixtures("blank_figures")
def test_several_runs_can_be_named(fmnist: Fmnist, finished: RunDirectory, runs: Path, tmp_path: Path) -> None:
    for version in ("v0", "v1", "v3"):
        copy_of(finished, runs, f"{version}-20250101-000000-00ff").predictions.unlink()
    outcome = fmnist("export", "v0", "v3", "--to", tmp_path / "out", "--runs", runs)
    assert outcome.status == 0
    assert sorted(path.name[:2] for path in (tmp_path / "out").iterdir()) == ["v0", "v3"]


def test_no_runs_is_an_error(fmnist: Fmnist, runs: Path, tmp_path: Path) -> None:
    outcome = fmnist("export", "--to", tmp_path / "out", "--runs", runs)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.complaint == f"there are no runs in {runs} yet; start one with: fmnist-tui train v0"
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("blank_figures")
def test_an_unwritable_target_is_one_line(fmnist: Fmnist, finished: RunDirectory, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    outcome = fmnist("export", "last", "--to", tmp_path / "file", "--runs", finished.path.parent)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.complaint == (
        f"can't write to {tmp_path / 'file' / finished.run_id} (Not a directory); choose another folder with --to"
    )
