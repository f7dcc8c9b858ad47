"""Differences that aren't significant are muted on the screen."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from fmnist_tui.analysis.comparison import compare
from fmnist_tui.report.comparison import DELTA, comparison_report
from fmnist_tui.report.formats import MUTED, table_cells, to_text
from fmnist_tui.report.report import Report
from fmnist_tui.runs.run import read_runs

from .samples import write_run


def compared(runs: Path, left_out: int = 0) -> Report:
    """v1 is far better than v0, v2 is better than v1 by one image."""
    for version, wrong in (("v0", 150), ("v1", 100), ("v2", 99)):
        write_run(runs, version, wrong=wrong)
    return comparison_report(compare(read_runs(runs)), left_out=left_out)


def muted(text: Text) -> str:
    """The muted parts of it."""
    parts = (text.plain[span.start : span.end] for span in text.spans if span.style == MUTED)
    return text.plain if text.style == MUTED else "".join(parts)


def test_deltas_inside_the_noise_are_muted_in_the_table(runs: Path) -> None:
    table = compared(runs).table
    assert table
    header, rows = table_cells(table)
    assert [heading.strip() for heading in header] == table.header
    assert [[cell.plain.strip() for cell in row] for row in rows] == [[cell.text for cell in row] for row in table.rows]
    assert [muted(row[DELTA]) for row in rows] == ["", "", rows[2][DELTA].plain]
    assert rows[2][DELTA].plain.endswith(", not significant")


def test_sentences_of_what_is_not_significant_are_muted(runs: Path) -> None:
    text = to_text(compared(runs, left_out=1), 100)
    assert "v1 to v2: +0.10 points" in muted(text)
    assert "v2 and v1 don't differ significantly" in muted(text)
    assert "v0 to v1: +5.00 points" not in muted(text)
    assert "v1 is better than v0" in text.plain
    assert "v1 is better than v0" not in muted(text)
    assert "1 run left out by you" in text.plain


def test_a_difference_without_an_interval_is_muted_too(runs: Path) -> None:
    write_run(runs, "v0", wrong=150).predictions.unlink()
    write_run(runs, "v1", wrong=100)
    report = comparison_report(compare(read_runs(runs)))
    assert report.table
    assert muted(table_cells(report.table)[1][1][DELTA]) == "+5.00, no CI"
    assert "no CI" in muted(to_text(report, 100))
