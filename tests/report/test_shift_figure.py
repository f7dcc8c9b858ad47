from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from analysis.builders import make_run

from fmnist_tui.analysis.probes.cache import basis_of, save
from fmnist_tui.analysis.probes.shifts import Shifts
from fmnist_tui.report.export import ExportError, export_run, export_shifts
from fmnist_tui.report.figures import shift_figure
from fmnist_tui.report.rendering import to_png, to_svg
from fmnist_tui.runs.run import Run, read_run

FILES = {"shift_accuracy.png", "shift_accuracy.svg"}


def shifts(start: float) -> Shifts:
    up, down, left, right = (tuple(start - loss * by for by in range(5)) for loss in (0.01, 0.03, 0.05, 0.07))
    return Shifts(100, up, down, left, right)


def analysed(runs: Path, version: str, seed: int = 0) -> Run:
    """A run with shifts that are kept, and an empty log."""
    run = make_run(runs, version, seed=seed, validation=[])
    run.model.write_bytes(b"weights")
    record = read_run(run)
    basis = basis_of(record)
    assert basis
    save(run, "shifts", basis, shifts(0.9))
    return record


def test_each_run_has_a_line_with_a_mark_and_a_dash_of_its_own() -> None:
    figure = shift_figure({"v0": shifts(0.8), "_$v1": shifts(0.9)}, r"a $title$")
    first, second = figure.axes[0].get_lines()
    assert list(first.get_xdata()) == [0, 1, 2, 3, 4]  # type: ignore[arg-type]
    assert list(first.get_ydata()) == pytest.approx([80, 76, 72, 68, 64])  # type: ignore[arg-type]
    assert list(second.get_ydata()) == pytest.approx([90, 86, 82, 78, 74])  # type: ignore[arg-type]
    assert first.get_marker() != second.get_marker()
    assert first.get_linestyle() != second.get_linestyle()
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert [entry.get_text() for entry in legend.get_texts()] == ["v0", "$v1"]
    svg = to_svg(figure)
    assert svg == to_svg(shift_figure({"v0": shifts(0.8), "_$v1": shifts(0.9)}, r"a $title$"))
    assert to_png(figure).startswith(b"\x89PNG\r\n\x1a\n")
    assert ET.fromstring(svg).tag.endswith("svg")  # noqa: S314 - made here


def test_many_runs_or_none_are_drawn() -> None:
    assert to_svg(shift_figure({f"run {number}": shifts(0.8) for number in range(9)}, "many"))
    assert to_svg(shift_figure({}, "none"))


def test_a_run_is_exported_with_its_figure_if_the_analysis_is_saved(tmp_path: Path) -> None:
    exported = export_run(analysed(tmp_path / "runs", "v1"), tmp_path / "out")
    assert {path.name for path in exported.files} == FILES
    plain = read_run(make_run(tmp_path / "runs", "v2", validation=[]))
    assert export_run(plain, tmp_path / "out").files == ()


def test_several_runs_have_one_figure(tmp_path: Path) -> None:
    records = [analysed(tmp_path / "runs", version, seed) for seed, version in enumerate(("v0", "v1", "v1"))]
    assert {path.name for path in export_shifts(records, tmp_path / "out")} == FILES
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    svg = (tmp_path / "out" / "shift_accuracy.svg").read_text()
    assert all(f"<!-- {name} -->" in svg for name in ("v0", records[1].run_id, records[2].run_id))
    assert export_shifts(records[:1], tmp_path / "none") == ()
    assert not (tmp_path / "none").exists()


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    records = [analysed(tmp_path / "runs", version) for version in ("v0", "v1")]
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match="can't write to"):
        export_shifts(records, tmp_path / "file" / "out")
