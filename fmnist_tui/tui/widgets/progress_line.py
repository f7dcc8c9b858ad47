"""A bar, its share and a few words on one line; it never moves by itself."""

from __future__ import annotations

from rich.text import Text
from textual.widget import Widget

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
