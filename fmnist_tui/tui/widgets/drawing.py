"""Curves drawn with plotext: what is drawn, its ranges and ticks, and the text that comes out."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import is_
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.text import Text
from textual_plotext.plot import Plot

from fmnist_tui.tui.widgets.braille import overlay

Floats = NDArray[np.float64]

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
_LARGEST_EXPONENT = 308.0
_HUGE = 1e150
"""Larger losses are drawn here: the difference of two of them would be infinite."""
_ROWS_A_TICK, _COLUMNS_A_TICK = 2, 9
_MOST_TICKS, _LEAST_TICKS = 10, 5
_LEAST_WHOLE = 4
"""Length of an axis from which on ticks that are whole numbers are enough."""
_DASH, _DASH_AND_GAP = 3, 5
"""Columns."""
_MOST_PLOTTED = 8
"""Curves that plotext draws; more of them are drawn by `braille.overlay`, which is faster by far."""
SMALLEST = (20, 5)
"""Columns and rows below which nothing is drawn."""
_STEPS = 16
"""The y axis begins and ends at multiples of a round number, about this fraction of its range: while a run goes on, it
changes now and then instead of at each point, and with it everything in the chart."""
_TINY, _TINIEST_PART = 1e-300, 1e-12
"""Smaller differences of values, and smaller fractions of them, are no range."""
_RUN = re.compile(r"(?:\x1b\[38;2;(\d+);(\d+);(\d+)m)?([^\x1b]+)")
"""A run of characters in one colour, or in none."""


@dataclass(frozen=True, eq=False)
class Series:
    """A named curve or set of points.

    Attributes:
        name: For the legend; "" for a curve that isn't in it.
        x: (n,) ascending.
        y: (n,); what is not finite is not drawn.
        colour: `#RRGGBB`.
        marker: plotext's marker.
        joined: Whether the points are joined by a line.
        dashed: Whether that line has gaps.
        range_from: The y axis makes room for points from this x on; infinite for noise, which may be cut off.
        behind: Whether all others are drawn over it.
        end: What is written at its last point, in its colour; usually the newest value or the name.
        until: (n,); of a band, which is faintly filled from `y` to here. Both are finite.
    """

    name: str
    x: Floats
    y: Floats
    colour: str
    marker: str = "braille"
    joined: bool = True
    dashed: bool = False
    range_from: float = -math.inf
    behind: bool = False
    end: str = ""
    until: Floats | None = None

    @property
    def layer(self) -> int:
        """Bands and points behind are 0, lines behind, which are drawn over them, 1, and all others 2."""
        return 2 if not self.behind else int(self.joined and self.until is None)

    @property
    def looks(self) -> tuple[object, ...]:
        """Everything that determines how it is drawn, to be compared."""
        plain = (self.name, self.colour, self.marker, self.joined, self.dashed, self.range_from, self.behind, self.end)
        points = (self.x, self.y, *([] if self.until is None else [self.until]))
        return (*plain, *(hash(values.tobytes()) for values in points))  # the bytes of a long log would be megabytes

    def on(self, x: Floats, y: Floats) -> Series:
        """The same series with other points."""
        return replace(self, x=x, y=y)


@dataclass(frozen=True)
class Axes:
    """Both axes of a chart.

    Attributes:
        x_range: First and last x; None for those of the series.
        y_range: Lowest and highest y; None for those of the series.
        log: Whether y is logarithmic.
        percent: Whether y is a fraction that is labelled as a percentage.
        cursor: Where a vertical line is drawn, or None.
        grid: Colour of the grid, `#RRGGBB`; "" for none.
        ticks: Colour of both axes and what is written along them, `#RRGGBB`; "" for the terminal's own.
        whole: Whether only whole numbers are ticks of the x axis, where it is long enough.
        x_ticks: Each tick of the x axis and its label; () for round numbers.
    """

    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    log: bool = False
    percent: bool = False
    cursor: float | None = None
    grid: str = ""
    ticks: str = ""
    whole: bool = False
    x_ticks: tuple[tuple[float, str], ...] = ()


def ticks(low: float, high: float, most: int, *, whole: bool = False) -> list[float]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten within `low` to `high`, about as many as `most`.

    Args:
        low: The axis' beginning.
        high: Its end.
        most: Number of ticks there is room for.
        whole: Whether they must be whole numbers.
    """
    if not high > low:
        return [low]
    step = _round_step((high - low) / most)
    while whole and step != round(step):
        step = _round_step(1.01 * step)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)] or [low]


def _round_step(rough: float) -> float:
    """The next multiple of 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in _ROUND if power * factor >= rough * (1 - 1e-9))


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """The same for an axis of log10: round values within 10**low to 10**high, as logarithms."""
    if high - low < 1 and abs(low) < _LARGEST_EXPONENT:
        values = ticks(10.0**low, 10.0 ** min(high, _LARGEST_EXPONENT), most)
        return [math.log10(value) for value in values if value > 0]
    every = max(1, math.ceil((high - low) / most))
    first = math.ceil(low)
    return [float(exponent) for exponent in range(first, math.floor(high) + 1, every)] or [low]


def label(value: float) -> str:
    """A short number: 0.05, 1.5, 20,000, 2e+06."""
    return f"{value:,.0f}" if value == round(value) and abs(value) < 1e6 else f"{value:.4g}"


def labels(values: Sequence[float]) -> list[str]:
    """Labels of one axis, all with as many decimals as one of them needs: 0.9, 1.0, 1.1."""
    short = [label(value) for value in values]
    if any("e" in text for text in short):
        return short
    decimals = max(len(text.partition(".")[2]) for text in short)
    return [f"{value:,.{decimals}f}" for value in values]


def log_label(exponent: float) -> str:
    """10**exponent, short."""
    return f"{10.0 ** min(exponent, _LARGEST_EXPONENT):.3g}"


def thinned(x: Floats, y: Floats, columns: int) -> tuple[Floats, Floats]:
    """At most about two points a column, its lowest and its highest, so that no peak is lost; finite points only."""
    x, y = _chosen(x, y, np.isfinite(x) & np.isfinite(y))
    if columns <= 0:
        return x[:0], y[:0]
    if len(x) <= 2 * columns:
        return x, y
    edges = np.linspace(0, len(x), columns + 1).astype(int)
    lowest = [start + y[start:end].argmin() for start, end in pairwise(edges)]
    highest = [start + y[start:end].argmax() for start, end in pairwise(edges)]
    kept = np.union1d(lowest, highest)
    return x[kept], y[kept]


def logarithmic(values: Floats) -> Floats:
    """log10 where there is one, NaN elsewhere."""
    return np.log10(values, where=values > 0, out=np.full_like(values, np.nan))


def prepared(series: Sequence[Series], axes: Axes, width: int) -> list[Series]:
    """The series that have something to draw, thinned for a chart of `width` columns; on a log axis, logarithms.

    plotext's own log axis raises on a second build, on zeros and on infinities: only finite points reach it.
    """
    found = []
    for one in series:
        if one.until is not None:
            found += [one] if len(one.x) else []
            continue
        x, y = _within(one.x, one.y, axes.x_range)
        x, y = thinned(x, logarithmic(y) if axes.log else y, 2 * width)
        if len(x):
            found.append(one.on(x, np.clip(y, -_HUGE, _HUGE)))
    return found


def _within(x: Floats, y: Floats, x_range: tuple[float, float] | None) -> tuple[Floats, Floats]:
    """The points within the range."""
    if x_range is None:
        return x, y
    return _chosen(x, y, (x >= x_range[0]) & (x <= x_range[1]))


def _chosen(x: Floats, y: Floats, points: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """These points; usually all, and then nothing is copied."""
    return (x, y) if points.all() else (x[points], y[points])


def draw(drawn: Sequence[Series], axes: Axes, width: int, height: int) -> list[Text]:
    """A chart's rows, `width` by `height` cells, of series that are `prepared`; there must be at least one."""
    plot: Any = Plot()  # its own type leaves out what it inherits from plotext
    plot._limit_size(False, False)  # noqa: FBT003 - else it is cut at the size that the terminal had
    plot._set_size(width, height)
    plot.theme("clear")
    if axes.ticks:
        plot.ticks_color(_rgb(axes.ticks))
    plot.xaxes(True, False)  # noqa: FBT003 - the lower one
    plot.yaxes(True, False)  # noqa: FBT003
    first, last = axes.x_range or (min(one.x[0] for one in drawn), max(one.x[-1] for one in drawn))
    last = last if last > first else first + 1
    low, high = axes.y_range or _limits(drawn)
    rows, row_labels = _row_ticks(axes, low, high, height)
    most = max(2, min(_MOST_TICKS, width // _COLUMNS_A_TICK))
    columns = ticks(first, last, most, whole=axes.whole and last - first >= _LEAST_WHOLE)
    plot.xlim(first, last)
    plot.ylim(low, high)
    plot.yticks(rows, row_labels)
    marks = axes.x_ticks or tuple(zip(columns, labels(columns), strict=True))
    plot.xticks([x for x, _ in marks], [text for _, text in marks])
    canvas = max(1, width - 1 - max(map(len, row_labels)))
    if axes.grid:
        across = np.linspace(first, last, canvas).tolist()
        for row in rows:
            plot.scatter(across, [row] * canvas, marker="┈", color=_rgb(axes.grid))
    column = (last - first) / canvas
    ordered = sorted(drawn, key=lambda one: one.layer)
    quick = [one for one in ordered if one.marker == "braille"]
    if sum(one.joined for one in quick) <= _MOST_PLOTTED and not any(one.until is not None for one in quick):
        quick = []
    if quick:  # blanks of what is written at their ends would be drawn over
        drawn = [replace(one, end=one.end.replace(" ", "\N{NO-BREAK SPACE}")) for one in drawn]
    for one in ordered:
        for x, y in _pieces(one, column, (low, high)) if one not in quick else ():
            (plot.plot if one.joined else plot.scatter)(x, y, marker=one.marker, color=_rgb(one.colour))
    if axes.cursor is not None and first <= axes.cursor <= last:
        plot.vline(axes.cursor)
    _write_ends(plot, drawn, (first, last), (low, high), (canvas, height - 2))
    rows_drawn = [_row(line) for line in plot.build().splitlines()]
    return overlay(rows_drawn, quick, (first, last), (low, high), (canvas, height - 2)) if quick else rows_drawn


def _row(line: str) -> Text:
    """A line of plotext's, with blanks in the colour of what is before them: fewer changes of colour, fewer bytes."""
    text, colour = Text(no_wrap=True), ""
    for red, green, blue, characters in _RUN.findall(line.replace("\x1b[0m", "\x1b")):
        if characters.strip():
            colour = f"#{int(red):02x}{int(green):02x}{int(blue):02x}" if red else ""
        text.append(characters, colour)
    return text


def _row_ticks(axes: Axes, low: float, high: float, height: int) -> tuple[list[float], list[str]]:
    find = log_ticks if axes.log else ticks
    most = min(_MOST_TICKS, max(_LEAST_TICKS, height // (2 * _ROWS_A_TICK)))
    rows = find(low, high, most)
    while len(rows) < _LEAST_TICKS and most * _ROWS_A_TICK < height:  # `most` is rounded down to round steps
        most += 1
        rows = find(low, high, most)
    if axes.log:
        return rows, [log_label(row) for row in rows]
    factor, unit = (100, "%") if axes.percent else (1, "")
    return rows, [f"{text}{unit}" for text in labels([factor * row for row in rows])]


def _limits(drawn: Sequence[Series]) -> tuple[float, float]:
    """The range of what the axis makes room for, with a margin; of everything, where that is nothing."""
    edges = [one.on(one.x, one.until) for one in drawn if one.until is not None]
    drawn = [*drawn, *edges]
    values = np.concatenate([one.y[one.x >= one.range_from] for one in drawn])
    if not len(values):
        values = np.concatenate([one.y for one in drawn])
    low, high = float(values.min()), float(values.max())
    spread = high - low if high - low > max(_TINY, _TINIEST_PART * abs(high)) else 0.0
    margin = spread * 0.02 or max(abs(high), 1.0) * 0.05
    low, high = low - margin, high + margin
    step = _round_step((high - low) / _STEPS)
    return math.floor(low / step) * step, math.ceil(high / step) * step


def _pieces(one: Series, column: float, limits: tuple[float, float]) -> list[tuple[list[float], list[float]]]:
    """The points that are within the limits, as lines without gaps: a line that leaves the chart ends at its edge."""
    x, y = one.x, one.y
    low, high = limits
    if not one.joined:
        inside = (y >= low) & (y <= high)
        return [(x[inside].tolist(), y[inside].tolist())] if inside.any() else []
    if len(x) > 1:
        fine = np.union1d(np.arange(x[0], x[-1], column / 2), x)
        x, y = fine, np.interp(fine, x, y)
    drawn = (y >= low) & (y <= high)
    if one.dashed:
        drawn &= (x / column) % _DASH_AND_GAP < _DASH
    edges = np.flatnonzero(np.diff(np.concatenate(([0], drawn.view(np.int8), [0]))))
    return [(x[a:b].tolist(), y[a:b].tolist()) for a, b in edges.reshape(-1, 2).tolist()]


def _write_ends(
    plot: Any,
    drawn: Sequence[Series],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    canvas: tuple[int, int],
) -> None:
    """Writes the ends of the curves right of their last points, or above them at the edge.

    None is over another, and those above each other are in the order of their values.
    """
    (first, last), (low, high), (columns, rows) = x_range, y_range, canvas
    placed: list[_End] = []
    for one in drawn:
        if not one.end or not (first <= one.x[-1] <= last):
            continue
        column = round((one.x[-1] - first) / (last - first) * (columns - 1))
        fits = column + 2 + len(one.end) <= columns
        start = column + 2 if fits else max(0, columns - len(one.end))
        row = round((one.y[-1] - low) / (high - low) * (rows - 1))
        at = row if fits else row + 1
        free = (_End(one, start, at + by) for by in (0, 1, -1, 2, -2, 3, -3) if 0 <= at + by < rows)
        placed += next(([end] for end in free if not any(map(end.is_over, placed))), [])
    for end in _in_order(placed):
        x = first + (last - first) * end.start / max(1, columns - 1)
        y = low + (high - low) * end.row / max(1, rows - 1)
        plot.text(end.of.end, x, y, color=_rgb(end.of.colour), alignment="left")


@dataclass(frozen=True)
class _End:
    """What is written at the end of a series, from which column, in which row from below."""

    of: Series
    start: int
    row: int

    def is_near(self, other: _End) -> bool:
        """Whether they would be over each other, or touch, in the same row."""
        return self.start <= other.start + len(other.of.end) and other.start <= self.start + len(self.of.end)

    def is_over(self, other: _End) -> bool:
        return self.row == other.row and self.is_near(other)

    def is_crossed_with(self, other: _End) -> bool:
        """Whether the higher value is below the lower one."""
        return self.is_near(other) and self.row < other.row and bool(self.of.y[-1] > other.of.y[-1])


def _in_order(ends: Sequence[_End]) -> list[_End]:
    """The same ends, with rows exchanged where the higher of two values would be below the lower one."""
    found = list(ends)
    pairs = [(a, b) for a in range(len(found)) for b in range(len(found)) if a != b]
    for _ in ends:
        before = list(found)
        for a, b in pairs:
            if not found[a].is_crossed_with(found[b]):
                continue
            moved = replace(found[a], row=found[b].row), replace(found[b], row=found[a].row)
            others = [one for number, one in enumerate(found) if number not in (a, b)]
            if not any(one.is_over(other) for one in moved for other in others):
                found[a], found[b] = moved
        if all(map(is_, found, before)):
            break
    return found


def _rgb(colour: str) -> tuple[int, int, int]:
    triplet = Color.parse(colour).get_truecolor()
    return triplet.red, triplet.green, triplet.blue
