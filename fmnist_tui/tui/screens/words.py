"""Something to read, over the screen."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static


class WordsScreen(ModalScreen[None]):
    """A title and a text; any of the usual keys closes it."""

    CSS_PATH = "dialog.tcss"
    BINDINGS = [Binding("escape,enter,space,q", "dismiss", "Back")]

    def __init__(self, title: str, body: Text) -> None:
        super().__init__()
        self._heading = title
        self._body = body

    def compose(self) -> ComposeResult:
        """The layout."""
        with VerticalScroll(classes="dialog"):
            yield Static(Text(self._heading, style="bold"))
            yield Static(self._body)
