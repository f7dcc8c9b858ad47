"""A report in each output format: terminal, app screen, Markdown, CSV and JSON."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fmnist_tui.report.report import Line, Report, Table

if TYPE_CHECKING:
    from rich.text import Text

MUTED = "dim"


def print_report(report: Report, print_table: Callable[[Table], None], print_line: Callable[[str], None]) -> None:
    """Prints the report on a terminal, or as plain text.

    Args:
        report: The report.
        print_table: Prints a table in columns.
        print_line: Prints a line of text, "" for an empty one.
    """
    print_line(report.title)
    for section in report.sections:
        print_line("")
        if section.title:
            print_line(f"{section.title}:")
        if section.table:
            print_table(section.table)
        if section.table and section.lines:
            print_line("")
        for line in section.lines:
            print_line(line.text)


def fitted(table: Table, width: int, cells: Callable[[str], int]) -> Table:
    """The table without the columns that don't fit into `width` cells, those of lowest priority first.

    Args:
        table: The table; its columns are separated by two spaces.
        width: The terminal's.
        cells: The width of a text in cells.
    """
    while _width(table, cells) > width:
        optional = [column for column in table.columns if column.priority is not None]
        if not optional:
            break
        lowest = min(optional, key=lambda column: column.priority or 0)
        table = table.without(table.columns.index(lowest))
    return table


def aligned(table: Table, cells: Callable[[str], int]) -> list[list[str]]:
    """The header and the rows as text; in right-aligned columns padded on the left to equal widths.

    Args:
        table: The table.
        cells: The width of a text in cells.
    """
    columns = []
    for column, texts in zip(table.columns, _columns(table), strict=True):
        width = max(map(cells, texts)) if column.align == "right" else 0
        columns.append([" " * (width - cells(text)) + text for text in texts])
    return [list(row) for row in zip(*columns, strict=True)]


def _columns(table: Table) -> Iterator[tuple[str, ...]]:
    """The headings, each with the cells below it."""
    yield from zip(table.header, *([cell.text for cell in row] for row in table.rows), strict=True)


def _width(table: Table, cells: Callable[[str], int]) -> int:
    return sum(max(map(cells, column)) + 2 for column in _columns(table)) - 2


def to_text(report: Report, width: int) -> Text:
    """The report without its title for the app's screen, `width` cells wide; what isn't certain is muted."""
    from rich.text import Text

    parts = []
    for section in report.sections:
        lines = [Text(section.title, style="bold")] if section.title else []
        lines += _table_lines(section.table, width) if section.table else []
        parts.append(Text("\n").join([*lines, *map(styled, section.lines)]))
    return Text("\n\n").join(parts)


def _table_lines(table: Table, width: int) -> list[Text]:
    from rich.cells import cell_len, set_cell_size
    from rich.text import Text

    shown = fitted(table, width, cell_len)
    rows = aligned(shown, cell_len)
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    return [
        Text("  ".join(map(set_cell_size, row, widths)).rstrip(), style="" if index else "bold")
        for index, row in enumerate(rows)
    ]


def table_cells(table: Table) -> tuple[list[str], list[list[Text]]]:
    """Headings and cells for a table widget of the app; what isn't certain is muted."""
    from rich.cells import cell_len

    header, *texts = aligned(table, cell_len)
    rows = [
        [styled(replace(cell, text=text)) for cell, text in zip(row, shown, strict=True)]
        for row, shown in zip(table.rows, texts, strict=True)
    ]
    return header, rows


def styled(line: Line) -> Text:
    """A line for the app's screen."""
    from rich.text import Text

    return Text(line.text, style="" if line.certain else MUTED)


def to_markdown(report: Report) -> str:
    """The report in Markdown: the lines of titled sections are lists."""
    parts = [f"**{escaped(report.title)}**"]
    for section in report.sections:
        parts += [f"**{escaped(section.title)}**"] if section.title else []
        parts += [markdown_table(section.table)] if section.table else []
        lines = [escaped(line.text) for line in section.lines]
        if lines:
            parts.append("\n".join(f"- {line}" for line in lines) if section.title else "\n\n".join(lines))
    return "\n\n".join(parts) + "\n"


def markdown_table(table: Table) -> str:
    """A table in Markdown."""
    rules = ["---:" if column.align == "right" else "---" for column in table.columns]
    lines = [list(map(escaped, table.header)), rules, *([escaped(cell.text) for cell in row] for row in table.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escaped(text: str) -> str:
    """`text` with Markdown's special characters escaped."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", text)


def to_csv(report: Report) -> str:
    """The report's CSV table."""
    return csv_text(*report.csv)


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV table: a line for the header and one for each row; numbers in full, an empty cell for None."""
    import csv

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def to_json(report: Report) -> dict[str, Any]:
    """The report's JSON document."""
    return report.document
