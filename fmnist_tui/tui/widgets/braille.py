"""Curves and bands as braille dots, drawn with NumPy: plotext takes milliseconds for each curve."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

if TYPE_CHECKING:
    from fmnist_tui.tui.widgets.drawing import Floats, Series

Dots = NDArray[np.bool_]
_ACROSS, _DOWN = 2, 4
"""Dots of a cell."""
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_EMPTY = 0x2800
_BLANK = " ┈"
"""What a curve is drawn over: nothing, and the grid."""
_DASH, _DASH_AND_GAP = 6, 10
"""Dots."""
_SPARSE = 4
"""One of so many dots of a band is drawn."""


def overlay(
    rows: Sequence[Text],
    series: Sequence[Series],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    canvas: tuple[int, int],
) -> list[Text]:
    """A chart's rows with these series drawn over its grid; its text stays.

    A series replaces those of lower layers in its cells, so that it stands out in a cloud of curves.

    Args:
        rows: The chart without them; the canvas is at the right of its first rows.
        series: Curves, points and bands, the lowest layer first.
        x_range: First and last x of the canvas.
        y_range: Lowest and highest y.
        canvas: Its columns and rows, in cells.
    """
    columns, lines = canvas
    bits, owner = np.zeros((lines, columns), np.int64), np.full((lines, columns), -1)
    layers = np.array([*(one.layer for one in series), 0])
    for number, one in enumerate(series):
        cells = _cells(_dots(one, x_range, y_range, canvas))
        replaced = (cells > 0) & (layers[owner] < one.layer)
        bits = np.where(replaced, cells, bits | cells)
        owner[cells > 0] = number
    colours = [one.colour for one in series]
    parts = zip(rows, bits.tolist(), owner.tolist(), strict=False)
    drawn = [_with_dots(row, bits_of_row, owners, colours) for row, bits_of_row, owners in parts]
    return [*drawn, *rows[lines:]]


def _dots(one: Series, x_range: tuple[float, float], y_range: tuple[float, float], canvas: tuple[int, int]) -> Dots:
    """Which dots are drawn, (rows, columns), from the top."""
    columns, rows = canvas[0] * _ACROSS, canvas[1] * _DOWN
    if not one.joined:
        return _points(one, x_range, y_range, (columns, rows))
    at = np.linspace(*x_range, columns)
    half = (x_range[1] - x_range[0]) / max(1, columns - 1) / 2
    there = (at >= one.x[0] - half) & (at <= one.x[-1] + half)

    def levels(y: Floats) -> Floats:
        """The row of each column's value, a fraction; 0 is the lowest."""
        found: Floats = (np.interp(at, one.x, y) - y_range[0]) / (y_range[1] - y_range[0]) * (rows - 1)
        return np.clip(found, -2.0 * rows, 3.0 * rows)

    level = levels(one.y)
    row = np.arange(rows)[::-1, None]
    if one.until is not None:
        other = levels(one.until)
        low, high = np.minimum(level, other), np.maximum(level, other)
        pattern = (np.arange(columns) + _SPARSE // 2 * row) % _SPARSE == 0
        return _between(low, high, row, there & pattern)
    to_left, to_right = (level + np.roll(level, 1)) / 2, (level + np.roll(level, -1)) / 2
    to_left[np.r_[True, ~there[:-1]]] = np.nan
    to_right[np.r_[~there[1:], True]] = np.nan
    edges = np.array([level, to_left, to_right])
    low, high = np.nanmin(edges, axis=0), np.nanmax(edges, axis=0)
    if one.dashed:
        there &= np.arange(columns) % _DASH_AND_GAP < _DASH
    return _between(low, high, row, there)


def _points(one: Series, x_range: tuple[float, float], y_range: tuple[float, float], dots: tuple[int, int]) -> Dots:
    """A dot for each point that is within both ranges; `dots` across and down."""
    (first, last), (low, high), (columns, rows) = x_range, y_range, dots
    inside = (one.x >= first) & (one.x <= last) & (one.y >= low) & (one.y <= high)
    column = np.round((one.x[inside] - first) / (last - first) * (columns - 1)).astype(int)
    row = np.round((high - one.y[inside]) / (high - low) * (rows - 1)).astype(int)
    found = np.zeros((rows, columns), np.bool_)
    found[row, column] = True
    return found


def _between(low: Floats, high: Floats, row: NDArray[np.int64], there: Dots) -> Dots:
    found: Dots = (row >= np.round(low)) & (row <= np.round(high)) & there
    return found


def _cells(dots: Dots) -> NDArray[np.int64]:
    """The bits of each cell's character, 0 for one without a dot."""
    rows, columns = dots.shape
    parts = dots.reshape(rows // _DOWN, _DOWN, columns // _ACROSS, _ACROSS)
    found: NDArray[np.int64] = np.einsum("rdca,da->rc", parts.astype(np.int64), _BITS)
    return found


def _with_dots(row: Text, bits: Sequence[int], owner: Sequence[int], colours: Sequence[str]) -> Text:
    """The row with these cells at its right, where it is blank."""
    styles: list[Any] = [row.style] * len(row)
    for span in row.spans:
        styles[span.start : span.end] = [span.style] * (span.end - span.start)
    cells = list(zip(row.plain, styles, strict=True))
    left = len(cells) - len(bits)
    for column, dots in enumerate(bits):
        if dots and left + column >= 0 and cells[left + column][0] in _BLANK:
            cells[left + column] = chr(_EMPTY + dots), colours[owner[column]]
    text = Text(no_wrap=True)
    for style, run in groupby(cells, key=lambda cell: cell[1]):
        text.append("".join(character for character, _ in run), style)
    return text
