"""The classes of a run as rows of a table, and the pairs that it confuses as lines."""

from __future__ import annotations

from rich.text import Text

from fmnist_tui.analysis.diagnosis import Diagnosis
from fmnist_tui.analysis.errors import Confusion
from fmnist_tui.tui.cells import cells, pad
from fmnist_tui.tui.widgets.histogram import bar

HEADER = ("class", "precision", "recall", "F1", "most taken for", "images")
_ALL = 66
"""Cells that all columns need; the last one is left out where there are fewer."""
_MOST = 20
_BAR = 12


def columns(width: int) -> int:
    """How many of the columns are shown in `width` cells."""
    return len(HEADER) if width >= _ALL else len(HEADER) - 1


def rows(diagnosis: Diagnosis) -> list[tuple[str, ...]]:
    """The cells below `HEADER`, a row a class."""
    found: list[tuple[str, ...]] = []
    for score in diagnosis.classes:
        worst = worst_of(diagnosis, score.label)
        taken = f"{diagnosis.names[worst.predicted]} {worst.count}" if worst else ""
        figures = (f"{score.precision:9.1%}", f"{score.recall:6.1%}", f"{score.f1:6.1%}")
        found.append((diagnosis.names[score.label], *figures, taken, f"{score.support:6}"))
    return found


def worst_of(diagnosis: Diagnosis, label: int) -> Confusion | None:
    """What the class is taken for most often, or None where it never is for anything else."""
    return next((pair for pair in diagnosis.confused if pair.true == label), None)


def confused_words(diagnosis: Diagnosis) -> Text:
    """The pairs that are confused most, a line each."""
    pairs = diagnosis.confused[:_MOST]
    if not pairs:
        return Text("No class is taken for another")
    names = diagnosis.names
    longest = max(map(cells, names))
    lines = [Text("Most confused: truth, taken for", style="bold")]
    for pair in pairs:
        true, predicted = (pad(names[label], longest) for label in (pair.true, pair.predicted))
        words = f"{true} {predicted} {pair.count:5} "
        lines.append(Text(words + bar(pair.count / pairs[0].count, _BAR), no_wrap=True, overflow="crop"))
    return Text("\n").join(lines)
