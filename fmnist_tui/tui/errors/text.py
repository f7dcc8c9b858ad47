"""A run's errors as text: classes, confused pairs, reliability diagram."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import dropwhile

from rich.text import Text
from textual.binding import Binding

from fmnist_tui.analysis.calibration import Bin, calibration_error
from fmnist_tui.analysis.error_report import Diagnosis
from fmnist_tui.analysis.errors import Confusion
from fmnist_tui.data import Dataset
from fmnist_tui.runs.run import Run
from fmnist_tui.runs.status import Status
from fmnist_tui.text import grouped, percent
from fmnist_tui.tui.cells import cells, pad
from fmnist_tui.tui.widgets.bars import bar
from fmnist_tui.tui.widgets.plain_table import PlainTable


class ScoreTable(PlainTable):
    """A row a class; the row that is selected is told as a table tells it."""

    BINDINGS = [Binding("enter", "select_cursor", "Images", tooltip="The images that are taken for the class beside")]


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


def title(diagnosis: Diagnosis) -> str:
    """Which run it is, and how many images it gets wrong."""
    count, wrong = len(diagnosis.predictions.labels), len(diagnosis.mistakes)
    name = diagnosis.record.label or diagnosis.record.run_id
    return f"{name}: {percent(1 - wrong / count)}, {grouped(wrong)} of {grouped(count)} wrong"


def cell_words(diagnosis: Diagnosis, true: int, predicted: int) -> Text:
    """What a cell of the confusion matrix counts."""
    count, total = int(diagnosis.matrix[true, predicted]), int(diagnosis.matrix[true].sum())
    names = diagnosis.names
    what = f"{names[true]} taken for {names[predicted]}" if true != predicted else f"{names[true]}, right"
    share = f" of {grouped(total)} ({percent(count / total, 1)})" if total else ""
    return Text(f"{what}: {count}{share}", no_wrap=True, overflow="ellipsis")


def unscored(record: Run, why: str) -> str:
    """That the run left no predictions, why, and what to do."""
    if record.status is Status.FINISHED:
        remedy = "train it again, with its test images scored (without --no-test)"
    else:
        remedy = "a run is scored when it ends: resume it (3, then r), or train another"
    return f"{record.run_id} can't be looked into: {why}; {remedy}"


def why_no_images(dataset: Dataset | None) -> str:
    """Why a run's images are not among those that the app has."""
    if dataset is None:
        return "The images are not loaded: numbers alone. 1 shows why."
    return f"The images are not here (the app has {dataset.name}): numbers alone."


_HEADER = "confidence  images   right    gap  "
_NARROWEST, _WIDEST = 10, 75
# Okabe and Ito's sky blue and vermilion.
_RELIABILITY_BAR, _MISSING = "#56B4E9", "#D55E00"
_DIAGONAL = "┃"


def reliability_words(bins: Sequence[Bin], width: int) -> Text:
    """A line a bin, the most confident first: a bar for its accuracy, and a stroke where it would be as it believes.

    The strokes are the diagonal. Bins below the least confident image are left out.
    """
    room = min(_WIDEST, max(_NARROWEST, width - len(_HEADER)))
    shown = [*dropwhile(lambda one: one.count == 0, bins)][::-1]
    meaning = f"ECE {calibration_error(bins):.4f}; bar: accuracy, ┃ confidence, ┄ too confident"
    heading = Text(_HEADER + f"0%{'100%':>{room - 2}}", style="dim", no_wrap=True, overflow="crop")
    return Text("\n").join([Text(meaning), heading, *(_line(one, room) for one in shown)])


def _line(one: Bin, room: int) -> Text:
    edges = f"{one.low * 100:3.0f}-{one.high * 100:.0f}%"
    if one.confidence is None or one.accuracy is None:
        return Text(f"{edges:<10} {0:>7}", style="dim", no_wrap=True)
    words = f"{edges:<10} {one.count:>7}  {one.accuracy:6.1%} {one.gap * 100:+6.1f}  "
    return Text.assemble(words, *_bar(one.accuracy, one.confidence, room), no_wrap=True, overflow="crop")


def _bar(accuracy: float, confidence: float, room: int) -> list[tuple[str, str]]:
    """The bar with the stroke in it, or a gap and then the stroke: `━━━━┃━━` or `━━━━┄┄┃`."""
    reached, believed = round(accuracy * room), min(room - 1, round(confidence * room))
    if reached > believed:
        return [
            ("━" * believed, _RELIABILITY_BAR),
            (_DIAGONAL, "bold"),
            ("━" * (reached - believed - 1), _RELIABILITY_BAR),
        ]
    return [("━" * reached, _RELIABILITY_BAR), ("┄" * (believed - reached), _MISSING), (_DIAGONAL, "bold")]
