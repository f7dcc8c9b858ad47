"""How the layers of a run learn: a heat map of layers by epochs, with the newest values in numbers."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.color import Color
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from fmnist_tui.runs.fold import Snapshot
from fmnist_tui.training.events import Dynamics
from fmnist_tui.tui.cells import cells, distinct, pad
from fmnist_tui.tui.widgets.colours import BLUE, ORANGE, Ramp, legible
from fmnist_tui.tui.widgets.fitted import Fitted

_TOP = 9
"""The highest level; a level is a digit, so that nothing depends on colours."""
_WIDEST = 6
"""Cells of an epoch."""
_NAME, _NAME_FRACTION = 24, 0.3
_VALUE = 8
_TO_COME = "."
_HIGHEST = 3
"""Lines of a row."""
_EMPTY = "Nothing measured yet: each layer's numbers appear after the first epoch (from version 0.2.0 on)."

Colour = Callable[[int], Style]
"""The style of a level."""


@dataclass(frozen=True)
class Measure:
    """One of the quantities of a layer.

    Attributes:
        field: Its name in `LayerDynamics`.
        title: Its name for people.
        lowest: Where level 1 begins, as text; level 0 is everything below.
        highest: Where level 9 begins.
        decade: The power of ten at which a logarithmic scale begins, two levels each; None for tenths of 1.
        ramp: Its colours.
        meaning: What it is, in a sentence or two.
        remark: What is healthy.
    """

    field: str
    title: str
    lowest: str
    highest: str
    decade: float | None
    ramp: Ramp
    meaning: str
    remark: str = ""

    def level(self, value: float) -> int:
        """0 to 9."""
        if self.decade is None:
            return min(_TOP, max(0, int(value * (_TOP + 1) + 1e-9)))
        if value <= 0:
            return 0
        return min(_TOP, max(0, math.floor(2 * (math.log10(value) - self.decade) + 1e-9)))

    def number(self, value: float | None) -> str:
        """A value in at most seven cells."""
        if value is None:
            return "-"
        return f"{value:.0%}" if self.decade is None else f"{value:.2g}"


MEASURES = (
    Measure(
        "gradient_norm",
        "Gradient norm",
        "0.0003",
        "3",
        -4.0,
        BLUE,
        "How fast the loss changes with a layer's weights. Compare a layer with its neighbours.",
    ),
    Measure(
        "update_ratio",
        "Update ratio",
        "1e-5",
        "0.1",
        -5.5,
        BLUE,
        "How much a step changes a layer's weights, as a fraction of them. It falls with the learning rate.",
        "healthy: about 0.001 (5)",
    ),
    Measure(
        "dead_fraction",
        "Dead units",
        "10%",
        "90%",
        None,
        ORANGE,
        "Units that are 0 after their ReLU for every validation image tried: they no longer learn.",
    ),
)


@dataclass(frozen=True)
class HeatTable:
    """The lines of a heat map: what the digits mean, a row for each layer, the epochs below."""

    legend: Text
    rows: list[Text]
    axis: Text


def heat_table(dynamics: Sequence[Dynamics], epochs: int, measure: Measure, width: int, colour: Colour) -> HeatTable:
    """The heat map of epochs that ended; each takes as many columns as fit, or several share one: their mean.

    Args:
        dynamics: At least one.
        epochs: Of the whole run, which the columns span.
        measure: What is shown.
        width: Cells of a line.
        colour: The style of each level.
    """
    epochs = max(epochs, dynamics[-1].epoch)
    values = _values(dynamics, measure)
    name_width = min(max(map(cells, values)) if values else 0, _NAME, int(_NAME_FRACTION * width)) + 1
    room = max(1, width - name_width - _VALUE)
    together = -(-epochs // room)
    columns = -(-epochs // together)
    cell = min(_WIDEST, room // columns)
    rows = []
    for name, by_epoch in zip(distinct(tuple(values), name_width - 1), values.values(), strict=True):
        row = Text(pad(name, name_width), no_wrap=True)
        for column in range(columns):
            row.append_text(
                _cell([by_epoch.get(column * together + one + 1) for one in range(together)], cell, measure)
            )
        value = measure.number(by_epoch.get(dynamics[-1].epoch))
        row.append(value.rjust(name_width + room + _VALUE - row.cell_len), "bold")
        for column in range(columns):
            _paint(row, name_width + column * cell, cell, colour)
        rows.append(row)
    newest = f"epoch {dynamics[-1].epoch}"
    ticks = _ticks(columns, cell, together, room + _VALUE - len(newest) - 2)
    axis = Text(f"{' ' * name_width}{ticks}".ljust(name_width + room + _VALUE - len(newest)), "dim", no_wrap=True)
    axis.append(newest)
    return HeatTable(_legend(measure, width, colour), rows, axis)


def _values(dynamics: Sequence[Dynamics], measure: Measure) -> dict[str, dict[int, float | None]]:
    """Of each layer that has any, its values by epoch."""
    found: dict[str, dict[int, float | None]] = {}
    for one in dynamics:
        for layer in one.layers:
            found.setdefault(layer.name, {})[one.epoch] = getattr(layer, measure.field)
    return {name: values for name, values in found.items() if any(value is not None for value in values.values())}


def _cell(values: Sequence[float | None], width: int, measure: Measure) -> Text:
    known = [value for value in values if value is not None]
    digit = str(measure.level(fmean(known))) if known else _TO_COME
    return Text(digit.rjust((width + 1) // 2).ljust(width), no_wrap=True)


def _paint(row: Text, start: int, width: int, colour: Colour) -> None:
    """Gives the cell that starts there the colour of its level."""
    digit = row.plain[start : start + width].strip()
    row.stylize("dim" if digit == _TO_COME else colour(int(digit)), start, start + width)


def _ticks(columns: int, cell: int, together: int, width: int) -> str:
    """The numbers of the first epochs of some columns, with space between them, in at most so many cells."""
    line = ""
    for column in range(columns):
        first = column * together + 1
        number = str(first)
        start = column * cell + (cell - 1) // 2
        is_round = first == 1 or first % 5 == 0 or together > 1
        if is_round and start + len(number) <= min(columns * cell, width) and (not line or len(line) + 2 <= start):
            line = line.ljust(start) + number
    return line


def _legend(measure: Measure, width: int, colour: Colour) -> Text:
    line = Text(f"{measure.title}  ", "bold", no_wrap=True, overflow="ellipsis")
    line.append(f"<{measure.lowest} ", "not bold")
    for level in range(_TOP + 1):
        line.append(str(level), colour(level))
    line.append(f" from {measure.highest}{', logarithmic' if measure.decade is not None else ''}", "not bold")
    if measure.remark and line.cell_len + 2 + cells(measure.remark) <= width:
        line.append(f"  {measure.remark}", "dim not bold")
    return line


def explanation(measure: Measure, width: int) -> str:
    """What the numbers are, and what is healthy where a legend of that width doesn't say it."""
    remark = measure.remark
    if remark in _legend(measure, width, lambda _: Style()).plain:
        return measure.meaning
    return f"{measure.meaning} {remark[0].upper()}{remark[1:]}."


def spread(table: HeatTable, lines: int) -> tuple[Text, Text]:
    """The rows as high as fits into so many lines, with the axis below them; it is apart where they have to scroll."""
    each = max(1, min(_HIGHEST, (lines - 1) // len(table.rows))) if table.rows else 1
    body = []
    for row in table.rows:
        empty = Text(" " * len(row.plain), spans=row.spans, no_wrap=True)
        body += [*[empty] * ((each - 1) // 2), row, *[empty] * (each // 2)]
    fits = len(body) < lines
    return Text("\n").join([*body, table.axis] if fits else body), Text() if fits else table.axis


class LayersPanel(Vertical):
    """The heat map in a panel; its rows scroll where there are more layers than fit."""

    DEFAULT_CSS = """
    LayersPanel { width: 1fr; height: 1fr; }
    LayersPanel VerticalScroll { height: 1fr; scrollbar-gutter: stable; }
    LayersPanel Static { height: auto; }
    LayersPanel > Static { padding-right: 1; }
    LayersPanel .meaning { color: $text-muted; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes="panel")
        self.border_title = "Layers"
        self._shown: tuple[object, ...] = ()
        self._last: tuple[Snapshot, Measure] | None = None

    def on_resize(self) -> None:
        """Fits the rows to the new height."""
        if self._last:
            self.show(*self._last)

    def compose(self) -> ComposeResult:
        """Legend, what the numbers are, rows, epochs."""
        yield Static(classes="legend")
        yield Static(classes="meaning")
        with VerticalScroll():
            yield Static(classes="rows")
        yield Static(classes="axis")

    def show(self, snapshot: Snapshot, measure: Measure) -> None:
        """Shows a run, where it has changed."""
        epochs = snapshot.started.epochs if snapshot.started else 0
        dynamics, ground, system = snapshot.dynamics, self.background_colors[1], self.app.console.color_system
        meaning, lines = self._explain(measure, len(_values(dynamics, measure)))
        self._last = snapshot, measure
        shown = (snapshot.run_id, dynamics, epochs, measure, ground, system, meaning, lines)
        if shown == self._shown:
            return
        self._shown = shown
        legend, rows, axis = (self.query_one(f".{name}", Static) for name in ("legend", "rows", "axis"))
        self.query_one(".meaning", Static).update(meaning)
        self.query_one(".meaning").display = bool(meaning)
        if not dynamics:
            legend.update(Text.assemble((measure.title, "bold"), f"  {_EMPTY}"))
            rows.update("")
            axis.update("")
            return

        def table(width: int) -> HeatTable:
            return heat_table(dynamics, epochs, measure, width, _colours(measure.ramp, ground, system))

        legend.update(Fitted(lambda width: table(width).legend))
        rows.update(Fitted(lambda width: spread(table(width), lines)[0]))
        axis.update(Fitted(lambda width: spread(table(width), lines)[1]))

    def _explain(self, measure: Measure, layers: int) -> tuple[str, int]:
        """What the numbers are, where the layers have a line each beside that, and the lines left for them."""
        width, lines = max(1, self.content_size.width - 1), self.content_size.height - 1
        meaning = explanation(measure, width)
        left = lines - len(textwrap.wrap(meaning, width))
        return (meaning, left) if left > layers else ("", lines)


def _colours(ramp: Ramp, ground: Color, system: str | None) -> Colour:
    def style(level: int) -> Style:
        colour = ramp.colour(level / _TOP, ground, system)
        return Style(color=legible(colour).rich_color, bgcolor=colour.rich_color)

    return style
