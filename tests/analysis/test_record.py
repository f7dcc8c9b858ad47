from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from fmnist_tui.analysis import intervals
from fmnist_tui.analysis.comparison import compare
from fmnist_tui.analysis.eligibility import exclusion_reason
from fmnist_tui.report.comparison import comparison_report
from fmnist_tui.report.formats import to_csv, to_json, to_markdown
from fmnist_tui.runs.fold import read_epochs, read_snapshot
from fmnist_tui.runs.run import read_run, read_runs
from fmnist_tui.runs.status import Status
from fmnist_tui.training.events import Resumed, RunFinished, RunStarted
from fmnist_tui.training.metrics import Scores

from .builders import make_run, result_json, run_json, training, window, write_log

ODD_VALUES: list[Any] = [None, True, "x\x1b[31m\ud800", -1, 1e308, 10**400, math.inf, math.nan, [1], {"x": 1}]


def test_a_record_says_what_a_run_was_and_how_it_ended(tmp_path: Path) -> None:
    run = make_run(tmp_path, "v1", config={"device": "cuda:0"})
    run.label.write_text('{"name": "night"}')
    record = read_run(run)
    assert (record.run_id, record.version, record.recipe) == (run.run_id, "v1", "tuned")
    assert (record.status, record.label, record.device, record.damage) == (Status.FINISHED, "night", "cuda:0", "")
    assert record.scores == Scores(0.9, 0.3, 0.15, 0.02)


def test_records_come_newest_first_and_other_folders_are_passed_over(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, version, seed=seed) for version, seed in (("v2", 1), ("v0", 3), ("v1", 2))]
    (tmp_path / ".devices").mkdir()
    assert [record.run_id for record in read_runs(tmp_path)] == [runs[i].run_id for i in (1, 2, 0)]
    assert read_runs(tmp_path / "nowhere") == []


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"3", b'{"version": '])
def test_a_damaged_run_json_is_reported_and_the_version_is_known_from_the_id(tmp_path: Path, content: bytes) -> None:
    run = make_run(tmp_path, "v2")
    run.run_json.write_bytes(content)
    record = read_run(run)
    assert record.damage == "run.json is damaged"
    assert record.version == "v2"


def test_a_damaged_result_is_reported(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.result.write_bytes(b'{"reason": "comp')
    assert read_run(run).damage == "result.json is damaged"
    assert read_run(run).scores is None


def test_a_label_is_one_printable_line(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.label.write_text(json.dumps({"name": "a\x1b[31m\nb\ud800"}))
    assert read_run(run).label == "a [31m b "
    run.label.write_text('{"name": ["a"]}')
    assert read_run(run).label == ""


@pytest.mark.parametrize("value", ODD_VALUES, ids=repr)
def test_no_hand_edited_value_stops_a_comparison(tmp_path: Path, value: Any) -> None:
    whole, other = run_json("v0", 0), result_json("v0", 0)
    for number, key in enumerate(whole):
        write_edited(make_run(tmp_path, seed=number).run_json, whole | {key: value})
    for number, key in enumerate(other, start=100):
        write_edited(make_run(tmp_path, seed=number).result, other | {key: value})
    for number, key in enumerate(whole["data"], start=200):
        write_edited(make_run(tmp_path, seed=number).run_json, whole | {"data": whole["data"] | {key: value}})
    for all_runs in (False, True):
        comparison = compare(read_runs(tmp_path), all_runs=all_runs)
        report = comparison_report(comparison)
        json.dumps(to_json(report), allow_nan=False).encode()
        assert (to_markdown(report) + to_csv(report)).encode()


@pytest.mark.parametrize(
    "changes",
    [{"test_accuracy": 93.2}, {"test_accuracy": -0.1}, {"test_nll": -1.0}, {"test_brier": 3}, {"test_ece": 2.0}],
)
def test_scores_that_cannot_be_are_none(tmp_path: Path, changes: dict[str, Any]) -> None:
    record = read_run(make_run(tmp_path, result=changes))
    assert record.scores is None
    assert exclusion_reason(record, "tuned") == "result.json holds impossible scores"


@pytest.mark.parametrize("count", [0, -1])
def test_a_number_of_images_that_cannot_be_is_passed_over(tmp_path: Path, count: int) -> None:
    make_run(tmp_path, result={"test_images": count})
    (summary,) = compare(read_runs(tmp_path)).versions
    assert summary.test_accuracy.interval == intervals.of_fraction(0.9, 10_000)


def write_edited(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content))


def test_epochs_are_those_of_the_snapshot_whatever_befell_the_log(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    write_log(run, [*training("v0", [0.5, 0.6, 0.7]), Resumed(15, 2), window(20), RunFinished("completed")])
    with run.events.open("ab") as log:
        log.write(b'{"event":"epoch","validation_accuracy":\n[]\n{"event":"epoch","validation_accuracy":"x"}\n')
        log.write(b'{"event":"epoch","validation_accuracy":' + b"[" * 100_000 + b"\n")
    assert read_epochs(run) == read_snapshot(run).epochs
    assert [epoch.validation_accuracy for epoch in read_epochs(run)] == [0.5]


def test_a_run_that_was_begun_again_has_the_epochs_of_its_last_beginning(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    begun_again = [*training("v0", [0.5, 0.6]), training("v0", [])[0]]
    assert isinstance(begun_again[-1], RunStarted)
    write_log(run, begun_again)
    assert read_epochs(run) == read_snapshot(run).epochs == ()


def test_a_run_without_a_log_has_no_epochs(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.events.unlink()
    assert read_epochs(run) == ()
    assert exclusion_reason(read_run(run), "tuned") == "interrupted"
