"""A comparison on the screen: its table, its sentences and its bars."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rich.text import Text
from textual.message import Message

from fmnist_tui.analysis.comparison import Comparison
from fmnist_tui.analysis.paired import Difference
from fmnist_tui.analysis.reference import reference_line
from fmnist_tui.models.spec import REPORTED_NOTE
from fmnist_tui.report import sentences as wording
from fmnist_tui.report import tables
from fmnist_tui.report.sentences import doubt, notes
from fmnist_tui.runs.run import Run
from fmnist_tui.text import counted, percent
from fmnist_tui.training.events import Epoch
from fmnist_tui.tui.widgets.bars import bar


class Compared(Message):
    """The comparison was made.

    Attributes:
        comparison: Of the runs that count and were not left out.
        records: All runs, newest first.
        left_out: Ids of those that were.
        epochs: Of the runs whose curves are drawn, by id.
    """

    def __init__(
        self,
        comparison: Comparison,
        records: Sequence[Run],
        left_out: frozenset[str],
        epochs: dict[str, tuple[Epoch, ...]],
    ) -> None:
        super().__init__()
        self.comparison = comparison
        self.records = records
        self.left_out = left_out
        self.epochs = epochs

    @property
    def compared(self) -> list[Run]:
        """The runs that the comparison is made of."""
        return [one for one in self.records if one.run_id in self.comparison.compared]


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
        yield Text(f"\n{REPORTED_NOTE}")
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


_STEP = 0.05
_WORDS = 40
_NARROWEST, _WIDEST = 10, 60


def evolution(comparison: Comparison, width: int) -> Text:
    """Two bars a version. They begin below the lowest figure, as the words above say, so that steps can be seen."""
    if not comparison.versions:
        return Text("Nothing to compare yet: train a version (2), or press f for runs that don't count", style="dim")
    ours = [one.test_accuracy.mean for one in comparison.versions]
    reported = [one.reported.accuracy for one in comparison.versions if one.reported]
    start = max(0.0, math.floor(min(ours + reported) / _STEP - 0.5) * _STEP)
    room = min(_WIDEST, max(_NARROWEST, width - _WORDS))
    lines = [Text(f"Accuracy; the bars begin at {percent(start, 0)} and end at 100 %", style="dim")]
    for one in comparison.versions:
        accuracy = one.test_accuracy.mean
        lines += [
            Text(),
            Text.assemble(
                (f"{one.version}  ours    ", "bold"),
                bar(_share(accuracy, start), room),
                f" {percent(accuracy)}{'*' * bool(one.marked)}",
                _step(one.step),
            ),
        ]
        if one.reported:
            theirs = one.reported.accuracy
            lines.append(
                Text.assemble(("    origin  ", "dim"), (bar(_share(theirs, start), room), "dim"), f" {percent(theirs)}")
            )
    return Text("\n").join(lines)


def _step(step: Difference | None) -> Text:
    """From the version before; muted where it may be chance, or nothing tells whether it is."""
    if step is None:
        return Text()
    words = f" {step.value * 100:+.2f}{doubt(step)}"
    return Text(words, style="" if step.may_be_chance is False else MUTED)


def _share(accuracy: float, start: float) -> float:
    return (accuracy - start) / (1 - start)
