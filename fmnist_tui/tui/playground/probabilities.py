"""The probabilities of several networks for one image, side by side, as text."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from rich.text import Text
from textual.theme import Theme

from fmnist_tui.text import percent
from fmnist_tui.tui.cells import cells, cut, distinct, pad
from fmnist_tui.tui.playground.sketch import Picture
from fmnist_tui.tui.themes import faded, model_colour, theme_colour
from fmnist_tui.tui.widgets.bars import bar

_LABEL, _SHORT_LABEL = 16, 9
"""Cells of a class's name, and where there is little room."""
_PERCENT = 5
"""Cells, with a space before."""
_WIDEST_GAP = 2
"""Lines between two classes."""
_ON_BLANK = "A blank image is none of the classes; the network must choose one"
_SHORTEST_BAR, _LONGEST_BAR = 2, 40


@dataclass(frozen=True)
class Column:
    """One network's answer.

    Attributes:
        name: "v0", or "v3 s1" beside another run of v3.
        model: The model's name, for its colour.
        marker: The model's marker.
        about: Its recipe and accuracy, where there is room.
        values: The probability of each class, or empty while there are none.
        of: The picture that they are about.
        note: Why there are none: that it is loading, or what failed.
    """

    name: str
    model: str
    marker: str
    about: str = ""
    values: tuple[float, ...] = ()
    of: Picture | None = field(default=None, compare=False)
    note: str = ""

    @property
    def top(self) -> int:
        """The predicted class."""
        return int(np.argmax(self.values))


def rendered(
    columns: Sequence[Column],
    classes: Sequence[str],
    width: int,
    height: int,
    theme: Theme,
    *,
    is_blank: bool = False,
) -> Text:
    """A line on agreement, one for each network with its predicted class, and a table with a bar for each probability.

    Args:
        columns: The networks.
        classes: The names of the classes.
        width: Cells.
        height: Lines; where not all classes fit, the most probable ones are shown.
        theme: For the colours.
        is_blank: Whether nothing is drawn, which takes the place of the line on agreement.
    """
    lines = [_agreement(columns, classes, theme)]
    if is_blank and width > 0:
        lines = [Text(line, theme_colour("warning", theme)) for line in textwrap.wrap(_ON_BLANK, width)]
    lines += [_heading(column, columns, classes, width, theme) for column in columns]
    reasons = _cut_reasons(columns, width)
    room = height - len(lines)
    has_table = any(column.values for column in columns)
    if reasons and room >= len(reasons) + 1 + (len(classes) + 2) * has_table:
        lines += [Text(), *(Text(line, "dim") for line in reasons)]
        room = height - len(lines)
    if room > len(classes) + 2:
        lines.append(Text())
        room -= 1
    if has_table and room > 2:
        lines += _table(columns, classes, width, room, theme)
    for line in lines:
        line.no_wrap = True
        line.truncate(width, overflow="ellipsis")
    return Text("\n", no_wrap=True).join(lines[:height])


def _cut_reasons(columns: Sequence[Column], width: int) -> list[str]:
    """The lines of the notes that don't fit beside their networks' names, each once."""
    room = width - _name_width(columns) - 2
    notes = dict.fromkeys(column.note for column in columns if not column.values and cells(column.note) > room)
    return [line for note in notes for line in textwrap.wrap(note, max(1, width))]


def _name_width(columns: Sequence[Column]) -> int:
    return max((cells(one.name) for one in columns), default=0) + 2


def _agreement(columns: Sequence[Column], classes: Sequence[str], theme: Theme) -> Text:
    answered = [column for column in columns if column.values]
    if len(answered) < 2:
        return Text("Prediction" if len(columns) < 2 else "Predictions", "bold")
    (top, votes), *_ = Counter(column.top for column in answered).most_common()
    if votes == len(answered):
        count = "Both" if votes == 2 else f"All {votes}"
        return Text(f"{count} predict {classes[top]}", f"bold {theme_colour('success', theme)}")
    if votes == 1:
        return Text("Each predicts another class", f"bold {theme_colour('warning', theme)}")
    return Text(f"{votes} of {len(answered)} predict {classes[top]}", f"bold {theme_colour('warning', theme)}")


def _heading(column: Column, columns: Sequence[Column], classes: Sequence[str], width: int, theme: Theme) -> Text:
    """For example: `◆ v3  Ankle boot 99.12% ✓  tuned, test 93.71%`."""
    colour = _colour(column, theme)
    name = pad(f"{column.marker} {column.name}", _name_width(columns))
    if not column.values:
        return Text.assemble((name, colour), "  ", (cut(column.note, max(1, width - cells(name) - 2)), "dim"))
    predicted = classes[column.top]
    line = Text.assemble((f"{name}  ", colour), (f"{predicted} {percent(column.values[column.top])}", f"bold {colour}"))
    if column.of and column.of.truth:
        is_right = predicted == column.of.truth
        line.append(" ✓" if is_right else " ✗", f"bold {theme_colour('success' if is_right else 'error', theme)}")
    if column.about and line.cell_len + 2 + cells(column.about) <= width:
        line.append(f"  {column.about}", "dim")
    return line


def _table(columns: Sequence[Column], classes: Sequence[str], width: int, room: int, theme: Theme) -> list[Text]:
    shown = _shown(columns, len(classes), room - 1)
    names = distinct(tuple(classes), _LABEL if width >= 48 else _SHORT_LABEL)
    label_width = max(cells(names[label]) for label in shown)
    column_width = (width - label_width) // len(columns)
    bar_width = min(column_width - _PERCENT - 1, _LONGEST_BAR)
    bar_width = 0 if bar_width < _SHORTEST_BAR else bar_width
    column_width = bar_width + _PERCENT + 1 if bar_width else min(column_width, _PERCENT + 1)
    predicted = {column.top for column in columns if column.values}
    header = Text(pad("", label_width))
    for column in columns:
        name = cut(column.name, column_width - 1, "")
        header.append(
            f" {name.ljust(column_width - 1) if bar_width else name.rjust(column_width - 1)}", _colour(column, theme)
        )
    lines, gap = [header], min(_WIDEST_GAP, (room - 1) // len(shown) - 1)
    for label in shown:
        lines += [Text() for _ in range(gap)]
        name = pad(names[label], label_width)
        line = Text.assemble((name, "bold" if label in predicted else "dim"))
        for column in columns:
            line.append_text(_cell(column, label, bar_width, column_width, theme))
        lines.append(line)
    return lines


def _shown(columns: Sequence[Column], count: int, room: int) -> list[int]:
    """The classes that are shown, in their order: all, or those that any network finds most probable."""
    if count <= room:
        return list(range(count))
    largest = np.max([column.values for column in columns if column.values], axis=0)
    return sorted(np.argsort(-largest, kind="stable")[:room].tolist())


def _cell(column: Column, label: int, bar_width: int, width: int, theme: Theme) -> Text:
    if not column.values:
        return Text(" " * width)
    value, colour = column.values[label], _colour(column, theme)
    is_top = label == column.top
    cell = Text(" ")
    if bar_width:
        cell.append(pad(bar(value, bar_width), bar_width), colour if is_top else faded(colour, theme, 0.75))
    number = f"{value:.0%}".rjust(_PERCENT if bar_width else width - 1)
    return cell.append(number, f"bold {colour}" if is_top else ("" if value >= 0.005 else "dim"))


def _colour(column: Column, theme: Theme) -> str:
    return model_colour(column.model, theme)
