"""A comparison laid out once, for every output format: titled sections of tables and sentences, and the data behind.

`report.comparison` and `report.run_pairs` make reports; `report.formats` renders them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

Align = Literal["left", "right"]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        heading: Its heading.
        align: Numbers are aligned right, except those with an interval or a deviation.
        priority: Where a table is too wide, the columns with the lowest priority are left out first; None: never.
    """

    heading: str
    align: Align = "left"
    priority: int | None = None


@dataclass(frozen=True)
class Line:
    """A cell, or one or more sentences on one line.

    Attributes:
        text: Without any markup.
        certain: False for a difference that isn't known to be significant: such a line is muted where that is possible.
    """

    text: str
    certain: bool = True


@dataclass(frozen=True)
class Table:
    """Columns, and rows with a cell for each of them."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Line, ...], ...]

    @property
    def header(self) -> list[str]:
        """The headings."""
        return [column.heading for column in self.columns]

    def without(self, index: int) -> Table:
        """The table without one of its columns."""
        rows = tuple(row[:index] + row[index + 1 :] for row in self.rows)
        return Table(self.columns[:index] + self.columns[index + 1 :], rows)


@dataclass(frozen=True)
class Section:
    """A part of a report; its parts are shown in this order.

    Attributes:
        title: "" for none.
        table: What it shows as a table.
        lines: The sentences below it.
        detail: Whether the short form of the report leaves it out.
    """

    title: str = ""
    table: Table | None = None
    lines: tuple[Line, ...] = ()
    detail: bool = True


@dataclass(frozen=True)
class AccuracyBars:
    """The data of a bar chart: one model's accuracy beside the reported one.

    Attributes:
        label: The model.
        accuracy: 0 to 1.
        marked: Whether runs are in it that aren't eligible.
        reported: The original project's accuracy, 0 to 1, if there is one.
        step: The step from the model before, in points; None for the first.
    """

    label: str
    accuracy: float
    marked: bool
    reported: float | None
    step: Line | None


@dataclass(frozen=True)
class Report:
    """A comparison, laid out.

    Attributes:
        title: What is compared.
        sections: In reading order; none of them is empty.
        document: The JSON document; plain dictionaries, lists, strings and numbers.
        csv: The CSV table: a header and rows; numbers in full, None for an empty cell.
        bars: For the bar chart; () if there is nothing to draw.
    """

    title: str
    sections: tuple[Section, ...]
    document: dict[str, Any]
    csv: tuple[Sequence[str], Sequence[Sequence[object]]]
    bars: tuple[AccuracyBars, ...] = ()

    @property
    def table(self) -> Table | None:
        """The main table, the first section's."""
        return self.sections[0].table if self.sections else None

    @property
    def short(self) -> Report:
        """The report without its details."""
        return replace(self, sections=tuple(section for section in self.sections if not section.detail))

    @property
    def below_table(self) -> Report:
        """The report without its main table, for a screen that shows this elsewhere."""
        if self.table is None:
            return self
        first, *others = self.sections
        rest = (replace(first, table=None), *others) if first.lines else tuple(others)
        return replace(self, sections=tuple(rest))
