from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from analysis.builders import LABELS, make_run, probabilities

from fmnist_tui.report.export import Export, ExportError, export_run
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.run import read_run
from fmnist_tui.training.metrics import negative_log_likelihood

RIGHT = np.arange(100) % 5 != 0
ERRORS = {
    "per_class.csv",
    "confusion.csv",
    "confusion.png",
    "confusion.svg",
    "reliability.png",
    "reliability.svg",
}
CURVES = {"metrics.csv", "training_loss_plot.png", "training_loss_plot.svg"}


def export(run: RunDirectory, folder: Path) -> Export:
    return export_run(read_run(run), folder)


def names(exported: Export) -> set[str]:
    return {path.name for path in exported.files}


@pytest.mark.usefixtures("blank_figures")
def test_a_scored_run_becomes_files_in_a_folder_of_its_own_as_often_as_asked(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs", right=RIGHT)
    exported = export(run, tmp_path / "new" / "folder")
    assert exported.folder == tmp_path / "new" / "folder" / run.run_id
    assert names(exported) == {"normal_nn_stats.json", "predictions.npz"} | ERRORS | CURVES
    assert set(exported.folder.iterdir()) == set(exported.files)
    assert exported.notes == ()
    first = {path: path.read_bytes() for path in exported.files}
    assert export(run, tmp_path / "new" / "folder") == exported
    assert {path: path.read_bytes() for path in exported.files} == first


@pytest.mark.usefixtures("blank_figures")
@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_the_statistics_of_the_cnns_have_the_name_that_the_origin_gave_them(tmp_path: Path, version: str) -> None:
    run = make_run(tmp_path / "runs", version, validation=[], right=RIGHT)
    assert names(export(run, tmp_path)) == {"cnn_model_stats.json", "predictions.npz"} | ERRORS


@pytest.mark.usefixtures("blank_figures")
def test_the_statistics_say_each_image_and_the_whole(tmp_path: Path) -> None:
    exported = export(make_run(tmp_path / "runs", validation=[], right=RIGHT), tmp_path)
    stats: dict[str, Any] = json.loads((exported.folder / "normal_nn_stats.json").read_text())
    assert list(stats) == ["data", "loss", "accuracy"]
    table = probabilities(RIGHT)
    assert stats["accuracy"] == 0.8
    assert stats["loss"] == negative_log_likelihood(table, LABELS)
    assert stats["loss"] == pytest.approx(-(0.8 * np.log(0.82) + 0.2 * np.log(0.02)), rel=1e-6)
    assert [image["index"] for image in stats["data"]] == list(range(100))
    assert [image["result"] for image in stats["data"]] == RIGHT.tolist()
    assert np.array_equal(np.array([image["predicted_list"] for image in stats["data"]], np.float32), table)
    wrong = stats["data"][5]
    assert list(wrong) == ["index", "target", "predicted", "predicted_list", "result"]
    assert (wrong["target"], wrong["predicted"], wrong["result"]) == (5, 6, False)


def test_the_other_files_can_be_read_back(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs", right=RIGHT)
    folder = export(run, tmp_path).folder
    assert (folder / "predictions.npz").read_bytes() == run.predictions.read_bytes()
    for picture in ("training_loss_plot", "confusion", "reliability"):
        assert (folder / f"{picture}.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        assert ET.parse(folder / f"{picture}.svg").getroot().tag.endswith("svg")  # noqa: S314 - made here
    with (folder / "metrics.csv").open() as file:
        assert [row["kind"] for row in csv.DictReader(file)] == ["interval", "interval", "epoch"] * 2


@pytest.mark.usefixtures("blank_figures")
def test_where_it_errs_can_be_read_back_class_by_class(tmp_path: Path) -> None:
    folder = export(make_run(tmp_path / "runs", validation=[], right=RIGHT), tmp_path).folder
    with (folder / "per_class.csv").open() as file:
        recalls = {row["class"]: float(row["recall"]) for row in csv.DictReader(file)}
    assert (recalls["T-shirt/top"], recalls["Trouser"], recalls["Sandal"]) == (0.0, 1.0, 0.0)
    with (folder / "confusion.csv").open() as file:
        taken = {row["true"]: row for row in csv.DictReader(file)}
    assert (taken["T-shirt/top"]["Trouser"], taken["Trouser"]["Trouser"]) == ("10", "10")


@pytest.mark.usefixtures("blank_figures")
def test_a_run_without_predictions_exports_the_rest_and_says_so(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs")
    exported = export(run, tmp_path)
    assert names(exported) == CURVES
    assert exported.notes == (f"{run.run_id}: no statistics and no predictions exported (no predictions.npz)",)


@pytest.mark.usefixtures("blank_figures")
def test_a_run_that_took_no_step_says_so(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs", validation=[], right=RIGHT)
    exported = export(run, tmp_path)
    assert names(exported) == {"normal_nn_stats.json", "predictions.npz"} | ERRORS
    assert exported.notes == (f"{run.run_id}: no metrics and no plot exported (its log has no steps)",)


@pytest.mark.usefixtures("blank_figures")
def test_a_damaged_run_json_does_not_keep_the_rest_back(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs", "v2", validation=[], right=RIGHT)
    run.run_json.write_bytes(b"{")
    assert "cnn_model_stats.json" in names(export(run, tmp_path))


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError) as caught:
        export(make_run(tmp_path / "runs", validation=[]), tmp_path / "file")
    text = str(caught.value)
    assert text.startswith(f"can't write to {tmp_path / 'file'}")
    assert text.endswith("(Not a directory)")
    assert "\n" not in text
