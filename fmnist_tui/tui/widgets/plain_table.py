"""A table of text whose columns are as wide as their widest cell, from the first paint on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from rich.text import Text
from textual.coordinate import Coordinate
from textual.widgets import DataTable

from fmnist_tui.tui.cells import cells

_AT_ONCE = 40
"""Rows that are added before other messages are handled: a row takes a millisecond."""
_Row = tuple[str | Text, ...]


class PlainTable(DataTable[Text]):
    """Textual measures columns after it has painted rows; here they are measured before.

    Hundreds of rows are added bit by bit, and those that stay are only changed where they differ, so that keys are
    handled meanwhile.
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(cursor_type="row", zebra_stripes=True, id=id)
        self._shown: tuple[tuple[object, ...], list[_Row]] = ((), [])

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
