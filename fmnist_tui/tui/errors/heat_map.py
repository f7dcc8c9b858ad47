"""A confusion matrix as a heat map of counts, with a cursor on one of its cells."""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.color import Color
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from fmnist_tui.analysis.errors import Matrix, strengths
from fmnist_tui.tui.cells import cells, centre, cut, distinct, pad
from fmnist_tui.tui.keys import Remappable
from fmnist_tui.tui.widgets.colours import BLUE, ORANGE, legible

_AXES = "true \\ predicted"
_NAME = 11
_NARROWEST, _WIDEST = 5, 14
_MANY, _NARROW_OF_MANY = 20, 4
"""Classes from which on not all have to fit, and the least width of their columns in cells."""
_CROSS = Style(bold=True, reverse=True)


class HeatMap(Remappable, Widget, can_focus=True):
    """Rows are true classes, columns predicted ones; correct predictions are blue, errors orange.

    Of more classes than fit those around the cursor are shown. The numbers say everything; the colours and the marks
    around the cursor's cell only help the eye.
    """

    ALLOW_SELECT = False  # a double click opens, and there is no text to select
    BINDINGS = [
        Binding("left", "move(0, -1)", "Left", show=False),
        Binding("right", "move(0, 1)", "Right", show=False),
        Binding("up", "move(-1, 0)", "Up", show=False),
        Binding("down", "move(1, 0)", "Down", show=False),
        Binding("enter", "open", "Images", tooltip="The images of the cell under the cursor"),
    ]

    cursor: reactive[tuple[int, int]] = reactive((0, 0))

    class Moved(Message):
        """The cursor has moved to another cell."""

    class Opened(Message):
        """The images of the cursor's cell are to be shown."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._matrix: Matrix = np.zeros((0, 0), np.int64)
        self._shades = strengths(self._matrix)
        self._most = 1.0
        self._names: tuple[str, ...] = ()

    def show(self, matrix: Matrix, names: tuple[str, ...], cursor: tuple[int, int]) -> None:
        """Shows counts, int64 (classes, classes), with the names of the classes, and puts the cursor on a cell."""
        self._matrix, self._shades, self._names = matrix, strengths(matrix), names
        self._most = max(1e-9, float(np.where(np.eye(len(matrix), dtype=bool), 0, self._shades).max(initial=0)))
        self.cursor = cursor
        self.refresh(layout=True)

    @property
    def shown_cells(self) -> tuple[range, range]:
        """The rows and the columns that are shown: all, or as many as fit, with the cursor's among them."""
        count, cell = len(self._names), self.cell
        fit = max(1, (self.size.height - 1) // cell.height), max(1, (self.size.width - self._margin) // cell.width)
        first = (max(0, min(at - some // 2, count - some)) for at, some in zip(self.cursor, fit, strict=True))
        rows, columns = (range(start, min(count, start + some)) for start, some in zip(first, fit, strict=True))
        return rows, columns

    @property
    def cell(self) -> Size:
        """Width and height of a cell, as large as fits."""
        count = max(1, len(self._names))
        least = max(self._digits + 1, _NARROW_OF_MANY) if count > _MANY else self._digits
        width = min(_WIDEST, max(least, (self.size.width - self._margin) // count))
        room = self.size.height - 1
        high = 3 if room >= 3 * count else 2 if room >= 2 * count + 1 else 1
        return Size(width, high if width > 2 * high else 1)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """The whole height."""
        return container.height

    def render_line(self, y: int) -> Strip:
        """The line of predicted classes, or a line of a row of cells."""
        high, (rows, columns) = self.cell.height, self.shown_cells
        row, line = divmod(y - 1, high)
        row += rows.start
        if y == 0:
            segments = self._heading(columns)
        elif high == 2 and line == 0 and row <= rows.stop and self._names:
            segments = self._between(row, columns)
        elif row < rows.stop:
            segments = self._row(row, columns, in_the_middle=high == 2 or line == high // 2)
        else:
            segments = []
        return Strip(segments).adjust_cell_length(self.size.width, self.rich_style)

    def watch_cursor(self) -> None:
        """Posts that the cursor has moved."""
        self.post_message(self.Moved())

    def on_click(self, event: Click) -> None:
        """Moves the cursor to the cell under the mouse; a second click opens it."""
        rows, columns = self.shown_cells
        row = rows.start + (event.y - 1) // self.cell.height
        column = columns.start + (event.x - self._margin) // self.cell.width
        if row in rows and column in columns:
            if (row, column) == self.cursor:
                self.action_open()
            self.cursor = (row, column)

    def action_move(self, down: int, right: int) -> None:
        """Moves the cursor, within the matrix."""
        last = max(0, len(self._names) - 1)
        self.cursor = (min(max(self.cursor[0] + down, 0), last), min(max(self.cursor[1] + right, 0), last))

    def action_open(self) -> None:
        """Requests the images of the cursor's cell."""
        self.post_message(self.Opened())

    @property
    def _digits(self) -> int:
        return len(str(self._matrix.max(initial=0)))

    @property
    def _margin(self) -> int:
        """The width of the rows' names in cells: less if the numbers would touch each other."""
        longest = max(min(_NAME, max(map(cells, self._names), default=0)), len(_AXES))
        if len(self._names) > _MANY:
            return longest + 1
        room = self.size.width - len(self._names) * max(_NARROWEST, self._digits + 1)
        return min(longest + 1, max(4, room))

    def _heading(self, columns: range) -> list[Segment]:
        width = self.cell.width
        names = short_names(self._names, width - 1)
        here = self.cursor[1] if self.has_focus else None
        plain = self.rich_style
        crossed = plain + _CROSS
        headings = [Segment(centre(names[column], width), crossed if column == here else plain) for column in columns]
        corner = _AXES if self._names and len(_AXES) < self._margin else ""
        return [Segment(corner.ljust(self._margin), plain + Style(dim=True)), *headings]

    def _row(self, row: int, columns: range, *, in_the_middle: bool) -> list[Segment]:
        name = row_names(self._names, self._margin)[row] if in_the_middle else ""
        plain = self.rich_style
        at_cursor = self.has_focus and row == self.cursor[0] and in_the_middle
        segments = [Segment(pad(name, self._margin), plain + _CROSS if at_cursor else plain)]
        for column in columns:
            count = int(self._matrix[row, column])
            here = self._is_here(row, column)
            text = self._cell_text(count, marked=here) if in_the_middle else " " * self.cell.width
            segments.append(Segment(text, plain + self._style(row, column)))
        return segments

    def _between(self, row: int, columns: range) -> list[Segment]:
        """The line above a row: half a cell of the row before, half a cell of this one, so that numbers are centred."""
        plain = self.rich_style
        segments = [Segment(" " * self._margin, plain)]
        for column in columns:
            above, below = self._style(row - 1, column).bgcolor, self._style(row, column).bgcolor
            if above == below or getattr(self.app, "ascii_images", False):  # in ASCII, a half-block would be a colon
                character, style = " ", Style(bgcolor=below)
            elif above is None:  # the background may be the terminal's own: nothing can be drawn in its colour
                character, style = "▄", Style(color=below)
            else:
                character, style = "▀", Style(color=above, bgcolor=below)
            segments.append(Segment(character * self.cell.width, plain + style))
        return segments

    def _is_here(self, row: int, column: int) -> bool:
        return self.has_focus and (row, column) == self.cursor

    def _cell_text(self, count: int, *, marked: bool) -> str:
        """The count in the width of a cell; zero is a dot, so that it doesn't stand out."""
        width = self.cell.width
        number = str(count) if count or marked else "."
        start = max(0, (width + self._digits) // 2 - len(number))
        before, after = " " * start, " " * (width - start - len(number))
        if marked:
            before, after = before[:-1] + "[" * bool(before), "]" * bool(after) + after[1:]
        return f"{before}{number}{after}"[:width]

    def _style(self, row: int, column: int) -> Style:
        """A cell's colours; none for a count of zero, and the text's colours exchanged at the cursor."""
        here = self._is_here(row, column)
        if not 0 <= row < len(self._names) or not (self._matrix[row, column] or here):
            return Style()
        if not self._matrix[row, column]:
            return Style(bold=True, color=self.rich_style.bgcolor, bgcolor=self.rich_style.color)
        colour = self._colour(row, column)
        text = legible(colour)
        if here:
            return Style(bold=True, color=colour.rich_color, bgcolor=text.rich_color)
        return Style(color=text.rich_color, bgcolor=colour.rich_color)

    def _colour(self, row: int, column: int) -> Color:
        """From the background, in equal steps to the eye, to the colour of the class or confusion with most images."""
        shade, ramp = float(self._shades[row, column]), BLUE
        if row != column:
            shade, ramp = shade / self._most, ORANGE
        return ramp.colour(shade, self.background_colors[1], self.app.console.color_system)


def short_names(names: tuple[str, ...], width: int) -> tuple[str, ...]:
    """The names cut to `width` cells at a word or a character; their labels if two of them would be equal."""
    short = tuple(name if cells(name) <= width else cut(re.split(r"[/ ]", name)[0], width, "") for name in names)
    return short if len(set(short)) == len(names) else tuple(map(str, range(len(names))))


@lru_cache(16)
def row_names(names: tuple[str, ...], width: int) -> tuple[str, ...]:
    """The names cut at a slash or to `width` cells where they are too long, and at their start if they look alike."""
    short = tuple(name if cells(name) <= width else cut(name.partition("/")[0], width, "") for name in names)
    return short if len(set(short)) == len(names) else distinct(names, max(1, width - 1))
