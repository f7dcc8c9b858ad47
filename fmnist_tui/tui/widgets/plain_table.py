"""A table of words whose columns are as wide as their widest cell, from the first paint on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text
from textual.widgets import DataTable

from fmnist_tui.tui.cells import cells


class PlainTable(DataTable[Text]):
    """Textual measures columns after it has painted rows; here they are measured before."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(cursor_type="row", zebra_stripes=True, id=id)

    def show(self, header: Sequence[str], rows: Iterable[Sequence[str | Text]], keys: Sequence[str] = ()) -> None:
        """Replaces all that the table holds; `keys` name the rows, where they are given."""
        lines = list(rows)
        self.clear(columns=True)
        for place, heading in enumerate(header):
            width = max(cells(heading), *(_width(line[place]) for line in lines), 0)
            self.add_column(heading, width=width)
        for place, line in enumerate(lines):
            self.add_row(
                *(Text(cell) if isinstance(cell, str) else cell for cell in line), key=keys[place] if keys else None
            )


def _width(cell: str | Text) -> int:
    return cells(cell) if isinstance(cell, str) else cell.cell_len
