"""A chart drawn by plotext: its series, its ticks, and when it is drawn again."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget
from textual_plotext.plot import Plot

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
_LARGEST_EXPONENT = 308.0


def ticks(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten within `low` to `high`, about as many as `most`."""
    if not high > low:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in _ROUND if power * factor >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)] or [low]


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """The same for an axis of log10: round values within 10**low to 10**high, as logarithms."""
    if high - low < 1 and abs(low) < _LARGEST_EXPONENT:
        values = ticks(10.0**low, 10.0 ** min(high, _LARGEST_EXPONENT), most)
        return [math.log10(value) for value in values if value > 0]
    every = max(1, math.ceil((high - low) / most))
    first = math.ceil(low)
    return [float(exponent) for exponent in range(first, math.floor(high) + 1, every)] or [low]


def label(value: float) -> str:
    """A short number: 0.05, 1.5, 20000, 2e+06."""
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e6 else f"{value:.4g}"


def log_label(exponent: float) -> str:
    """10**exponent, short."""
    return f"{10.0 ** min(exponent, _LARGEST_EXPONENT):.3g}"


Floats = NDArray[np.float64]
Colour = tuple[int, int, int]
_DARKER = 0.55
"""Factor for a colour on a light background: its contrast there rises from below 2 to about 4."""


@dataclass(frozen=True, eq=False)
class Series:
    """A named curve or set of points.

    Attributes:
        name: For the legend; "" for a curve that isn't in it.
        x: (n,) ascending.
        y: (n,); what is not finite is not drawn.
        colour: "rgb" as three numbers.
        marker: plotext's marker.
        joined: Whether the points are joined by a line.
        in_range: Whether the axis makes room for all of it; of noise, what lies far out may be cut off.
        behind: Whether all others are drawn over it.
    """

    name: str
    x: Floats
    y: Floats
    colour: Colour
    marker: str = "braille"
    joined: bool = True
    in_range: bool = True
    behind: bool = False

    @property
    def looks(self) -> tuple[object, ...]:
        """Everything that determines how it is drawn, to be compared."""
        shown = (self.name, self.colour, self.marker, self.joined, self.in_range, self.behind)
        return (*shown, self.x.tobytes(), self.y.tobytes())

    def on_light(self) -> Series:
        """The same series on a light ground; colours that the colour-blind can tell apart stay so."""
        red, green, blue = (round(_DARKER * part) for part in self.colour)
        return replace(self, colour=(red, green, blue))

    def on(self, x: Floats, y: Floats) -> Series:
        """The same series with other points."""
        return replace(self, x=x, y=y)


def thinned(x: Floats, y: Floats, columns: int) -> tuple[Floats, Floats]:
    """At most about two points a column, its lowest and its highest, so that no peak is lost; finite points only."""
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
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


_TICKS = 5
_TICK_WIDTH = 10
_SMALLEST = (12, 5)
_MARKS = {"dot": "•", "star": "❋", "hd": "▞", "braille": "⠒"}
"""plotext's markers that aren't drawn as they are named."""
_GAP = "  "
_HUGE = 1e150
"""Larger losses are drawn here: the difference of two of them would be infinite."""


class Chart(Widget):
    """Curves over steps, epochs or minutes, under a line that names them: no legend covers a point.

    plotext's own log axis raises on a second build, on zeros and on infinities: logarithms are taken here, and only
    finite points reach it.
    """

    DEFAULT_CSS = "Chart { width: 1fr; height: 1fr; }"

    series: reactive[tuple[Series, ...]] = reactive((), always_update=True)
    log_axis: reactive[bool] = reactive(False)  # noqa: FBT003 - its value
    cursor: reactive[float | None] = reactive(None)
    axis_label: reactive[str] = reactive("")
    empty_text: reactive[str] = reactive("")

    def __init__(self, title: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.title = title
        self._painted: tuple[tuple[object, ...], Text] | None = None

    def render(self) -> Text:
        """The chart as text, or `empty_text`. The last one is used again where nothing has changed."""
        drawn = [self._prepared(one, self.size.width) for one in self.series]
        drawn = [one if self.app.current_theme.dark else one.on_light() for one in drawn if len(one.x)]
        shape = (self.size, self.title, self.axis_label, self.log_axis, self.cursor, self.empty_text)
        wanted = (shape, tuple(one.looks for one in drawn))
        if self._painted is None or self._painted[0] != wanted:
            self._painted = wanted, self._paint(drawn, *self.size)
        return self._painted[1]

    def _paint(self, drawn: list[Series], width: int, height: int) -> Text:
        heading = self._heading(drawn, width)
        height -= len(heading)
        if not drawn or width < _SMALLEST[0] or height < _SMALLEST[1]:
            return Text(self.empty_text, style="dim")
        return Text("\n", no_wrap=True).join([*heading, Text.from_ansi(self._build(drawn, width, height))])

    def _heading(self, drawn: list[Series], width: int) -> list[Text]:
        """Title and legend, in as few lines as they need; a column is left free beside another chart."""
        scale = ", log axis" if self.log_axis else ""
        entries = [Text(f"{self.title} by {self.axis_label}{scale}", style="bold")]
        for one in drawn:
            if one.name:
                colour = "rgb({},{},{})".format(*one.colour)
                entries.append(Text.assemble((_MARKS.get(one.marker, one.marker), colour), f" {one.name}"))
        lines = [entries[0]]
        for entry in entries[1:]:
            if lines[-1].cell_len + len(_GAP) + entry.cell_len >= width:
                lines.append(entry)
            else:
                lines[-1] = Text(_GAP).join([lines[-1], entry])
        return lines

    def _prepared(self, one: Series, width: int) -> Series:
        x, y = thinned(one.x, logarithmic(one.y) if self.log_axis else one.y, 2 * width)
        return one.on(x, np.clip(y, -_HUGE, _HUGE))

    def _build(self, drawn: list[Series], width: int, height: int) -> str:
        plot: Any = Plot()  # its own type leaves out what it inherits from plotext
        plot._limit_size(False, False)  # noqa: FBT003 - else it is cut at the size that the terminal had
        plot._set_size(width, height)
        plot.theme("clear")
        plot.xaxes(True, False)  # noqa: FBT003 - the lower one; above stands the heading
        plot.yaxes(True, False)  # noqa: FBT003
        for one in sorted(drawn, key=lambda one: not one.behind):
            draw = plot.plot if one.joined else plot.scatter
            draw(one.x.tolist(), one.y.tolist(), marker=one.marker, color=one.colour)
        if self.cursor is not None:
            plot.vline(self.cursor)
        low, high = _limits(drawn)
        plot.ylim(low, high)
        rows = (log_ticks if self.log_axis else ticks)(low, high, _TICKS)
        plot.yticks(rows, [log_label(row) if self.log_axis else label(row) for row in rows])
        first, end = min(one.x.min() for one in drawn), max(one.x.max() for one in drawn)
        columns = ticks(float(first), float(end), max(2, min(_TICKS, width // _TICK_WIDTH)))
        plot.xticks(columns, [label(column) for column in columns])
        built: str = plot.build()
        return built


def _limits(drawn: list[Series]) -> tuple[float, float]:
    """The range of the series that are `in_range`, with a margin."""
    values = np.concatenate([one.y for one in drawn if one.in_range] or [one.y for one in drawn])
    low, high = float(values.min()), float(values.max())
    margin = (high - low) * 0.03 or max(abs(high), 1.0) * 0.05
    return low - margin, high + margin
