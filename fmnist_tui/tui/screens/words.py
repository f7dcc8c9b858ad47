"""Something to read, over the screen."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import Static

from fmnist_tui.tui.screens.dialog import Dialog


class WordsScreen(Dialog[None]):
    """A title and a text; any of the usual keys closes it."""

    BINDINGS = [Binding("enter,space,q", "dismiss", "Back")]

    def __init__(self, title: str, body: Text) -> None:
        super().__init__()
        self._heading = title
        self._body = body

    def compose(self) -> ComposeResult:
        """The layout."""
        with VerticalScroll(classes="dialog"):
            yield Static(Text(self._heading, style="bold"))
            yield Static(self._body)
