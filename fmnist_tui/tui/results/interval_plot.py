"""The interval plot: the mean test accuracy of each model with its 95% CI, all on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual.geometry import Size
from textual.reactive import reactive
from textual.theme import Theme
from textual.widget import Widget

from fmnist_tui.analysis.intervals import Interval
from fmnist_tui.analysis.paired import Difference
from fmnist_tui.models.looks import look_of
from fmnist_tui.report.sentences import interval_cell
from fmnist_tui.text import counted, percent
from fmnist_tui.tui.cells import cells, cut, pad
from fmnist_tui.tui.results.deltas import short_step
from fmnist_tui.tui.themes import chart_colours, faded, model_colour
from fmnist_tui.tui.widgets.drawing import labels, ticks

REFERENCE, REPORTED = "○", "\N{MULTIPLICATION SIGN}"
_GRID, _OWN_LINE, _REFERENCE_LINE = "┆", "─", "╌"
_COLUMNS_A_TICK, _CLOSEST = 10, 7
_LEAST_TICKS = 3
_LEAST = 12
"""Columns of the scale below which numbers are left out instead."""
_FAINT = 0.65
_Cell = tuple[str, str]


@dataclass(frozen=True)
class IntervalRow:
    """A line of the plot.

    Attributes:
        model: The model's name, for its look.
        name: How the line is labelled: the model, its recipe or conditions where these differ between lines.
        title: The model's title.
        mean: 0 to 1.
        interval: 95% CI, if there is one.
        runs: How many runs.
        is_reference: Whether these are the reference runs, not the user's.
        is_faint: Whether it is drawn fainter than the model's other line.
        reference: The reference runs' mean, drawn beside one's own.
        reported: The original project's accuracy.
        step: From the model before.
    """

    model: str
    name: str
    title: str
    mean: float
    interval: Interval | None
    runs: int
    is_reference: bool = False
    is_faint: bool = False
    reference: float | None = None
    reported: float | None = None
    step: Difference | None = None

    @property
    def values(self) -> list[float]:
        """Everything that the scale must make room for."""
        found = [self.mean, self.reference, self.reported]
        found += [self.interval.low, self.interval.high] if self.interval else []
        return [value for value in found if value is not None]


class IntervalPlot(Widget):
    """A scale, one to three lines for each row as there is room, and a legend."""

    DEFAULT_CSS = "IntervalPlot { height: auto; }"

    rows: reactive[tuple[IntervalRow, ...]] = reactive((), layout=True)
    with_steps: reactive[bool] = reactive(default=False)
    empty_text: reactive[str] = reactive("")

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's names
        """The scale, the rows and the legend."""
        return len(self.rows) * self._lines_a_row + 2 if self.rows else 2

    def render(self) -> Text:
        """The plot."""
        if not self.rows:
            return Text(self.empty_text, style="dim")
        theme, width = self.app.current_theme, self.content_size.width
        return interval_plot(self.rows, width, theme, lines=self._lines_a_row, with_steps=self.with_steps)

    @property
    def _lines_a_row(self) -> int:
        height = self.app.size.height
        most = 1 if height < 30 else 2 if height < 44 else 3
        return max(1, min(most, height // 3 // max(1, len(self.rows))))


def interval_plot(
    rows: Sequence[IntervalRow], width: int, theme: Theme, *, lines: int = 1, with_steps: bool = False
) -> Text:
    """The plot as text.

    Args:
        rows: At least one.
        width: In cells.
        theme: What the colours stand out from.
        lines: For each row; the second has the reference and the reported figure, which else share the first.
        with_steps: Whether the step from the model before is written at the right.
    """
    named = [(f"{look_of(row.model).marker} {row.name}", row.title) for row in rows]
    with_titles = width >= 72
    abouts = [f"  {'reference, ' if row.is_reference else ''}{counted(row.runs, 'run')}" for row in rows]
    labelled = [f"{name} {title}" if with_titles else name for name, title in named]
    label_width = max(map(cells, [*labelled, *(abouts if lines > 1 else ())]))
    label_width = min(label_width, width * 2 // 5)
    numbers = [_numbers(row, theme, with_ci=lines == 1 and width >= 92, with_steps=with_steps) for row in rows]
    below = [_below(row, with_others=width >= 92) for row in rows]
    number_width = max(one.cell_len for one in (*numbers, *(below if lines > 1 else ())))
    scale_width = width - label_width - number_width - 3
    if scale_width < _LEAST:
        numbers, below, number_width = [Text() for _ in rows], [Text() for _ in rows], 0
        scale_width = max(_LEAST, width - label_width - 3)
    scale = _Scale.over(rows, scale_width)
    drawn = [Text(" " * (label_width + 1)) + scale.heading(theme)]
    for row, (name, title), about, values, more in zip(rows, named, abouts, numbers, below, strict=True):
        colour = _colour(row, theme)
        label = Text.assemble((cut(name, label_width), f"bold {colour}"))
        if with_titles:
            label.append(cut(f" {title}", label_width - label.cell_len), "dim")
        label.pad_right(label_width + 1 - label.cell_len)
        drawn.append(label + scale.line(row, theme, with_others=lines == 1) + Text("  ") + values)
        if lines > 1:
            second = pad(cut(about, label_width), label_width + 1)
            drawn.append(Text.assemble((second, "dim")) + scale.others(row, theme) + Text("  ") + more)
        drawn += [Text(" " * (label_width + 1)) + scale.blank(theme)] * (lines - 2)
    return Text("\n", no_wrap=True).join([*drawn, legend(rows)])


def legend(rows: Sequence[IntervalRow]) -> Text:
    """What the signs mean."""
    parts = []
    if any(not row.is_reference for row in rows):
        parts.append("├●┤ yours, mean and 95% CI")
    if all(row.is_reference for row in rows):
        parts.append(f"{REFERENCE} reference runs, shipped with fmnist-tui")
    elif any(row.is_reference or row.reference is not None for row in rows):
        parts.append(f"{REFERENCE} reference")
    if any(row.reported is not None for row in rows):
        parts.append(f"{REPORTED} reported")
    return Text("  ".join(parts), "dim", no_wrap=True, overflow="ellipsis")


@dataclass(frozen=True)
class _Scale:
    """The horizontal axis."""

    low: float
    high: float
    width: int
    ticks: tuple[float, ...]

    @classmethod
    def over(cls, rows: Sequence[IntervalRow], width: int) -> _Scale:
        """A scale that has room for everything."""
        values = [value for row in rows for value in row.values]
        low, high = min(values), max(values)
        margin = 0.05 * (high - low) or 0.01
        low, high = max(0.0, low - margin), min(1.0, high + margin)
        high = high if high > low else low + 0.01
        most = max(2, width // _COLUMNS_A_TICK)
        found = ticks(low, high, most)
        while len(found) < _LEAST_TICKS and most * _CLOSEST < width:  # `most` is rounded down to round steps
            most += 1
            found = ticks(low, high, most)
        return cls(low, high, width, tuple(found))

    def column(self, value: float) -> int:
        """Where a value is."""
        return min(self.width - 1, max(0, round((value - self.low) / (self.high - self.low) * (self.width - 1))))

    def heading(self, theme: Theme) -> Text:
        """The ticks' labels, each above its tick."""
        line = [" "] * self.width
        for tick, text in zip(self.ticks, labels([100 * tick for tick in self.ticks]), strict=True):
            label = f"{text}%"
            start = max(0, min(self.width - len(label), self.column(tick) - len(label) // 2))
            if all(line[place] == " " for place in range(max(0, start - 1), start + len(label))):
                line[start : start + len(label)] = label
        return Text("".join(line), chart_colours(theme)["ticks"])

    def blank(self, theme: Theme) -> Text:
        """A line with nothing but the grid."""
        return _text(self._grid(theme))

    def line(self, row: IntervalRow, theme: Theme, *, with_others: bool) -> Text:
        """The interval with the mean's marker; `with_others`: the other figures as well, where they aren't hidden."""
        line, colour = self._grid(theme), _colour(row, theme)
        if row.interval:
            first, last = self.column(row.interval.low), self.column(row.interval.high)
            stroke = _REFERENCE_LINE if row.is_reference else _OWN_LINE
            if last - first > 1:  # else it is no wider than its marker
                line[first : last + 1] = [(stroke, colour)] * (last + 1 - first)
                line[first], line[last] = ("├", colour), ("┤", colour)
        if with_others:
            self._draw_others(line, row, theme)
        mark = REFERENCE if row.is_reference else look_of(row.model).marker
        line[self.column(row.mean)] = (mark, f"bold {colour}")
        return _text(line)

    def others(self, row: IntervalRow, theme: Theme) -> Text:
        """The reference and the reported figure on a line of their own."""
        line = self._grid(theme)
        self._draw_others(line, row, theme)
        return _text(line)

    def _draw_others(self, line: list[_Cell], row: IntervalRow, theme: Theme) -> None:
        if row.reported is not None:
            line[self.column(row.reported)] = (REPORTED, chart_colours(theme)["ticks"])
        if row.reference is not None:
            line[self.column(row.reference)] = (REFERENCE, _colour(row, theme))

    def _grid(self, theme: Theme) -> list[_Cell]:
        line: list[_Cell] = [(" ", "")] * self.width
        for tick in self.ticks:
            line[self.column(tick)] = (_GRID, chart_colours(theme)["grid"])
        return line


def _colour(row: IntervalRow, theme: Theme) -> str:
    colour = model_colour(row.model, theme)
    return faded(colour, theme, _FAINT) if row.is_faint else colour


def _numbers(row: IntervalRow, theme: Theme, *, with_ci: bool, with_steps: bool) -> Text:
    text = Text.assemble((percent(row.mean), f"bold {_colour(row, theme)}"))
    if with_ci:
        text.append(f"  {interval_cell(row.interval, 2, 100):<14}", "dim")
    if with_steps:
        text.append("  ")
        text.append_text(short_step(row.step, theme))
    return text


def _below(row: IntervalRow, *, with_others: bool) -> Text:
    """The numbers on a row's second line."""
    text = interval_cell(row.interval, 2, 100)
    if with_others:
        figures = ((REFERENCE, row.reference), (REPORTED, row.reported))
        text = "  ".join([f"{text:<14}", *(f"{mark} {percent(value)}" for mark, value in figures if value is not None)])
    return Text.assemble((text, "dim"))


def _text(line: Sequence[_Cell]) -> Text:
    return Text.assemble(*line)
