"""Bars: a progress line, and fractions as a line each."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widget import Widget


def bars(rows: Sequence[tuple[str, float]], width: int) -> Text:
    """A line a row: its name, its share, and a bar that fills `width` cells for the greatest share."""
    greatest = max((share for _, share in rows), default=0.0) or 1.0
    return Text("\n".join(f"{name} {share:6.2%} {bar(share / greatest, width)}" for name, share in rows), no_wrap=True)


def bar(share: float, width: int) -> str:
    """A bar of up to `width` cells, in halves of a cell."""
    halves = round(min(max(share, 0.0), 1.0) * width * 2)
    return "━" * (halves // 2) + "╸" * (halves % 2)


_LABEL = 6
_WORDS = 42
_NARROWEST, _WIDEST = 10, 60


class ProgressLine(Widget):
    """For example: `epoch ━━━━━━────── 45 %  step 190 of 422`."""

    DEFAULT_CSS = "ProgressLine { height: 1; width: 1fr; }"

    def __init__(self, label: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._label = label
        self._share = 0.0
        self._words = ""

    def show(self, share: float, words: str) -> None:
        """Shows a share (0 to 1) and words; the same again costs nothing."""
        share = min(max(share, 0.0), 1.0)
        if (share, words) != (self._share, self._words):
            self._share, self._words = share, words
            self.refresh()

    def render(self) -> Text:
        """The line."""
        words = f" {self._share:4.0%}  {self._words}"
        width = max(_NARROWEST, min(_WIDEST, self.size.width - _LABEL - _WORDS))
        done = round(self._share * width)
        return Text.assemble(
            self._label.ljust(_LABEL), ("━" * done, "bold"), ("─" * (width - done), "dim"), words, no_wrap=True
        )
