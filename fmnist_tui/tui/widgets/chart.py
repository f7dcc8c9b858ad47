"""A chart in a panel: its curves, its title with the legend, and when it is drawn again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from rich.text import Text
from textual.events import MouseDown, MouseMove, MouseScrollDown, MouseScrollUp, MouseUp
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from fmnist_tui.tui.widgets.drawing import SMALLEST, Axes, Series, draw, prepared

_MARKS = {"dot": "•", "star": "★", "hd": "▞", "braille": "━"}
"""plotext's markers that aren't drawn as they are named."""
_DASHED = "╍"
_SHORT = {"training": "train", "validation": "val"}
_GAP = "  "
_CLOSE = 12
"""Cells between two changes in a row: leaving them out would take as many bytes as sending them."""
_FRAME = 6
"""Cells beside a panel's title: its corners, and blanks around it."""


class Chart(Widget):
    """Curves in a panel whose title names them, so that no legend covers a point; without borders, under a heading.

    Only the cells that differ from those before are sent to the terminal.

    The mouse wheel and dragging don't change the chart: they are messages, since several charts may move together.
    """

    DEFAULT_CSS = "Chart { width: 1fr; height: 1fr; }"
    ALLOW_SELECT = False  # dragging would select the texts around it

    series: reactive[tuple[Series, ...]] = reactive((), always_update=True, repaint=False)
    axes: reactive[Axes] = reactive(Axes(), repaint=False)
    axis_label: reactive[str] = reactive("", repaint=False)
    empty_text: reactive[str] = reactive("", repaint=False)

    class Zoomed(Message):
        """The mouse wheel was turned over the chart.

        Attributes:
            direction: 1 to zoom in, -1 to zoom out.
            at: Where, as a fraction of the chart's width, 0 to 1.
        """

        def __init__(self, chart: Chart, direction: int, at: float) -> None:
            super().__init__()
            self.chart, self.direction, self.at = chart, direction, at

        @property
        def control(self) -> Chart:
            """The chart."""
            return self.chart

    class Dragged(Message):
        """The chart was dragged with the mouse.

        Attributes:
            by: How far to the right, as a fraction of the chart's width.
        """

        def __init__(self, chart: Chart, by: float) -> None:
            super().__init__()
            self.chart, self.by = chart, by

        @property
        def control(self) -> Chart:
            """The chart."""
            return self.chart

    def __init__(self, title: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes="panel")
        self.title = title
        self._drawn_from: tuple[object, ...] = ()
        self._drawn_for: tuple[object, ...] = ()
        self._rows: list[Text] = []
        self._title, self._frame_title = Text(), Text()
        self._changes = False
        self._dragged_from: int | None = None

    def watch_series(self) -> None:
        """Draws it again once all that changes has changed, and paints the cells that differ."""
        if not self._changes:
            self._changes = True
            self.call_next(self._paint_changes)

    watch_axes = watch_axis_label = watch_empty_text = watch_series

    def render(self) -> Text:
        """The chart as text, or `empty_text`."""
        return Text("\n", no_wrap=True).join(self._drawn())

    def render_line(self, y: int) -> Strip:
        """A row of it."""
        rows = self._rows if self._drawn_for == self._shape else self._drawn()
        row = Strip(rows[y].render(self.app.console, end="") if y < len(rows) else [])
        return row.apply_style(self.visual_style.rich_style)

    def on_resize(self) -> None:
        """Draws it for its new size."""
        self._paint_changes()

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Asks to zoom in."""
        self._zoom(event, 1)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Asks to zoom out."""
        self._zoom(event, -1)

    def on_mouse_down(self, event: MouseDown) -> None:
        """Begins to drag."""
        self._dragged_from = event.screen_x
        self.capture_mouse()

    def on_mouse_move(self, event: MouseMove) -> None:
        """Drags, a cell at a time; a button that was released elsewhere isn't always reported."""
        if not event.button:
            self.release_mouse()
        elif self._dragged_from is not None and event.screen_x != self._dragged_from and self.size.width:
            self.post_message(self.Dragged(self, (event.screen_x - self._dragged_from) / self.size.width))
            self._dragged_from = event.screen_x

    def on_mouse_up(self, _: MouseUp) -> None:
        """Ends dragging."""
        self.release_mouse()

    def on_mouse_release(self) -> None:
        """Ends dragging, also where a dialog took the mouse; unless the next press has come already."""
        if self.app.mouse_captured is not self:
            self._dragged_from = None

    def _zoom(self, event: MouseScrollUp | MouseScrollDown, direction: int) -> None:
        event.stop()
        event.prevent_default()
        self.post_message(self.Zoomed(self, direction, min(1.0, max(0.0, event.x / max(1, self.size.width)))))

    def _paint_changes(self) -> None:
        self._changes = False
        rows = enumerate(zip_longest(self._rows, self._drawn(), fillvalue=Text("")))
        differing = ((y, _differences(old, new)) for y, (old, new) in rows if old != new)
        if changed := [Region(x, y, width, 1) for y, parts in differing for x, width in parts]:
            self.refresh(*changed)
        self._show_titles()

    def _show_titles(self) -> None:
        """Updates what is written into the frame where it has changed: that paints the whole chart."""
        if self._is_framed and self._title != self._frame_title:
            self._frame_title = self.border_title = self._title
        if self._is_framed and self.border_subtitle != self.axis_label:
            self.border_subtitle = self.axis_label

    @property
    def _shape(self) -> tuple[object, ...]:
        return self.content_size, self.outer_size

    @property
    def _is_framed(self) -> bool:
        return self.outer_size.height > self.size.height

    def _drawn(self) -> list[Text]:
        """Its rows; the last ones again where nothing has changed."""
        drawn = prepared(self.series, self.axes, self.content_size.width)
        texts = (self.title, self.axis_label, self.axes, self.empty_text)
        wanted = (self._shape, texts, tuple(one.looks for one in drawn))
        if self._drawn_from != wanted:
            self._drawn_from, self._drawn_for = wanted, self._shape
            self._rows = self._draw(drawn, *self.content_size)
        return self._rows

    def _draw(self, drawn: Sequence[Series], width: int, height: int) -> list[Text]:
        name = f"{self.title}, log axis" if self.axes.log else self.title
        if self._is_framed:
            self._title, heading = _legend(Text(name, "bold"), drawn, self.outer_size.width - _FRAME), []
        else:
            heading = [_legend(Text(f"{name} by {self.axis_label}", "bold"), drawn, width)]
        height -= len(heading)
        if not drawn or width < SMALLEST[0] or height < SMALLEST[1]:
            return [*heading, *Text(self.empty_text, style="dim").wrap(self.app.console, max(1, width))]
        return [*heading, *draw(drawn, self.axes, width, height)]


def _differences(old: Text, new: Text) -> list[tuple[int, int]]:
    """The first column and the width of each part of a row that has changed; parts that are close are one."""
    parts: list[tuple[int, int]] = []
    for x, (one, other) in enumerate(zip_longest(_cells(old), _cells(new))):
        if one != other:
            start = parts.pop()[0] if parts and x - parts[-1][1] <= _CLOSE else x
            parts.append((start, x))
    return [(start, end - start + 1) for start, end in parts]


def _cells(row: Text) -> list[tuple[str, object]]:
    """Each character with its style; every one of them takes one cell."""
    styles: list[object] = [row.style] * len(row)
    for span in row.spans:
        styles[span.start : span.end] = [span.style] * (span.end - span.start)
    return list(zip(row.plain, styles, strict=True))


def _legend(title: Text, drawn: Sequence[Series], width: int) -> Text:
    """The title, and as many entries after it as fit a line of `width` cells; curves named at their ends need none.

    Names are shortened where not all of them fit.
    """
    line = title.copy()
    line.truncate(width, overflow="ellipsis")
    named = [one for one in drawn if one.name and not one.end.startswith(one.name)]
    entries = [_entry(one, one.name) for one in named]
    if line.cell_len + sum(entry.cell_len for entry in entries) > width:
        entries = [_entry(one, _SHORT.get(one.name, one.name)) for one in named]
    for entry in entries:
        if line.cell_len + entry.cell_len > width:
            break
        line.append_text(entry)
    return line


def _entry(one: Series, name: str) -> Text:
    mark = _DASHED if one.dashed else _MARKS.get(one.marker, one.marker)
    return Text.assemble(_GAP, (mark, one.colour), (f" {name}", "not bold"))
