"""The table of all runs: only the lines on the screen are drawn, so that a thousand runs cost no more than ten."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from textual import getters
from textual.binding import Binding
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from fmnist_tui.analysis.watched_runs import WatchedRun
from fmnist_tui.tui.app_state import LabApp
from fmnist_tui.tui.cells import cut, fitting
from fmnist_tui.tui.keys import Remappable
from fmnist_tui.tui.themes import model_colour, status_colour, status_mark
from fmnist_tui.tui.workspace.columns import GAP, HEADER, STATUS, Layout, cells_of

_MARGIN = 3
"""Cells before the first column: the cursor's mark, that of a pinned run, the status's."""


@dataclass(frozen=True)
class Section:
    """Runs below a heading.

    Attributes:
        headings: The text above them, of which the first that fits is shown; () for none.
        runs: In the order in which they are listed.
        colour: Of the heading, `#RRGGBB`, or "".
    """

    headings: tuple[str, ...]
    runs: tuple[WatchedRun, ...]
    colour: str = ""


_Line = tuple[WatchedRun | None, tuple[str, ...], str]
"""A run, or headings with their colour."""


class RunTable(Remappable, ScrollView, can_focus=True):
    """A heading, sections of runs, a cursor on one of them."""

    app = getters.app(LabApp)
    COMPONENT_CLASSES = {"run-table--cursor", "run-table--cursor-blurred", "run-table--header"}
    DEFAULT_CSS = """
    RunTable {
        overflow-x: hidden;
        .run-table--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
        .run-table--cursor-blurred { background: $block-cursor-blurred-background; }
        .run-table--header { color: $text-muted; }
    }
    """
    ALLOW_SELECT = False
    BINDINGS = [
        Binding("up", "cursor(-1)", "Up", show=False),
        Binding("down", "cursor(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "edge(-1)", "First", show=False),
        Binding("end", "edge(1)", "Last", show=False),
        Binding("enter", "select", "Open", tooltip="Show the run under the cursor on the Training screen"),
    ]

    class Highlighted(Message):
        """The cursor is on another run."""

    class Selected(Message):
        """A run was chosen."""

        def __init__(self, run: WatchedRun) -> None:
            super().__init__()
            self.run = run

    def __init__(self) -> None:
        super().__init__(id="table", classes="panel")
        self.border_title = "Runs"
        self._lines: list[_Line] = []
        self._pinned: Collection[str] = ()
        self._layout = Layout.fitting([], 0)
        self._cursor = 0
        """The position in `_lines`; never that of a heading, unless there is no run."""

    @property
    def current(self) -> WatchedRun | None:
        """The run under the cursor."""
        return self._lines[self._cursor][0] if self._cursor < len(self._lines) else None

    def show(self, sections: Sequence[Section], pinned: Collection[str]) -> None:
        """Shows these sections; the cursor stays on its run, wherever that is now, and in view if it was.

        Args:
            sections: The runs.
            pinned: Ids of pinned runs.
        """
        before = self.current
        lines: list[_Line] = []
        for section in sections:
            lines += [(None, section.headings, section.colour)] if section.headings else []
            lines += [(run, (), "") for run in section.runs]
        old, self._lines, self._pinned = (self._lines, self._pinned), lines, tuple(pinned)
        layout = self._fitting_layout()
        places = {run.run.run_id: place for place, (run, _, _) in enumerate(lines) if run}
        known = places.get(before.run.run_id) if before else None
        cursor = self._nearest(self._cursor) if known is None else known
        if old == (lines, self._pinned) and (layout, cursor) == (self._layout, self._cursor):
            return
        follows = known is None or self._top <= self._cursor < self._top + self._rows
        self._layout, self._cursor = layout, cursor
        self.virtual_size = Size(0, len(lines) + 1)
        self.refresh()
        if follows:
            self._scroll_to_cursor()
        if before is not self.current:
            self.post_message(self.Highlighted())

    def on_resize(self) -> None:
        """Leaves out other columns."""
        self._layout = self._fitting_layout()
        self.virtual_size = Size(0, len(self._lines) + 1)
        self.refresh()
        self.call_after_refresh(self._scroll_to_cursor)

    def render_line(self, y: int) -> Strip:
        """The header, or a line below it."""
        width = self.size.width
        if y == 0:
            return self._strip(self._header(), self.get_component_rich_style("run-table--header"), width)
        place = y - 1 + self.scroll_offset.y
        if place >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        run, headings, colour = self._lines[place]
        if run is None:
            line = Text.assemble((cut(fitting(headings, width), width), f"bold {colour}"))
            return self._strip(line, Style(), width)
        is_current = place == self._cursor
        name = "run-table--cursor" if self.has_focus else "run-table--cursor-blurred"
        style = self.get_component_rich_style(name, partial=True) if is_current else Style()
        return self._strip(self._row(run, is_current=is_current), style, width)

    def on_click(self, event: Click) -> None:
        """Moves the cursor; a second click chooses. The header and the frame are no runs."""
        y = event.get_content_offset_capture(self).y
        place = y - 1 + self.scroll_offset.y
        if 0 < y < self.size.height and place < len(self._lines) and self._lines[place][0] is not None:
            is_second = place == self._cursor and event.chain > 1
            self._move_to(place)
            if is_second:
                self.action_select()

    def on_focus(self) -> None:
        """The cursor is drawn brighter."""
        self.refresh()

    on_blur = on_focus

    def action_cursor(self, by: int) -> None:
        """Moves to the next run up (-1) or down (1)."""
        place = self._cursor + by
        while 0 <= place < len(self._lines):
            if self._lines[place][0] is not None:
                self._move_to(place)
                return
            place += by
        if by < 0:
            self.scroll_to(y=0, animate=False)  # a heading above the first run

    def action_page(self, by: int) -> None:
        """Moves by as many lines as are shown."""
        self._move_to(self._nearest(self._cursor + by * max(1, self.size.height - 2)))

    def action_edge(self, to: int) -> None:
        """Moves to the first run (-1), or to the last one (1)."""
        self._move_to(self._nearest(0 if to < 0 else len(self._lines) - 1))

    def action_select(self) -> None:
        """Chooses the run under the cursor."""
        if run := self.current:
            self.post_message(self.Selected(run))

    def _move_to(self, place: int) -> None:
        if place == self._cursor:
            return
        before, self._cursor = self._cursor, place
        top = self.scroll_offset.y
        self.refresh(*(Region(0, 1 + line - top, self.size.width, 1) for line in (before, place) if line >= top))
        self._scroll_to_cursor()
        self.post_message(self.Highlighted())

    def _nearest(self, place: int) -> int:
        """The position of a run, that one or one near it."""
        runs = [index for index, (run, _, _) in enumerate(self._lines) if run]
        return min(runs, key=lambda index: abs(index - place), default=0)

    @property
    def _top(self) -> int:
        """The first line in view."""
        return self.scroll_offset.y

    @property
    def _rows(self) -> int:
        """How many lines are in view below the header."""
        return max(1, self.size.height - 1)

    def _scroll_to_cursor(self) -> None:
        rows, top = self._rows, self._top
        place = 0 if self._cursor <= 1 and self._lines and self._lines[0][0] is None else self._cursor
        target = place if place < top else self._cursor - rows + 1 if self._cursor >= top + rows else top
        if target != top:
            self.scroll_to(y=target, animate=False)

    def _fitting_layout(self) -> Layout:
        rows = [cells_of(run) for run, _, _ in self._lines if run]
        return Layout.fitting(rows, self.size.width - _MARGIN)

    def _header(self) -> Text:
        return Text(" " * _MARGIN + GAP.join(value for _, value in self._layout.padded(HEADER)), no_wrap=True)

    def _row(self, one: WatchedRun, *, is_current: bool) -> Text:
        theme, run = self.app.current_theme, one.run
        line = Text("▌" if is_current else " ", no_wrap=True)
        line.append("*" if run.run_id in self._pinned else " ", "bold")
        status = status_colour(run.status, theme) or "dim"
        line.append(status_mark(run.status), status)
        for number, (column, value) in enumerate(self._layout.padded(cells_of(one))):
            line.append(GAP if number else "")
            line.append(value, status if column == STATUS else "")
        line.stylize(f"bold {model_colour(run.version, theme)}", _MARGIN, _MARGIN + len(run.version))
        return line

    def _strip(self, line: Text, style: Style, width: int) -> Strip:
        strip = Strip(line.render(self.app.console, end="")).adjust_cell_length(width)
        return strip.apply_style(style).apply_style(self.visual_style.rich_style)
