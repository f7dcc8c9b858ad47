"""Bars: a progress line, and fractions as a line each."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widget import Widget


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


_LABEL = 6
_TEXT = 42
_NARROWEST, _WIDEST = 10, 60


class ProgressLine(Widget):
    """For example: `epoch ━━━━━━──────  45%  step 190 of 422`."""

    DEFAULT_CSS = "ProgressLine { height: 1; width: 1fr; }"

    def __init__(self, label: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._label = label
        self._fraction = 0.0
        self._text = ""

    def show(self, fraction: float, text: str) -> None:
        """Shows a fraction (0 to 1) and a text; the same again costs nothing."""
        fraction = min(max(fraction, 0.0), 1.0)
        if (fraction, text) != (self._fraction, self._text):
            self._fraction, self._text = fraction, text
            self.refresh()

    def render(self) -> Text:
        """The line."""
        text = f" {self._fraction:4.0%}  {self._text}"
        width = max(_NARROWEST, min(_WIDEST, self.size.width - _LABEL - _TEXT))
        done = round(self._fraction * width)
        return Text.assemble(
            self._label.ljust(_LABEL), ("━" * done, "bold"), ("─" * (width - done), "dim"), text, no_wrap=True
        )
