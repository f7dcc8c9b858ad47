"""The figures of each class, and a key that leads from one to its images."""

from __future__ import annotations

from textual.binding import Binding

from fmnist_tui.tui.widgets.plain_table import PlainTable


class ScoreTable(PlainTable):
    """A row a class; the row that is selected is told as a table tells it."""

    BINDINGS = [Binding("enter", "select_cursor", "Images", tooltip="The images that are taken for the class beside")]
