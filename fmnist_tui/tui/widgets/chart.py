"""A chart in a panel: its curves, its title with the legend, and when it is drawn again."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.events import MouseDown, MouseMove, MouseScrollDown, MouseScrollUp, MouseUp
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from fmnist_tui.tui.widgets.drawing import SMALLEST, Axes, Series, draw, prepared

_MARKS = {"dot": "•", "star": "★", "hd": "▞", "braille": "━"}
"""plotext's markers that aren't drawn as they are named."""
_DASHED = "╍"
_GAP = "  "
_FRAME = 4
"""Cells of a panel's title that its corners take."""


class Chart(Widget):
    """Curves in a panel whose title names them, so that no legend covers a point; without borders, under a heading.

    The mouse wheel and dragging don't change the chart: they are messages, since several charts may move together.
    """

    DEFAULT_CSS = "Chart { width: 1fr; height: 1fr; }"

    series: reactive[tuple[Series, ...]] = reactive((), always_update=True)
    axes: reactive[Axes] = reactive(Axes())
    axis_label: reactive[str] = reactive("")
    empty_text: reactive[str] = reactive("")

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
        self._painted: tuple[tuple[object, ...], Text] | None = None
        self._dragged_from: int | None = None

    def render(self) -> Text:
        """The chart as text, or `empty_text`. The last one is used again where nothing has changed."""
        drawn = prepared(self.series, self.axes, self.content_size.width)
        shape = (self.content_size, self.outer_size, self.title, self.axis_label, self.axes, self.empty_text)
        wanted = (shape, tuple(one.looks for one in drawn))
        if self._painted is None or self._painted[0] != wanted:
            self._painted = wanted, self._paint(drawn, *self.content_size)
        return self._painted[1]

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
        """Drags, a cell at a time."""
        if self._dragged_from is not None and event.screen_x != self._dragged_from and self.size.width:
            self.post_message(self.Dragged(self, (event.screen_x - self._dragged_from) / self.size.width))
            self._dragged_from = event.screen_x

    def on_mouse_up(self, _: MouseUp) -> None:
        """Ends dragging."""
        self._dragged_from = None
        self.release_mouse()

    def _zoom(self, event: MouseScrollUp | MouseScrollDown, direction: int) -> None:
        event.stop()
        event.prevent_default()
        self.post_message(self.Zoomed(self, direction, min(1.0, max(0.0, event.x / max(1, self.size.width)))))

    def _paint(self, drawn: Sequence[Series], width: int, height: int) -> Text:
        framed = self.outer_size.height > self.size.height
        name = f"{self.title}, log axis" if self.axes.log else self.title
        if framed:
            self.border_title = _legend(Text(name, "bold"), drawn, self.outer_size.width - _FRAME)
            self.border_subtitle = self.axis_label
        heading = [] if framed else [_legend(Text(f"{name} by {self.axis_label}", "bold"), drawn, width)]
        height -= len(heading)
        if not drawn or width < SMALLEST[0] or height < SMALLEST[1]:
            return Text("\n").join([*heading, Text(self.empty_text, style="dim")])
        return Text("\n", no_wrap=True).join([*heading, draw(drawn, self.axes, width, height)])


def _legend(title: Text, drawn: Sequence[Series], width: int) -> Text:
    """The title, and as many entries after it as fit a line of `width` cells."""
    line = title.copy()
    for one in drawn:
        if one.name:
            mark = _DASHED if one.dashed else _MARKS.get(one.marker, one.marker)
            entry = Text.assemble(_GAP, (mark, one.colour), (f" {one.name}", "not bold"))
            if line.cell_len + entry.cell_len > width:
                break
            line.append_text(entry)
    return line
