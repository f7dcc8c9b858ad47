from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from fmnist_tui.analysis import reference
from fmnist_tui.analysis.comparison import compare
from fmnist_tui.analysis.reference import Reference, reference_line, references, summarised
from fmnist_tui.report.comparison import comparison_report
from fmnist_tui.report.formats import to_csv, to_json, to_markdown
from fmnist_tui.runs.run import read_runs
from fmnist_tui.training.recipes import hyperparameters

from .builders import make_run

V1 = Reference(0.9271, 0.0012, 3)


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """Lets the program come with this summary."""

    def ship(content: object) -> None:
        monkeypatch.setattr(reference, "SUMMARY", tmp_path / "reference.json")
        reference.SUMMARY.write_text(json.dumps(content))

    return ship


def test_the_summary_holds_the_eligible_runs_of_each_recipe(tmp_path: Path) -> None:
    for seed, accuracy in enumerate([0.92, 0.93, 0.94]):
        make_run(tmp_path, "v1", seed=seed, result={"test_accuracy": accuracy})
    origin = {"recipe": "origin", "hyperparameters": asdict(hyperparameters("v1", "origin"))}
    make_run(tmp_path, "v1", seed=3, config=origin, result={"test_accuracy": 0.91})
    make_run(tmp_path, "v2", config={"limit": 100})
    found = summarised(read_runs(tmp_path))
    assert found["tuned"]["v1"] == pytest.approx({"mean": 0.93, "sd": 0.01, "n": 3})
    assert found["origin"]["v1"] == {"mean": 0.91, "sd": None, "n": 1}
    assert "v2" not in found["tuned"]


def test_a_summary_is_read_as_it_was_made(tmp_path: Path, shipped: Callable[[object], None]) -> None:
    make_run(tmp_path / "runs", "v0", result={"test_accuracy": 0.88})
    make_run(tmp_path / "runs", "v0", seed=1, result={"test_accuracy": 0.89})
    shipped(summarised(read_runs(tmp_path / "runs")))
    read = references("tuned")["v0"]
    assert read.mean == pytest.approx(0.885)
    assert read.sd == pytest.approx(0.00707, abs=1e-5)
    assert read.n == 2
    assert references("origin") == {}


def test_the_tables_show_the_reference_beside_the_origin(tmp_path: Path, shipped: Callable[[object], None]) -> None:
    shipped({"tuned": {"v1": {"mean": V1.mean, "sd": V1.sd, "n": V1.n}}})
    for version in ("v1", "v2"):
        make_run(tmp_path / "runs", version)
    report = comparison_report(compare(read_runs(tmp_path / "runs")))
    assert report.table
    index = report.table.header.index("reference")
    assert [row[index].text for row in report.table.rows] == ["92.71 ± 0.12% (3)", ""]
    assert [one["reference"] for one in to_json(report)["versions"]] == [
        {"mean": V1.mean, "sd": V1.sd, "n": V1.n},
        None,
    ]
    first, second = csv.DictReader(io.StringIO(to_csv(report)))
    assert [first[f"reference_{part}"] for part in ("mean", "sd", "runs")] == ["0.9271", "0.0012", "3"]
    assert second["reference_mean"] == ""
    assert reference_line("tuned") in to_markdown(report)


@pytest.mark.parametrize("content", [{}, [], {"tuned": {"v1": {"mean": "high", "n": 3}, "v2": 7}}])
def test_without_a_summary_there_is_no_reference(content: object, shipped: Callable[[object], None]) -> None:
    shipped(content)
    assert references("tuned") == {}
    assert reference_line("tuned") == ""
