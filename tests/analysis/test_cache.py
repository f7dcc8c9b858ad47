from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fmnist_tui.analysis.probes.cache import KINDS, MODEL, Findings, Result, basis_of, read_findings, save
from fmnist_tui.analysis.probes.common import AnalysisError
from fmnist_tui.analysis.probes.convergence import Convergence, Gaps
from fmnist_tui.analysis.probes.efficiency import Efficiency
from fmnist_tui.analysis.probes.fit import Fit
from fmnist_tui.analysis.probes.permuted import Permuted
from fmnist_tui.analysis.probes.shifts import Shifts
from fmnist_tui.runs.run import Run, delete_run, read_run, read_runs

from .builders import make_run

FIVE = (0.9, 0.8, 0.7, 0.6, 0.5)
RESULTS: dict[str, Result] = {
    "shifts": Shifts(10_000, FIVE, FIVE, FIVE, FIVE),
    "permuted": Permuted(5, 10_000, 10_000, 3, 0.9, 0.89, 0.8, 0.79),
    "efficiency": Efficiency(0.9, 266_610, 266_200),
    "fit": Fit(54_000, 6_000, 0.1, 0.2, 0.97, 0.93, 0.01),
    "gaps": Gaps((0.5, 0.4), (0.4, 0.4), (0.8, 0.9), (0.8, 0.8)),
    "convergence": Convergence(1000, 2.0, None, 0.1, 2, 1, 0.4, 2, 0.4, 0.4),
}


@pytest.fixture
def record(tmp_path: Path) -> Run:
    run = make_run(tmp_path / "runs")
    run.model.write_bytes(b"weights")
    return read_run(run)


def save_all(record: Run) -> None:
    basis = basis_of(record)
    assert basis
    for name, result in RESULTS.items():
        save(record.directory, name, basis, result)


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_saved_analyses_are_read_back(record: Run) -> None:
    assert RESULTS.keys() == KINDS.keys()
    assert read_findings(record) == Findings(record)
    save_all(record)
    assert read_findings(record) == Findings(record, **RESULTS)  # type: ignore[arg-type]
    assert {path.name for path in record.directory.analysis.iterdir()} == {f"{name}.json" for name in KINDS}
    saved = json.loads((record.directory.analysis / "shifts.json").read_text())
    assert saved["format"] == 1
    assert saved["basis"]["test_fingerprint"] == record.test_fingerprint
    assert len(saved["basis"]["model_sha256"]) == 64


@pytest.mark.parametrize("changed", ["model", "events", "result"])
def test_an_analysis_is_invalid_after_a_change_to_the_run(record: Run, changed: str) -> None:
    save_all(record)
    with getattr(record.directory, changed).open("ab") as file:
        file.write(b"\n")
    assert read_findings(read_run(record.directory)).shifts is None


def test_an_analysis_is_invalid_for_other_test_images(record: Run) -> None:
    save_all(record)
    config = json.loads(record.directory.run_json.read_text())
    config["data"]["test_fingerprint"] = "others"
    record.directory.run_json.write_text(json.dumps(config))
    assert read_findings(read_run(record.directory)).efficiency is None


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"name": "gaps"},
        {"result": None},
        {"result": {"images": 1}},
        {"result": {"images": 1, "up": [1, 2], "down": [1, 2], "left": [1, 2], "right": [1, 2]}},
        {"result": {"images": 1, "up": ["a"] * 5, "down": [1] * 5, "left": [1] * 5, "right": [1] * 5}},
        {"result": {"images": 1.5, "up": [1] * 5, "down": [1] * 5, "left": [1] * 5, "right": [1] * 5}},
        {"result": {"images": 0, "up": [1] * 5, "down": [1] * 5, "left": [1] * 5, "right": [1] * 5}},
    ],
    ids=["format", "name", "nothing", "missing", "short", "text", "no integer", "no images"],
)
def test_an_invalid_analysis_is_treated_as_missing(record: Run, changes: dict[str, Any]) -> None:
    save_all(record)
    edit(record.directory.analysis / "shifts.json", **changes)
    found = read_findings(record)
    assert found.shifts is None
    assert found.gaps == RESULTS["gaps"]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("shifts", {"up": [9.0] * 5}),
        ("permuted", {"test_images": 0}),
        ("permuted", {"plain_test": 5.0}),
        ("permuted", {"permuted_test": -1.0}),
        ("permuted", {"epochs": 0}),
        ("fit", {"train_accuracy": 97.0}),
        ("fit", {"validation_images": 0}),
    ],
)
def test_impossible_values_are_treated_as_missing(record: Run, name: str, changes: dict[str, Any]) -> None:
    save_all(record)
    path = record.directory.analysis / f"{name}.json"
    edit(path, result=json.loads(path.read_text())["result"] | changes)
    assert getattr(read_findings(record), name) is None


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\xff\xfe", b'{"format": 1' * 100_000])
def test_a_damaged_file_is_treated_as_missing(record: Run, damage: bytes) -> None:
    save_all(record)
    (record.directory.analysis / "shifts.json").write_bytes(damage)
    assert read_findings(record).shifts is None


def test_a_folder_instead_of_a_file_is_treated_as_missing(record: Run) -> None:
    (record.directory.analysis / "shifts.json").mkdir(parents=True)
    assert read_findings(record).shifts is None


def test_an_analysis_remains_valid_after_the_weights_were_removed(record: Run) -> None:
    save_all(record)
    record.directory.model.unlink()
    assert basis_of(record)[MODEL] == ""
    assert read_findings(record) == Findings(record, **RESULTS)  # type: ignore[arg-type]


def test_no_analysis_is_valid_without_weights_and_result(record: Run) -> None:
    save_all(record)
    record.directory.model.unlink()
    record.directory.result.unlink()
    assert read_findings(record) == Findings(record)


def test_size_and_deletion_of_a_run_include_its_analyses(record: Run) -> None:
    before = record.directory.size()
    save_all(record)
    assert record.directory.size() == before + sum(path.stat().st_size for path in record.directory.analysis.iterdir())
    assert [one.run_id for one in read_runs(record.directory.path.parent)] == [record.run_id]
    delete_run(record.directory)
    assert not list(record.directory.path.parent.iterdir())


def test_saving_does_not_recreate_a_deleted_run(record: Run) -> None:
    basis = basis_of(record)
    delete_run(record.directory)
    with pytest.raises(AnalysisError, match=r"^not saved: can't write to .*No such file"):
        save(record.directory, "gaps", basis, RESULTS["gaps"])
    assert not record.directory.path.exists()
