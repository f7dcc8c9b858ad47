"""A run's errors as text: classes, confused pairs, reliability diagram."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.binding import Binding
from textual.theme import Theme

from fmnist_tui.analysis.calibration import Bin, calibration_error, merged
from fmnist_tui.analysis.error_report import ErrorReport
from fmnist_tui.analysis.errors import Confusion
from fmnist_tui.data import Dataset
from fmnist_tui.models.looks import look_of
from fmnist_tui.runs.run import Run
from fmnist_tui.runs.status import Status
from fmnist_tui.text import grouped, percent
from fmnist_tui.tui.cells import cells, distinct, pad
from fmnist_tui.tui.errors.gallery import cell_title
from fmnist_tui.tui.keys import Remappable
from fmnist_tui.tui.themes import model_colour, theme_colour
from fmnist_tui.tui.widgets.bars import bar
from fmnist_tui.tui.widgets.plain_table import PlainTable
from fmnist_tui.tui.widgets.reliability import has_enough, reliability_bar


class ScoreTable(Remappable, PlainTable):
    """A row for each class; Enter opens the images of its most frequent confusion."""

    BINDINGS = [
        Binding(
            "enter",
            "select_cursor",
            "Images",
            tooltip="Its images in the most frequent confusion",
        )
    ]


HEADER = ("class", "precision", "recall", f"{'F1':>6}", "confused with", "images")
_ALL = 66
"""The width in cells that all columns need; in less the last one is left out."""
_NAME = 11
"""The width in cells that each class's name has at least; those of Fashion-MNIST need no more."""
_PAIRS = 70
"""The width in cells of the table and the list of confused pairs beside it, without the four names."""
_CELL = 44
"""The width in cells of what is said of a cell of the matrix, without its two names."""
CONFUSED = "Most confused: true, predicted"
_MOST = 20
_BAR = 12


def columns(width: int) -> int:
    """How many of the columns are shown in `width` cells."""
    return len(HEADER) if width >= _ALL else len(HEADER) - 1


def name_width(width: int, *, is_beside: bool) -> int:
    """The most cells that a name may take on a screen of `width` cells.

    Args:
        width: Cells of the screen.
        is_beside: Whether the confused pairs are beside the table, not below it.
    """
    return max(_NAME, (width - _PAIRS) // 4 if is_beside else _NAME + (width - _ALL) // 2)


def rows(report: ErrorReport, longest: int) -> list[tuple[str, ...]]:
    """The cells below `HEADER`, a row for each class, with names of at most `longest` cells."""
    found: list[tuple[str, ...]] = []
    names, worst_of_all = distinct(report.names, longest), {pair.true: pair for pair in reversed(report.confused)}
    for score in report.classes:
        worst = worst_of_all.get(score.label)
        confused_with = f"{names[worst.predicted]} {worst.count}" if worst else ""
        scores = (f"{score.precision:9.1%}", f"{score.recall:6.1%}", f"{score.f1:6.1%}")
        found.append((names[score.label], *scores, confused_with, f"{grouped(score.support):>6}"))
    return found


def worst_of(report: ErrorReport, label: int) -> Confusion | None:
    """The most frequent confusion of a class, or None if there is none."""
    return next((pair for pair in report.confused if pair.true == label), None)


def confused_text(report: ErrorReport, longest: int, theme: Theme, *, heading: bool) -> Text:
    """The most confused pairs of classes, a line each, below a heading where the panel has none.

    Args:
        report: The run's errors.
        longest: The most cells of a name.
        theme: For the colours.
        heading: Whether there is a heading.
    """
    pairs = report.confused[:_MOST]
    if not pairs:
        return Text("No confusions")
    names = distinct(report.names, longest)
    longest = max(map(cells, names))
    lines = [Text(CONFUSED, style="bold")] * heading
    for pair in pairs:
        true, predicted = (pad(names[label], longest) for label in (pair.true, pair.predicted))
        text = f"{true} {predicted} {pair.count:5} "
        line = Text(text, no_wrap=True, overflow="crop")
        lines.append(line.append(bar(pair.count / pairs[0].count, _BAR), style=theme_colour("warning", theme)))
    return Text("\n").join(lines)


def title(report: ErrorReport, theme: Theme) -> Text:
    """The run in its model's colour, its accuracy, and how many images it gets wrong."""
    count, wrong = len(report.predictions.labels), len(report.mistakes)
    version, name = report.record.version, report.record.label or report.record.run_id
    colour = model_colour(version, theme)
    scores = f"{percent(1 - wrong / count)}, {grouped(wrong)} of {grouped(count)} wrong"
    return Text.assemble((f"{look_of(version).marker} {name}", colour), f": {scores}")


def cell_text(report: ErrorReport, true: int, predicted: int, width: int) -> Text:
    """A cell of the confusion matrix in a line: its classes, its images, and their fraction of the row."""
    names = distinct(report.names, max(_NAME, (width - _CELL) // 2))
    count, total = int(report.matrix[true, predicted]), int(report.matrix[true].sum())
    fraction = f" of {grouped(total)} ({percent(count / total, 1)})" if total else ""
    text = f"{cell_title(names, true, predicted)}: {grouped(count)}{fraction}"
    return Text(text, no_wrap=True, overflow="ellipsis")


def no_predictions_text(record: Run, reason: str) -> str:
    """Why the run's errors can't be shown, and what to do."""
    if record.status is Status.FINISHED:
        remedy = "retrain it without --no-test, so that it is scored"
    else:
        remedy = "a run is scored when it ends: resume it (3, then r), or start a new run"
    return f"The errors of {record.run_id} can't be shown: {reason}; {remedy}"


def no_images_text(dataset: Dataset | None) -> str:
    """Why a run's images can't be shown."""
    if dataset is None:
        return "The images are not loaded: numbers only. Press 1 to see why."
    return f"The images are not available (the app has loaded {dataset.name}): numbers only."


_HEADER = "confidence  images correct    gap  "
_NARROWEST, _WIDEST = 10, 120
_MISSING = "#D55E00"
"""Okabe and Ito's vermilion."""


def reliability_text(bins: Sequence[Bin], width: int, colour: str) -> Text:
    """A line for each bin, the most confident first: a bar for its accuracy, and a stroke at its confidence.

    The strokes are the diagonal of perfect calibration. Bins with few images are merged, since one image would be a
    full bar, or none; if there are few in all, nothing is drawn. `colour` is that of the bars.
    """
    room = min(_WIDEST, max(_NARROWEST, width - len(_HEADER)))
    shown = merged(bins)[::-1]
    legend = f"ECE {calibration_error(bins):.4f} (15 bins); bar: accuracy, ┃ confidence, ┄ overconfident"
    heading = Text(_HEADER + f"0%{'100%':>{room - 2}}", style="dim", no_wrap=True, overflow="crop")
    return Text("\n").join([*_in_words(bins), Text(legend), heading, *(_line(one, room, colour) for one in shown)])


def _in_words(bins: Sequence[Bin]) -> list[Text]:
    """Whether the run is overconfident over all images, and by how much; nothing without images."""
    known = [(one.count, one.accuracy, one.confidence) for one in bins if one.accuracy is not None]
    images = sum(count for count, _, _ in known)
    if not images:
        return []
    right = sum(count * accuracy for count, accuracy, _ in known) / images
    confidence = sum(count * (sure or 0.0) for count, _, sure in known) / images
    points = round((confidence - right) * 100, 1)
    side = "Overconfident" if points > 0 else "Underconfident"
    verdict = f"{side} by {abs(points)} points" if points else "Calibrated"
    means = f" (confidence {percent(confidence, 1)}, right {percent(right, 1)})"
    return [Text.assemble((verdict, "bold"), means)]


def _line(one: Bin, room: int, colour: str) -> Text:
    edges = f"{one.low * 100:3.0f}-{one.high * 100:.0f}%"
    text = f"{edges:<10} {grouped(one.count):>7}  "
    if not has_enough(one):
        return Text(f"{text}too few images", style="dim", no_wrap=True, overflow="crop")
    text += f"{one.accuracy or 0.0:6.1%} {one.gap * 100:+6.1f}  "
    return Text.assemble(text, *reliability_bar(one, room, colour, _MISSING), no_wrap=True, overflow="crop")
