"""Texts that depend on the width they are drawn in."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text
from textual.widgets import Static


class Fitted:
    """Draws itself for the width that it gets, whenever that changes, without a resize handler in the widget.

    What was drawn is kept: Textual asks for it to know its height, and again to paint it.
    """

    def __init__(self, draw: Callable[[int], RenderableType]) -> None:
        """Something to show in a widget.

        Args:
            draw: Called with a number of cells.
        """
        self._draw = draw
        self._drawn: dict[object, list[Segment]] = {}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        drawn_for = options.max_width, options.justify
        if drawn_for not in self._drawn:
            self._drawn = {drawn_for: list(console.render(self._draw(options.max_width), options.update(height=None)))}
        yield from self._drawn[drawn_for]


def update_changed(part: Static, text: str) -> None:
    """Shows a text as it is, where it isn't shown already: even the same one would be laid out again."""
    if not isinstance(part.content, Text) or part.content.plain != text:
        part.update(Text(text))


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
