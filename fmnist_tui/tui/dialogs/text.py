"""Something to read, over the screen."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from fmnist_tui.tui.base_screens import Dialog


class WordsScreen(Dialog[None]):
    """A title and a text; any of the usual keys closes it."""

    BINDINGS = [Binding("enter,space,q,h", "dismiss", "Back")]

    def __init__(self, title: str, body: Text) -> None:
        super().__init__()
        self._heading = title
        self._body = body

    def compose(self) -> ComposeResult:
        """The layout."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = Content(self._heading)
            yield Static(self._body)

    def on_resize(self) -> None:
        """Says so where not all of it can be seen."""
        self.call_after_refresh(self._show_keys)

    def _show_keys(self) -> None:
        dialog = self.query_one(VerticalScroll)
        dialog.border_subtitle = "up, down: the rest  escape: back" if dialog.max_scroll_y else "escape: back"
