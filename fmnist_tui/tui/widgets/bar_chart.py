"""Horizontal bars that start at zero, with a scale below them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from fmnist_tui.tui.cells import cells, pad
from fmnist_tui.tui.widgets.drawing import labels, ticks

REFERENCE_MARK = "○"
SMALLEST = (30, 3)
"""Columns and rows below which nothing is drawn."""
_THIN, _THICK = "▆", "█"
_THICKEST = 4
_SCALE_ROWS = 2
_COLUMNS_A_TICK = 8


@dataclass(frozen=True)
class Bar:
    """A bar.

    Attributes:
        label: What stands left of it.
        value: Where it ends; None for one that isn't measured.
        colour: `#RRGGBB`.
        text: What stands right of it, usually the value.
        reference: Where a mark is drawn for comparison, or None.
        ink: Colour of label and text, `#RRGGBB`; "" for the bar's.
        joined: Whether it belongs to the bar above: there is no gap between them.
    """

    label: str
    value: float | None
    colour: str
    text: str = ""
    reference: float | None = None
    ink: str = ""
    joined: bool = False


@dataclass(frozen=True)
class Scale:
    """The scale below bars.

    Attributes:
        unit: What follows each number.
        factor: What values are multiplied by for the numbers.
        colour: Of the scale, `#RRGGBB`, or "".
        mark: Of the references' marks, `#RRGGBB`, or "".
    """

    unit: str = ""
    factor: float = 1.0
    colour: str = ""
    mark: str = ""


@dataclass(frozen=True)
class _Columns:
    """Values from `low` to `high` on `count` columns."""

    low: float
    high: float
    count: int

    def of(self, value: float) -> int:
        return round((value - self.low) / (self.high - self.low) * self.count)


def draw_bars(bars: Sequence[Bar], scale: Scale, width: int, height: int) -> Text:
    """At least one bar in `width` by `height` cells: as thick as there is room, without a scale where there is none."""
    left = max(cells(bar.label) for bar in bars) + 1
    right = max(cells(bar.text) for bar in bars) + 2
    values = [0.0, *(value for bar in bars for value in (bar.value, bar.reference) if value is not None)]
    low, high = min(values), max(values)
    columns = _Columns(low, high if high > low else low + 1.0, max(1, width - left - right))
    gaps = sum(not bar.joined for bar in bars) - 1
    thickness = max(1, min(_THICKEST, (height - _SCALE_ROWS - gaps) // len(bars)))
    has_gaps = len(bars) * thickness + gaps + _SCALE_ROWS <= height
    lines: list[Text] = []
    for bar in bars:
        if lines and has_gaps and not bar.joined:
            lines.append(Text())
        named = [row == (thickness - 1) // 2 for row in range(thickness)]
        lines += [_row(bar, columns, scale, left, thick=thickness > 1, named=one) for one in named]
    if len(lines) + _SCALE_ROWS <= height:
        lines += _scale_rows(scale, columns, left)
    return Text("\n", no_wrap=True).join(lines[:height])


def _row(bar: Bar, columns: _Columns, scale: Scale, left: int, *, thick: bool, named: bool) -> Text:
    """A row of a bar; one of its rows names it and has its value and its mark."""
    ends = sorted((columns.of(0.0), columns.of(bar.value or 0.0)))
    line = Text(" " * ends[0] + (_THICK if thick else _THIN) * (ends[1] - ends[0]), bar.colour)
    if named:
        if bar.reference is not None:
            line = _marked(line, columns.of(bar.reference), scale.mark)
        line.append(f" {bar.text}", f"bold {bar.ink or bar.colour}")
    return Text.assemble((pad(bar.label if named else "", left), f"bold {bar.ink or bar.colour}"), line)


def _marked(line: Text, column: int, colour: str) -> Text:
    """The line with the mark of a reference in a column, which may be right of its end."""
    column = max(0, column - 1)
    line.pad_right(max(0, column + 1 - len(line)))
    before, _, after = line.divide([column, column + 1])
    return Text.assemble(before, (REFERENCE_MARK, f"bold {colour}"), after)


def _scale_rows(scale: Scale, columns: _Columns, left: int) -> list[Text]:
    values = ticks(columns.low, columns.high, max(2, columns.count // _COLUMNS_A_TICK))
    line = ["─"] * (columns.count + 1)
    numbers = ""
    for value, number in zip(values, labels([scale.factor * value for value in values]), strict=True):
        at = columns.of(value)
        line[at] = "┴"
        start = max(0, at - len(number) // 2)
        if start > len(numbers) or not numbers:
            numbers = f"{numbers:<{start}}{number}{scale.unit}"
    return [Text(" " * left + text, scale.colour) for text in ("".join(line), numbers)]
