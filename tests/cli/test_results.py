from __future__ import annotations

import csv
import io
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from builtin_names import SPAN, all_but, spelt

from fmnist_tui.analysis.reference import reference_line
from fmnist_tui.data import official
from fmnist_tui.files import read_json
from fmnist_tui.report.comparison import INELIGIBLE_NOTE
from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.training.recipes import hyperparameters, settle_for_fashion_mnist

from .commands import copy_of, edit
from .conftest import Fmnist
from .test_startup import imported_by


def step_keys(name: str) -> set[str]:
    """Of a difference between versions."""
    return {name, *(f"{name}_{part}" for part in ("interval", "method", "significant", "sentence"))}


KEYS = {"recipe", "all_runs", "versions", "paired", "excluded", "other_data", *step_keys("total_gain")}

VERSION = {
    "version",
    "runs",
    "ineligible",
    "test_accuracy",
    "test_nll",
    "test_brier",
    "test_ece",
    "parameters",
    "seconds_per_epoch",
    "device",
    "what_changed",
    "best_run",
    "inexact",
    "reported",
    "reference",
    "seeds",
    *step_keys("delta"),
}

PAIRED = {
    "first",
    "second",
    "first_run",
    "second_run",
    "only_first_correct",
    "only_second_correct",
    "p_value",
    "sentence",
    "images",
    "difference",
    "interval",
    "tests",
    "p_holm",
    "significant",
}

PARAMETERS = {"v0": 266_610, "v1": 120_970, "v2": 5_858_442, "v3": 5_858_442}


def completed(run: RunDirectory, runs: Path, run_id: str = "", accuracy: float = 0.9) -> RunDirectory:
    """A copy of the run that looks as if it had been trained on all of Fashion-MNIST by the tuned recipe."""
    copied = copy_of(run, runs, run_id)
    data = dict(
        zip(("train_fingerprint", "test_fingerprint"), official.FASHION_MNIST.fingerprints, strict=True),
        name="Fashion-MNIST",
        train_images=60_000,
    )
    recipe = asdict(settle_for_fashion_mnist(hyperparameters(copied.run_id[:2], "tuned")))
    edit(copied.run_json, hyperparameters=recipe, modified=False, limit=None, data=data)
    edit(copied.result, test_accuracy=accuracy)
    return copied


@pytest.fixture
def six(four: Path, runs: Path) -> Path:
    """A folder with two eligible runs of v0, one of v1 to v3 each, and an excluded one of v0."""
    *_, v3, v2, v1, v0 = list_runs(four)
    for number, run in enumerate((v0, v1, v2, v3)):
        completed(run, runs, accuracy=0.8 + number / 50)
    completed(v0, runs, "v0-20250101-000000-0001", accuracy=0.84)
    copy_of(v0, runs, "v0-20250101-000000-0002")
    return runs


def test_no_runs_is_no_error_and_shows_how_to_train_some(fmnist: Fmnist, runs: Path) -> None:
    outcome = fmnist("results", "--runs", runs)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.lines == [
        "No eligible runs under the recipe tuned yet",
        "",
        "Notes:",
        "Train all built-in models with: fmnist-tui train all",
        reference_line("tuned"),
    ]
    assert fmnist("results", "--format", "json", "--runs", runs).json == {
        "recipe": "tuned",
        "all_runs": False,
        "versions": [],
        **dict.fromkeys(step_keys("total_gain")),
        "paired": [],
        "excluded": [],
        "other_data": [],
    }
    assert len(fmnist("results", "--format", "csv", "--runs", runs).lines) == 1
    markdown = fmnist("results", "--format", "markdown", "--runs", runs).lines
    assert markdown[0] == "**No eligible runs under the recipe tuned yet**"


def test_json_has_the_keys_of_the_contract(fmnist: Fmnist, six: Path) -> None:
    report = fmnist("results", "--format", "json", "--runs", six).json
    assert report.keys() == KEYS
    assert [version["version"] for version in report["versions"]] == ["v0", "v1", "v2", "v3"]
    for version in report["versions"]:
        assert version.keys() == VERSION
        assert version["reported"].keys() == {"accuracy", "loss"}
        assert version["parameters"] == PARAMETERS[version["version"]]
        assert version["device"] == "cpu"
        for measure in ("test_accuracy", "test_nll", "test_brier", "test_ece"):
            assert version[measure].keys() == {"mean", "sd", "n", "interval", "method"}
            assert version[measure]["n"] == version["runs"]
        assert version["test_accuracy"]["interval"].keys() == {"low", "high"}
    assert [test.keys() for test in report["paired"]] == [PAIRED] * 6
    assert all(test["interval"].keys() == {"low", "high"} for test in report["paired"])
    assert {key for run in report["excluded"] for key in run} == {"run", "reason"}


def test_means_spreads_and_steps_are_correct(fmnist: Fmnist, six: Path) -> None:
    report = fmnist("results", "--format", "json", "--runs", six).json
    v0, v1, *_, v3 = report["versions"]
    assert (v0["runs"], v1["runs"]) == (2, 1)
    accuracy = v0["test_accuracy"]
    assert (accuracy["mean"], accuracy["sd"], accuracy["n"]) == (
        pytest.approx(0.82),
        pytest.approx(0.02 * 2**0.5),
        2,
    )
    assert v1["test_accuracy"]["sd"] is None
    assert v0["delta"] is None
    assert v1["delta"] == pytest.approx(0.0)
    assert v3["delta"] == pytest.approx(0.02)
    assert report["total_gain"] == pytest.approx(0.04)


def test_an_excluded_run_is_listed_with_the_reasons(fmnist: Fmnist, six: Path) -> None:
    (missing,) = fmnist("results", "--format", "json", "--runs", six).json["excluded"]
    assert missing["run"] == "v0-20250101-000000-0002"
    assert missing["reason"] == "recipe modified; trained on 10 of 2,000 images; data is demo"
    below = fmnist("results", "--runs", six).out.partition("Excluded:\n")[2]
    assert below.splitlines()[1].split(maxsplit=1) == [missing["run"], missing["reason"]]


def test_all_compares_ineligible_runs_too_and_marks_them(fmnist: Fmnist, six: Path) -> None:
    eligible = RunDirectory(six / "v0-20250101-000000-0001")
    edit(completed(eligible, six, "v0-20250101-000000-0003").run_json, modified=True)
    report = fmnist("results", "--all", "--format", "json", "--runs", six).json
    v0 = report["versions"][0]
    assert (v0["runs"], v0["ineligible"]) == (3, 1)
    assert [run["run"][-4:] for run in report["excluded"]] == ["0003", "0002"]
    marked = fmnist("results", "--all", "--runs", six).lines
    assert marked[3].split()[:2] == ["v0", "3*"]
    assert INELIGIBLE_NOTE in marked
    assert not any(line.startswith("*") for line in fmnist("results", "--runs", six).lines)


def test_a_run_is_eligible_under_its_own_recipe_only(fmnist: Fmnist, six: Path) -> None:
    report = fmnist("results", "--recipe", "origin", "--format", "json", "--runs", six).json
    assert report["recipe"] == "origin"
    assert report["versions"] == []
    assert {"recipe is tuned, not origin"} < {run["reason"] for run in report["excluded"]}


def test_the_table_shows_a_row_for_each_version(fmnist: Fmnist, six: Path) -> None:
    outcome = fmnist("results", "--runs", six)
    assert (outcome.status, outcome.err) == (0, "")
    title, _, header, *rows = outcome.lines[:7]
    assert title == f"{SPAN}, recipe tuned"
    assert header.split()[:4] == ["version", "runs", "accuracy", "delta"]
    assert rows[0].startswith("v0       2     82.00 ± 2.83%")
    assert rows[3].startswith("v3       1     86.00%")
    assert "+2.00" in rows[3]
    assert "Total gain from v0 to v3: +4.00 points, no CI" in outcome.lines
    assert any("only v3" in line and "only v0" in line for line in outcome.lines)
    assert "no paired test" not in outcome.out
    (best,) = six.glob("v3-*/predictions.npz")
    best.write_text("")
    report = fmnist("results", "--runs", six).lines
    assert f"{best.parent.name} is in no paired test: predictions.npz is damaged" in report


@pytest.fixture
def seeded(four: Path, runs: Path) -> Path:
    """Three seeds of v0 and of v1 whose accuracies are close together, v1's a little higher."""
    *_, v1, v0 = list_runs(four)
    for seed in range(3):
        for run, accuracy in ((v0, 0.9), (v1, 0.9005)):
            run_id = f"{run.run_id[:2]}-20250101-00000{seed}-0001"
            edit(completed(run, runs, run_id, accuracy=accuracy + seed / 1000).run_json, seed=seed)
    return runs


def test_a_difference_within_the_noise_is_not_significant(fmnist: Fmnist, seeded: Path) -> None:
    outcome = fmnist("results", "--runs", seeded)
    # sd 0.001 in both of 3 runs: sqrt(2e-6 / 3) = 0.000816, t of 4 degrees of freedom is 2.7764
    assert "+0.05 (-0.18 to +0.28), not significant" in outcome.lines[4]
    assert "Total gain from v0 to v1: +0.05 points (95% CI -0.18 to +0.28), not significant" in outcome.lines
    step = "v0 to v1: +0.05 points (95% CI -0.18 to +0.28): not significant (Welch's t, 3 runs each)"
    assert step in outcome.lines
    rest = all_but("v0", "v1")
    assert f"No eligible run of {spelt(rest)} yet; train: fmnist-tui train {' '.join(rest)}" in outcome.lines
    report = fmnist("results", "--format", "json", "--runs", seeded).json["versions"][1]
    assert report["delta_interval"].keys() == {"low", "high"}
    assert (report["delta_sentence"], report["delta_method"], report["delta_significant"]) == (step, "welch", False)


def test_several_seeds_are_compared_without_importing_scipy(seeded: Path) -> None:
    assert "scipy" not in imported_by("results", "--runs", str(seeded))


def test_excluded_runs_are_offered_for_comparison(fmnist: Fmnist, four: Path) -> None:
    title, _, _, *notes = fmnist("results", "--runs", four).lines
    assert title == "No eligible runs under the recipe tuned yet"
    assert notes[:2] == [
        "Train all built-in models with: fmnist-tui train all",
        "Compare excluded runs with: fmnist-tui results --all",
    ]


def test_of_a_recipe_without_any_run_nothing_is_offered_for_comparison(fmnist: Fmnist, four: Path) -> None:
    title, _, _, *notes = fmnist("results", "--recipe", "origin", "--runs", four).lines
    assert title == "No eligible runs under the recipe origin yet"
    assert notes[0] == "Train all built-in models with: fmnist-tui train all --recipe origin"
    assert not any("--all" in note for note in notes)


def test_named_runs_are_tested_in_pairs(fmnist: Fmnist, four: Path) -> None:
    report = fmnist("results", "v1", "v3", "v0", "--format", "json", "--runs", four).json
    assert report.keys() == {"runs", "paired"}
    assert [run["version"] for run in report["runs"]] == ["v1", "v3", "v0"]
    assert [test.keys() for test in report["paired"]] == [PAIRED] * 3
    assert [(test["first"], test["second"]) for test in report["paired"]] == [("v1", "v3"), ("v1", "v0"), ("v3", "v0")]
    shown = fmnist("results", "v1", "v3", "v0", "--runs", four).lines
    assert [line.split()[0][:2] for line in shown[2:6]] == ["ru", "v1", "v3", "v0"]
    assert shown[7] == "Image by image (p adjusted by Holm's method):"
    assert "only v3" in shown[8]
    assert len(fmnist("results", "v1", "v3", "--format", "csv", "--runs", four).lines) == 2
    assert " only v3" in fmnist("results", "v1", "v3", "--format", "markdown", "--runs", four).out


def test_runs_that_cannot_be_compared_are_refused_in_one_line(fmnist: Fmnist, six: Path, four: Path) -> None:
    for status, words, complaint in (
        (2, ["v1"], "name another run to compare it with"),
        (2, ["v1", "v2", "--all"], "--all selects runs"),
        (2, ["v1", "v2", "--recipe", "tuned"], "--recipe selects runs"),
        (1, ["v1", "v1"], "is named twice"),
        (1, ["v1", "v9"], "there is no run 'v9'"),
        (1, ["v1", "v0-20250101-000000-0002"], "were scored on different test images (Fashion-MNIST, demo)"),
    ):
        refused = fmnist("results", *words, "--runs", six)
        assert refused.status == status
        assert complaint in refused.complaint
    (six / f"{list_runs(four)[1].run_id}" / "predictions.npz").unlink()  # v3's
    assert "no predictions.npz; retrain v3" in fmnist("results", "v1", "v3", "--runs", six).complaint


def test_csv_and_markdown_contain_the_same_as_json(fmnist: Fmnist, six: Path) -> None:
    report: list[dict[str, Any]] = fmnist("results", "--format", "json", "--runs", six).json["versions"]
    rows = list(csv.DictReader(io.StringIO(fmnist("results", "--format", "csv", "--runs", six).out)))
    assert [row["version"] for row in rows] == [version["version"] for version in report]
    for row, version in zip(rows, report, strict=True):
        assert float(row["test_accuracy_mean"]) == version["test_accuracy"]["mean"]
        assert row["test_accuracy_sd"] == str(version["test_accuracy"]["sd"] or "")
        assert row["delta"] == ("" if version["delta"] is None else str(version["delta"]))
        assert row["best_run"] == version["best_run"]
    markdown = fmnist("results", "--format", "markdown", "--runs", six).lines
    assert [line[:5] for line in markdown[4:8]] == ["| v0 ", "| v1 ", "| v2 ", "| v3 "]
    assert set(markdown[3]) == set("| -:")


def test_csv_has_a_row_for_each_data_set(fmnist: Fmnist, six: Path) -> None:
    other = RunDirectory(six / "v0-20250101-000000-0001")
    known = read_json(other.run_json) or {}
    edit(other.run_json, data={**known["data"], "name": "digits", "train_fingerprint": "a", "test_fingerprint": "b"})
    rows = list(csv.DictReader(io.StringIO(fmnist("results", "--format", "csv", "--runs", six).out)))
    assert {row["data"] for row in rows[:-1]} == {"Fashion-MNIST"}
    assert (rows[-1]["version"], rows[-1]["runs"], rows[-1]["data"]) == ("v0", "1", "digits")


def test_a_damaged_result_does_not_hide_the_others(fmnist: Fmnist, six: Path) -> None:
    (six / "v0-20250101-000000-0001" / "result.json").write_text("{")
    report = fmnist("results", "--format", "json", "--runs", six).json
    assert report["versions"][0]["runs"] == 1
    assert {"run": "v0-20250101-000000-0001", "reason": "result.json is damaged"} in report["excluded"]
    assert read_json(six / "v0-20250101-000000-0001" / "result.json") is None
