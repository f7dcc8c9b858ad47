"""The line at the top of every screen: the four screens, and what lives."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

SCREENS = (("dataset", "Dataset"), ("models", "Models"), ("training", "Training"), ("results", "Results"))


class Nav(Horizontal):
    """Names the screens with their keys; the current one stands out. A click goes there."""

    def __init__(self, current: str) -> None:
        super().__init__()
        self._current = current

    def compose(self) -> ComposeResult:
        """A cell a screen, then the state of the newest run."""
        for number, (name, title) in enumerate(SCREENS, start=1):
            classes = "screen current" if name == self._current else "screen"
            yield Static(f"[@click=app.go('{name}')]{number} {title}[/]", classes=classes)
        yield Static(id="live")

    def show_live(self, words: str) -> None:
        """Says at the right what lives now; "" for nothing."""
        self.query_one("#live", Static).update(Text(words))
