"""The comparison as the results screen shows it, and its bar chart."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text
from textual.message import Message

from fmnist_tui.analysis.comparison import Comparison
from fmnist_tui.report.comparison import comparison_report
from fmnist_tui.report.formats import MUTED, styled
from fmnist_tui.report.report import Report
from fmnist_tui.runs.run import Run
from fmnist_tui.text import percent
from fmnist_tui.training.events import Epoch
from fmnist_tui.tui.widgets.bars import bar

_STEP = 0.05
_LABELS = 40
_NARROWEST, _WIDEST = 10, 60


class Compared(Message):
    """A comparison is ready.

    Attributes:
        comparison: Of the eligible runs that the user hasn't left out.
        report: The comparison, laid out.
        records: All runs, newest first.
        left_out: Ids of those that the user has left out.
        epochs: The epochs of the runs whose curves are drawn, by id.
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
        self.report = comparison_report(comparison, left_out=len(left_out))
        self.records = records
        self.left_out = left_out
        self.epochs = epochs

    @property
    def compared(self) -> list[Run]:
        """The runs that the comparison is made of."""
        return [one for one in self.records if one.run_id in self.comparison.compared]


def accuracy_bars(report: Report, width: int) -> Text:
    """Two bars for each model, measured and reported; they start just below the lowest accuracy to show the steps."""
    if not report.bars:
        return Text("Nothing to compare yet: train a model (2), or press f for excluded runs", style=MUTED)
    accuracies = [value for one in report.bars for value in (one.accuracy, one.reported) if value is not None]
    start = max(0.0, math.floor(min(accuracies) / _STEP - 0.5) * _STEP)
    room = min(_WIDEST, max(_NARROWEST, width - _LABELS))
    lines = [Text(f"Accuracy; the bars start at {percent(start, 0)} and end at 100%", style=MUTED)]
    for one in report.bars:
        filled = bar(_filled(one.accuracy, start), room)
        mark = "*" if one.marked else ""
        step = Text.assemble(" ", styled(one.step)) if one.step else Text()
        lines += [
            Text(),
            Text.assemble((f"{one.label}  measured  ", "bold"), f"{filled} {percent(one.accuracy)}{mark}", step),
        ]
        if one.reported is not None:
            filled = bar(_filled(one.reported, start), room)
            lines.append(Text.assemble((f"    reported  {filled}", MUTED), f" {percent(one.reported)}"))
    return Text("\n").join(lines)


def _filled(accuracy: float, start: float) -> float:
    """The filled fraction of a bar that starts at `start`."""
    return (accuracy - start) / (1 - start)
