"""Texts that depend on the width they are drawn in."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text
from textual.widgets import Static


class Fitted:
    """Draws itself for the width that it gets, whenever that changes, without a resize handler in the widget."""

    def __init__(self, draw: Callable[[int], RenderableType]) -> None:
        """Something to show in a widget.

        Args:
            draw: Called with a number of cells.
        """
        self._draw = draw

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._draw(options.max_width)


class FittedText(Static):
    """Takes no room while it is empty; a new text of as many rows is only painted: layout costs more than that."""

    DEFAULT_CSS = "FittedText.-blank { display: none; }"

    def __init__(self, text: Text | None = None, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(text or Text(), id=id, classes="" if text else "-blank")

    def show(self, text: Text) -> None:
        """Updates the text where it has changed."""
        before = self.content if isinstance(self.content, Text) else Text()
        if text != before:
            width = self.size.width
            self.update(text, layout=width > 0 and _rows(before, width) != _rows(text, width))
        self.set_class(not text, "-blank")


def _rows(text: Text, width: int) -> int:
    return sum(max(1, -(-line.cell_len // max(1, width))) for line in text.split())
