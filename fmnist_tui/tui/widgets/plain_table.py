"""A table of text whose columns are as wide as their widest cell, from the first paint on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.cache import LRUCache
from textual.coordinate import Coordinate
from textual.events import Click
from textual.widgets import DataTable

from fmnist_tui.tui.cells import cells

_AT_ONCE = 40
"""Rows that are added before other messages are handled: a row takes a millisecond."""
_DRAWN = 4096
"""Cells that are kept as they were drawn."""
_Row = tuple[str | Text, ...]


class PlainTable(DataTable[Text]):
    """Textual measures columns after it has painted rows; here they are measured before.

    Hundreds of rows are added bit by bit, and those that stay are only changed where they differ, so that keys are
    handled meanwhile.
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(cursor_type="row", zebra_stripes=True, id=id)
        self._shown: tuple[tuple[object, ...], list[_Row]] = ((), [])
        self._drawn: LRUCache[object, list[Segment]] = LRUCache(_DRAWN)

    def show(
        self, header: Sequence[str], rows: Iterable[Sequence[str | Text]], keys: Sequence[str] = (), cursor: str = ""
    ) -> None:
        """Replaces the contents of the table.

        Args:
            header: The columns' headings.
            rows: A cell for each of them.
            keys: Names of the rows, where they have some.
            cursor: The name of the row under the cursor; "" for the first.
        """
        lines: list[_Row] = [tuple(line) for line in rows]
        columns = range(len(header))
        widths = [max(cells(header[column]), *(_width(line[column]) for line in lines), 0) for column in columns]
        layout = (*header, *widths, *keys)
        before = self._shown
        self._shown = (layout, lines)
        if keys and before[0] == layout and self.row_count == len(lines):
            self._change(before[1], lines)
            return
        self.clear(columns=True)
        for heading, width in zip(header, widths, strict=True):
            self.add_column(heading, width=width)
        self._add(lines, list(keys), 0, cursor)

    def validate_cursor_coordinate(self, value: Coordinate) -> Coordinate:
        """Never before the first row, where Textual sends the cursor of an empty table with `end`."""
        row, column = super().validate_cursor_coordinate(value)
        return Coordinate(max(row, 0), max(column, 0))

    def watch_virtual_size(self) -> None:
        """Forgets the size that its contents had before: Textual keeps it where a change of the layout was due already.

        The height of a table that was just shown and filled could stay that of the empty one, and no row was seen.
        """
        self._box_model_cache.clear()

    def on_click(self, event: Click) -> None:
        """Ignores a click on a column that went while the click was on its way: Textual fails there."""
        if event.style.meta.get("column", -1) >= len(self.columns):
            event.prevent_default()

    def _render_cell(
        self,
        row_index: int,
        column_index: int,
        base_style: Style,
        width: int,
        cursor: bool = False,  # noqa: FBT001, FBT002 - Textual's
        hover: bool = False,  # noqa: FBT001, FBT002
    ) -> list[list[Segment]]:
        """A cell of one line, which Textual draws as it would a page of any kind; those drawn before are kept."""
        is_header = row_index == -1
        text = self._get_row_renderables(row_index)[1][column_index]
        if not isinstance(text, Text) or "\n" in text.plain or column_index < 0:
            return super()._render_cell(row_index, column_index, base_style, width, cursor, hover)
        styles = self._get_styles_to_render_cell(
            is_header,
            False,  # noqa: FBT003
            False,  # noqa: FBT003
            hover,
            cursor,
            self.show_cursor,
            self._show_hover_cursor,
            self.cursor_foreground_priority == "css",
            self.cursor_background_priority == "css",
        )
        content = text.plain, tuple(text.spans), text.style
        key = (row_index, column_index, content, base_style, styles, width)
        if key not in self._drawn:
            style, post_style = styles
            style = base_style + Style.from_meta({"row": row_index, "column": column_index}) + style
            console = self.app.console
            drawn = Segment.apply_style(text.render(console), console.get_style(text.style))
            line = Segment.adjust_line_length([Segment(" " * self.cell_padding), *drawn], width)
            self._drawn[key] = list(Segment.apply_style(line, style, post_style))
        return [self._drawn[key]]

    def _change(self, before: Sequence[_Row], lines: Sequence[_Row]) -> None:
        for row, (old, new) in enumerate(zip(before, lines, strict=True)):
            for column, (was, cell) in enumerate(zip(old, new, strict=True)):
                if was != cell or _style(was) != _style(cell):
                    self.update_cell_at(Coordinate(row, column), _text(cell))

    def _add(self, lines: list[_Row], keys: list[str], first: int, cursor: str) -> None:
        if lines is not self._shown[1]:  # others are to be shown by now
            return
        end = min(first + _AT_ONCE, len(lines))
        for row in range(first, end):
            self.add_row(*map(_text, lines[row]), key=keys[row] if keys else None)
        if cursor in keys[first:end] and (first == 0 or self.cursor_row == 0):
            self.move_cursor(row=keys.index(cursor))
        if end < len(lines):
            self.call_after_refresh(partial(self._add, lines, keys, end, cursor))


def _text(cell: str | Text) -> Text:
    return Text(cell) if isinstance(cell, str) else cell


def _style(cell: str | Text) -> str:
    """What two equal texts may differ in: Rich compares the parts' styles only."""
    return "" if isinstance(cell, str) else str(cell.style)


def _width(cell: str | Text) -> int:
    return cells(cell) if isinstance(cell, str) else cell.cell_len
