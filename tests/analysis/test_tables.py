from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmnist_tui.analysis import tables
from fmnist_tui.analysis.comparison import Comparison, compare
from fmnist_tui.analysis.record import read_records

from .builders import make_run

IMAGES = np.arange(100)


@pytest.fixture
def found(tmp_path: Path) -> Comparison:
    for seed, accuracy in enumerate([0.88, 0.89]):
        make_run(tmp_path, "v0", seed=seed, result={"test_accuracy": accuracy}, right=IMAGES > 11)
    make_run(tmp_path, "v1", result={"test_accuracy": 0.92}, right=IMAGES > 7)
    make_run(tmp_path, "v2", config={"data": {"name": "a|b *c*"}})
    return compare(read_records(tmp_path))


def keys(value: dict[str, Any]) -> set[str]:
    return set(value)


def test_the_keys_of_the_json_are_the_contracts(found: Comparison) -> None:
    content = json.loads(json.dumps(tables.as_json(found), allow_nan=False))
    assert keys(content) == {"recipe", "versions", "total_gain", "paired", "not_counted"}
    first, second = content["versions"]
    assert keys(first) == keys(second)
    assert keys(first) == {
        "version",
        "runs",
        "marked",
        "test_accuracy",
        "test_nll",
        "test_brier",
        "test_ece",
        "parameters",
        "seconds_per_epoch",
        "device",
        "what_changed",
        "delta",
        "best_run",
        "reported",
    }
    for measure in tables.MEASURES:
        assert keys(first[measure]) == {"mean", "sd", "n"}
    assert keys(first["reported"]) == {"accuracy", "loss"}
    assert keys(content["paired"][0]) == {
        "first",
        "second",
        "first_run",
        "second_run",
        "only_first_right",
        "only_second_right",
        "p_value",
        "sentence",
    }
    assert keys(content["not_counted"][0]) == {"run", "why"}


def test_the_values_of_the_json_have_the_contracts_kinds(found: Comparison) -> None:
    content = json.loads(json.dumps(tables.as_json(found)))
    first, second = content["versions"]
    assert (first["version"], first["runs"], first["delta"]) == ("v0", 2, None)
    assert first["test_accuracy"] == {"mean": 0.885, "sd": pytest.approx(0.01 / 2**0.5), "n": 2}
    assert (second["test_accuracy"]["sd"], second["delta"]) == (None, pytest.approx(0.035))
    assert content["total_gain"] == second["delta"]
    assert content["not_counted"][0]["why"] == "data is a|b *c*"


def test_csv_has_the_numbers_of_the_json_in_full(found: Comparison) -> None:
    lines = list(csv.DictReader(io.StringIO(tables.as_csv(found))))
    for line, summary in zip(lines, tables.as_json(found)["versions"], strict=True):
        for measure in tables.MEASURES:
            assert float(line[f"{measure}_mean"]) == summary[measure]["mean"]
            sd = line[f"{measure}_sd"]
            assert (float(sd) if sd else None) == summary[measure]["sd"]
        for name in ("version", "runs", "parameters", "seconds_per_epoch", "device", "what_changed", "best_run"):
            assert line[name] == str(summary[name])
    assert [line["delta"] for line in lines] == ["", repr(found.versions[1].delta)]


def test_markdown_has_the_same_numbers_rounded(found: Comparison) -> None:
    text = tables.as_markdown(found)
    table = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    assert [len(line) for line in table] == [len(tables.HEADER)] * 4
    assert table[2][:5] == ["v0", "2", "88.50 ± 0.71 %", "", "0.3000 ± 0.0000"]
    assert table[3][:5] == ["v1", "1", "92.00 %", "+3.50", "0.3000"]
    assert "Total gain from v0 to v1: +3.50 points." in text
    assert f"- {found.paired[0].sentence.replace('<', chr(92) + '<')}" in text


def test_text_from_files_is_no_markup(found: Comparison) -> None:
    assert r"data is a\|b \*c\*" in tables.as_markdown(found)


def test_marked_runs_carry_a_star_that_is_explained(tmp_path: Path) -> None:
    make_run(tmp_path, config={"modified": True})
    everything = compare(read_records(tmp_path), everything=True)
    assert tables.rows(everything)[0][1] == "1*"
    assert r"\* not all of these runs count; the reasons are below." in tables.as_markdown(everything)


def test_a_comparison_of_nothing_says_so() -> None:
    nothing = compare([], "origin")
    assert tables.as_markdown(nothing) == "No run counts under origin yet.\n"
    assert len(tables.as_csv(nothing).splitlines()) == 1
    assert tables.as_json(nothing) == {
        "recipe": "origin",
        "versions": [],
        "total_gain": None,
        "paired": [],
        "not_counted": [],
    }
    assert (tables.rows(nothing), tables.gain_line(nothing)) == ([], "")
