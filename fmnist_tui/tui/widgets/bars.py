"""Bars: a progress line, and fractions as a line each."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widget import Widget

from fmnist_tui.tui.cells import cells


def bars(rows: Sequence[tuple[str, float]], width: int) -> Text:
    """A line for each row (name, fraction): name, percentage, and a bar; the largest fills `width` cells."""
    largest = max((fraction for _, fraction in rows), default=0.0) or 1.0
    return Text(
        "\n".join(f"{name} {fraction:6.2%} {bar(fraction / largest, width)}" for name, fraction in rows), no_wrap=True
    )


def bar(fraction: float, width: int) -> str:
    """A bar of up to `width` cells, in halves of a cell."""
    halves = round(min(max(fraction, 0.0), 1.0) * width * 2)
    return "━" * (halves // 2) + "╸" * (halves % 2)


_NARROWEST = 10


class ProgressLine(Widget):
    """For example: `━━━━━━╸──────  45%  epoch 4 of 10`, as wide as there is room."""

    DEFAULT_CSS = "ProgressLine { height: 1; width: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._shown = (0.0, "", "")

    def show(self, fraction: float, text: str, colour: str) -> None:
        """Shows a fraction (0 to 1) in a colour, and a text; the same again costs nothing."""
        wanted = (min(max(fraction, 0.0), 1.0), text, colour)
        if wanted != self._shown:
            self._shown = wanted
            self.refresh()

    def render(self) -> Text:
        """The line."""
        fraction, text, colour = self._shown
        text = f" {fraction:4.0%}  {text}"
        width = max(_NARROWEST, self.size.width - cells(text))
        done = bar(fraction, width)
        return Text.assemble(
            (done, colour), ("─" * (width - len(done)), "dim"), text, no_wrap=True, overflow="ellipsis"
        )
