from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from analysis.builders import make_run
from builtin_names import SPAN

from fmnist_tui.analysis.comparison import Comparison, compare
from fmnist_tui.report.comparison import COLUMNS, INELIGIBLE_NOTE, MEASURES, comparison_report, side_by_side
from fmnist_tui.report.formats import escaped, to_csv, to_json, to_markdown
from fmnist_tui.report.sentences import paired_sentence
from fmnist_tui.runs.run import read_runs
from fmnist_tui.training.recipes import hyperparameters

IMAGES = np.arange(100)


@pytest.fixture
def found(tmp_path: Path) -> Comparison:
    for seed, accuracy in enumerate([0.88, 0.89]):
        make_run(tmp_path, "v0", seed=seed, result={"test_accuracy": accuracy}, right=11 - seed < IMAGES)
    make_run(tmp_path, "v1", result={"test_accuracy": 0.92}, right=IMAGES > 7)
    make_run(tmp_path, "v2", config={"data": {"name": "a|b *c*"}})
    return compare(read_runs(tmp_path))


def test_the_values_of_the_json_have_the_contracts_kinds(found: Comparison) -> None:
    content = json.loads(json.dumps(to_json(comparison_report(found)), allow_nan=False))
    first, second = content["versions"]
    assert (first["version"], first["runs"], first["delta"]) == ("v0", 2, None)
    accuracy = first["test_accuracy"]
    assert (accuracy["mean"], accuracy["sd"], accuracy["n"]) == (0.885, pytest.approx(0.01 / 2**0.5), 2)
    assert accuracy["interval"] == {"low": pytest.approx(0.885 - 0.0635310), "high": pytest.approx(0.885 + 0.0635310)}
    assert (accuracy["method"], second["test_accuracy"]["method"]) == ("student_t", "wilson")
    assert (first["seeds"], first["test_nll"]["interval"], first["delta_significant"]) == ([0, 1], None, None)
    assert (second["delta_method"], second["delta_significant"]) == ("paired", False)
    assert second["delta_interval"]["low"] < 0 < second["delta"] < second["delta_interval"]["high"]
    assert (second["test_accuracy"]["sd"], second["delta"]) == (None, pytest.approx(0.035))
    assert content["total_gain"] == second["delta"]
    assert content["excluded"][0]["reason"] == "data is a|b *c*"


def test_csv_has_the_numbers_of_the_json_in_full(found: Comparison) -> None:
    lines = list(csv.DictReader(io.StringIO(to_csv(comparison_report(found)))))
    for line, summary in zip(lines, to_json(comparison_report(found))["versions"], strict=True):
        for measure in MEASURES:
            assert float(line[f"{measure}_mean"]) == summary[measure]["mean"]
            sd = line[f"{measure}_sd"]
            assert (float(sd) if sd else None) == summary[measure]["sd"]
        for name in ("version", "runs", "parameters", "seconds_per_epoch", "device", "what_changed", "best_run"):
            assert line[name] == str(summary[name])
            interval = summary[measure]["interval"] or {"low": "", "high": ""}
            assert [line[f"{measure}_{end}"] for end in ("low", "high")] == [str(value) for value in interval.values()]
            assert line[f"{measure}_method"] == (summary[measure]["method"] or "")
    step = found.versions[1].step
    assert step
    assert step.interval
    assert [line["delta"] for line in lines] == ["", repr(step.value)]
    assert [line["delta_low"] for line in lines] == ["", repr(step.interval.low)]
    assert [line["delta_high"] for line in lines] == ["", repr(step.interval.high)]
    assert [line["delta_method"] for line in lines] == ["", "paired"]
    assert [line["delta_significant"] for line in lines] == ["", "False"]


def test_markdown_has_the_same_numbers_rounded(found: Comparison) -> None:
    text = to_markdown(comparison_report(found))
    table = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")][:4]
    assert [len(line) for line in table] == [len(COLUMNS)] * 4
    assert table[2][:6] == ["v0", "2", "88.50 ± 0.71%", "", "82.15 to 94.85", "0.3000 ± 0.0000"]
    # one run of v0 misses 12 images, the other 11, v1 8: 3.5 / 102 -+ 1.959964 sqrt((4.25 / 102 - 0.034314^2) / 102)
    delta = "+3.50 (-0.47 to +7.34), not significant"
    assert table[3][:6] == ["v1", "1", "92.00%", delta, "91.45 to 92.52", "0.3000"]
    assert "Total gain from v0 to v1: +3.50 points (95% CI -0.47 to +7.34), not significant\n" in text
    assert "- v0 to v1: +3.50 points (95% CI -0.47 to +7.34): not significant (paired over 100 test" in text
    assert "- v0, 2 runs: accuracy 88.50% (82.15 to 94.85), NLL 0.3000, Brier 0.1500, ECE 0.0200\n" in text
    assert f"- {escaped(paired_sentence(found.paired[0]).text)}" in text


def test_text_from_files_is_no_markup(found: Comparison) -> None:
    assert r"data is a\|b \*c\*" in to_markdown(comparison_report(found))


def test_marked_runs_carry_a_star_that_is_explained(tmp_path: Path) -> None:
    make_run(tmp_path, config={"modified": True})
    report = comparison_report(compare(read_runs(tmp_path), all_runs=True))
    assert report.table
    assert report.table.rows[0][1].text == "1*"
    assert escaped(INELIGIBLE_NOTE) in to_markdown(report)


def test_a_comparison_of_nothing_says_so() -> None:
    nothing = comparison_report(compare([], "origin"))
    assert to_markdown(nothing).startswith("**No eligible runs under the recipe origin yet**\n")
    assert len(to_csv(nothing).splitlines()) == 1
    reported = to_json(nothing)
    assert (reported["recipe"], reported["versions"], reported["total_gain"], reported["paired"]) == (
        "origin",
        [],
        None,
        [],
    )
    assert nothing.table is None


def test_recipes_side_by_side_share_a_table_and_keep_their_sections(tmp_path: Path) -> None:
    origin = {"recipe": "origin", "hyperparameters": asdict(hyperparameters("v1", "origin"))}
    configs: list[tuple[str, dict[str, Any]]] = [("v0", {}), ("v1", {}), ("v1", origin), ("v2", {"limit": 10})]
    for seed, (version, config) in enumerate(configs):
        make_run(tmp_path, version, seed=seed, config=config, right=seed < IMAGES)
    records = read_runs(tmp_path)
    tuned, other = compare(records), compare(records, "origin")
    report = side_by_side([tuned, other])
    assert report.title == f"{SPAN}, recipes tuned and origin"
    assert report.table
    assert [[cell.text for cell in row[:2]] for row in report.table.rows] == [
        ["v0", "tuned"],
        ["v1", "tuned"],
        ["v1", "origin"],
    ]
    titles = [section.title for section in report.sections]
    assert "tuned: Steps between versions" in titles
    assert "origin: Test measures with 95% CI" in titles
    (excluded,) = [section for section in report.sections if section.title == "Excluded"]
    assert excluded.table
    assert [row[0].text[:2] for row in excluded.table.rows] == ["v2"]
    assert [one["recipe"] for one in to_json(report)["recipes"]] == ["tuned", "origin"]
    assert [line.split(",")[:2] for line in to_csv(report).splitlines()[1:]] == [
        ["tuned", "v0"],
        ["tuned", "v1"],
        ["origin", "v1"],
    ]


def test_rows_of_unlike_training_are_named_by_it_and_the_json_stays_as_it_was(tmp_path: Path) -> None:
    make_run(tmp_path, "v1")
    make_run(tmp_path, "v1", seed=1, config={"limit": 10})
    report = comparison_report(compare(read_runs(tmp_path), apart=True))
    assert report.table
    assert [row[0].text for row in report.table.rows] == ["v1", "v1 (10 images)"]
    assert report.title == f"{SPAN}, recipe tuned, all scored runs"
    assert all("conditions" not in one for one in to_json(report)["versions"])
