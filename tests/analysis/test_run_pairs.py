from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fmnist_tui.analysis import intervals
from fmnist_tui.analysis.run_pairs import RunPairs, compare_runs
from fmnist_tui.errors import RunError
from fmnist_tui.files import write_json
from fmnist_tui.report.formats import to_csv, to_json, to_markdown
from fmnist_tui.report.run_pairs import run_pairs_report
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.run import read_run
from fmnist_tui.runs.status import Status
from fmnist_tui.training.events import RunFinished

from .builders import make_run, training, write_log

IMAGES = np.arange(100)


def pairs(*runs: RunDirectory) -> RunPairs:
    return compare_runs([read_run(run) for run in runs])


def refusal(*runs: RunDirectory) -> str:
    with pytest.raises(RunError) as caught:
        pairs(*runs)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_each_pair_is_tested_in_the_order_in_which_they_were_named(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, version, right=wrong <= IMAGES) for version, wrong in (("v3", 5), ("v1", 20), ("v2", 9))]
    found = pairs(*runs)
    assert [one.record.run_id for one in found.runs] == [run.run_id for run in runs]
    tested = [(test.first, test.second, test.only_first_correct, test.only_second_correct) for test in found.paired]
    assert tested == [("v3", "v1", 15, 0), ("v3", "v2", 4, 0), ("v1", "v2", 0, 11)]
    assert [test.tests for test in found.paired] == [3, 3, 3]
    assert found.runs[0].scores.accuracy == 0.95
    assert found.runs[0].interval == intervals.of_fraction(0.95, 100)


def test_ineligible_runs_are_compared_whatever_their_status(tmp_path: Path) -> None:
    stopped = make_run(tmp_path, "v1", right=IMAGES > 9, finished=RunFinished("stopped", scored=True))
    modified = make_run(tmp_path, "v2", config={"modified": True}, right=IMAGES > 2)
    modified.result.unlink()
    (test,) = pairs(stopped, modified).paired
    assert (test.only_first_correct, test.only_second_correct) == (0, 7)


def test_the_sentence_is_the_contracts(tmp_path: Path) -> None:
    first, second = (make_run(tmp_path, version, right=wrong <= IMAGES) for version, wrong in (("v2", 20), ("v3", 12)))
    # 8 / 102 = 0.078431 -+ 1.959964 sqrt((9 / 102 - 0.078431^2) / 102) = 0.055600; p = 2 / 2^8
    _, section = run_pairs_report(pairs(first, second)).sections
    assert [line.text for line in section.lines] == [
        "v3 is better than v2 (p = 0.008): 8 images only v3 gets right, 0 only v2; "
        "+8.00 points from v2 to v3 (95% CI +2.28 to +13.40, over the images, for these two runs)"
    ]


def test_runs_are_named_by_what_distinguishes_them(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, "v3", seed=seed, right=IMAGES > 9) for seed in (1, 2)]
    ids = [run.run_id for run in runs]
    assert list(pairs(*runs).names.values()) == ["v3 (seed 1)", "v3 (seed 2)"]
    for run, name in zip(runs, ("narrow", "wide"), strict=True):
        write_json(run.label, {"name": name})
    assert pairs(*runs).names == dict(zip(ids, ("narrow", "wide"), strict=True))
    runs[1].label.unlink()
    again = make_run(tmp_path, "v3", seed=4, config={"seed": 1}, right=IMAGES > 9)
    assert list(pairs(*runs, again).names) == list(pairs(*runs, again).names.values())


def test_a_run_that_was_never_scored_is_refused_with_what_to_do(tmp_path: Path) -> None:
    scored, unscored = make_run(tmp_path, "v1", right=IMAGES > 9), make_run(tmp_path, "v2")
    assert refusal(scored, unscored) == (
        f"{unscored.run_id} can't be compared: no predictions.npz; retrain v2 without --no-test, so that it is scored"
    )
    unscored.result.unlink()
    write_log(unscored, training("v2", [0.8]))
    assert refusal(unscored, scored).endswith(f"resume it: fmnist-tui resume {unscored.run_id}")
    unscored.predictions.write_bytes(b"PK")
    assert "predictions.npz is damaged; retrain v2" in refusal(scored, unscored)


def test_a_run_that_is_still_trained_is_refused_until_its_end(tmp_path: Path) -> None:
    scored, live = (
        read_run(make_run(tmp_path, version, right=right)) for version, right in (("v1", IMAGES > 9), ("v2", None))
    )
    with pytest.raises(RunError) as caught:
        compare_runs([scored, replace(live, status=Status.RUNNING)])
    assert str(caught.value).endswith(f"it is running and will be scored when it ends: fmnist-tui attach {live.run_id}")


def test_runs_on_other_images_are_refused(tmp_path: Path) -> None:
    ours = make_run(tmp_path, "v1", right=IMAGES > 9)
    digits = {"data": {"name": "MNIST", "test_fingerprint": "1"}}
    theirs = make_run(tmp_path, "v2", config=digits, right=IMAGES > 9)
    assert refusal(ours, theirs) == (
        f"{ours.run_id} and {theirs.run_id} were scored on different test images (Fashion-MNIST, MNIST): "
        "name runs on the same data"
    )


def test_a_run_named_twice_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path, "v1", right=IMAGES > 9)
    assert refusal(run, run).startswith(f"{run.run_id} is named twice: ")


def test_json_csv_and_markdown_say_the_same(tmp_path: Path) -> None:
    found = pairs(*(make_run(tmp_path, f"v{number}", right=number * 3 <= IMAGES) for number in (1, 2, 3)))
    report = run_pairs_report(found)
    reported = json.loads(json.dumps(to_json(report), allow_nan=False))
    assert reported.keys() == {"runs", "paired"}
    assert reported["runs"][0].keys() == {
        *("run", "label", "version", "recipe", "seed", "n_train", "epochs", "status", "images"),
        *("test_accuracy", "test_accuracy_interval", "test_nll", "test_brier", "test_ece"),
    }
    lines = list(csv.DictReader(io.StringIO(to_csv(report))))
    for line, test in zip(lines, reported["paired"], strict=True):
        assert (line["first_run"], line["second_run"]) == (test["first_run"], test["second_run"])
        for name in ("p_value", "p_holm", "difference", "only_second_correct"):
            assert float(line[name]) == test[name]
        assert float(line["difference_low"]) == test["interval"]["low"]
        assert test["sentence"].replace("<", r"\<") in to_markdown(report)
