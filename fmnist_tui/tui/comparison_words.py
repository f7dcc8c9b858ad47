"""A comparison on the screen: what may be chance is muted."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from fmnist_tui.analysis import tables, wording
from fmnist_tui.analysis.comparison import Comparison
from fmnist_tui.analysis.notes import notes
from fmnist_tui.analysis.reference import reference_line
from fmnist_tui.models.catalogue import ORIGIN_NOTE
from fmnist_tui.text import counted

MUTED = "dim"


def table_rows(comparison: Comparison) -> list[list[Text]]:
    """The cells below `tables.HEADER`."""
    rows = [[Text(cell) for cell in row] for row in tables.rows(comparison)]
    for row, summary in zip(rows, comparison.versions, strict=True):
        if summary.step and summary.step.may_be_chance is not False:
            row[tables.DELTA].stylize(MUTED)
    return rows


def comparison_words(comparison: Comparison, left_out: int) -> Text:
    """What there is to say about the table; `left_out`: how many runs a person left out of it."""
    return Text("\n").join(_lines(comparison, left_out))


def _lines(comparison: Comparison, left_out: int) -> Iterator[Text]:
    if comparison.versions:
        yield from _certain_or_muted(comparison)
        yield from map(Text, notes(comparison))
    if left_out:
        yield Text(f"{counted(left_out, 'run')} left out by you")
    if reference := reference_line(comparison.recipe):
        yield Text(f"\n{reference}")
    if comparison.versions:
        yield Text(f"\n{ORIGIN_NOTE}")
    if comparison.not_counted:
        yield Text("\nNot counted:" if comparison.versions else "Not counted:")
        yield from (Text(f"{run.run}  {run.why}") for run in comparison.not_counted)


def _certain_or_muted(comparison: Comparison) -> Iterator[Text]:
    """The gain, the steps, each version's measures, and the paired tests."""
    if gain := comparison.gain:
        yield told(wording.gain_line(comparison), gain.may_be_chance)
        yield Text()
    for step in (one.step for one in comparison.versions if one.step):
        yield told(wording.step_sentence(step), step.may_be_chance)
    if comparison.gain:
        yield Text()
    yield from (Text(wording.version_sentence(one)) for one in comparison.versions)
    if comparison.paired:
        yield Text(f"\n{wording.PAIRED_HEADING}")
    for test in comparison.paired:
        yield told(test.sentence, test.may_be_chance)
    yield Text()


def told(words: str, may_be_chance: bool | None) -> Text:  # noqa: FBT001 - a verdict
    """The words, muted unless more than chance is behind them."""
    return Text(words, style="" if may_be_chance is False else MUTED)
