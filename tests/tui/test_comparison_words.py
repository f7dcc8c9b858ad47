"""What may be chance is muted on the screen; tables and words themselves are the analysis room's."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from fmnist_tui.analysis.comparison import Comparison, compare
from fmnist_tui.report import tables
from fmnist_tui.runs.run import read_runs
from fmnist_tui.tui.results.comparison import MUTED, comparison_words, evolution, table_rows

from .samples import write_run


def compared(runs: Path) -> Comparison:
    """v1 is better than v0 beyond doubt, v2 is better than v1 by one image."""
    for version, wrong in (("v0", 150), ("v1", 100), ("v2", 99)):
        write_run(runs, version, wrong=wrong)
    return compare(read_runs(runs))


def muted(text: Text) -> str:
    """What of it is muted."""
    return "".join(text.plain[span.start : span.end] for span in text.spans if span.style == MUTED)


def test_deltas_inside_the_noise_are_muted_in_the_table(runs: Path) -> None:
    comparison = compared(runs)
    rows = table_rows(comparison)
    assert [tuple(cell.plain for cell in row) for row in rows] == tables.rows(comparison)
    assert [muted(row[tables.DELTA]) for row in rows] == ["", "", rows[2][tables.DELTA].plain]
    assert rows[2][tables.DELTA].plain.endswith(", may be chance")


def test_sentences_of_what_may_be_chance_are_muted(runs: Path) -> None:
    told = comparison_words(compared(runs), left_out=1)
    assert "v1 to v2: +0.10 points" in muted(told)
    assert "v2 is right on 1 image that v1 gets wrong" in muted(told)
    assert "v0 to v1: +5.00 points" not in muted(told)
    assert "v1 is right on 50 images that v0 gets wrong" not in muted(told)
    assert "1 run left out by you" in told.plain


def test_a_difference_that_nothing_tells_is_muted_too(runs: Path) -> None:
    write_run(runs, "v0", wrong=150).predictions.unlink()
    write_run(runs, "v1", wrong=100)
    comparison = compare(read_runs(runs))
    assert muted(table_rows(comparison)[1][tables.DELTA]) == "+5.00, no interval"
    assert "no interval" in muted(comparison_words(comparison, left_out=0))


def test_bars_say_it_as_well(runs: Path) -> None:
    told = evolution(compared(runs), 100)
    assert muted(told).count("may be chance") == 1
    assert " +0.10, may be chance" in muted(told)
    assert " +5.00" not in muted(told)
