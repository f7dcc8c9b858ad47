"""A text over the screen."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from fmnist_tui.tui.base_screens import Dialog


class TextDialog(Dialog[None]):
    """A title and a text; any of the usual keys closes it."""

    BINDINGS = [Binding("enter,space,q,h", "dismiss", "Back")]

    def __init__(self, title: str, body: Text) -> None:
        super().__init__()
        self._heading = title
        self._body = body

    def compose(self) -> ComposeResult:
        """The text, scrollable, in a frame with the title."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = Content(self._heading)
            yield Static(self._body)

    def on_resize(self) -> None:
        """Shows the keys for scrolling where they are needed."""
        self.call_after_refresh(self._show_keys)

    def _show_keys(self) -> None:
        dialog = self.query_one(VerticalScroll)
        dialog.border_subtitle = "up, down: scroll  escape: back" if dialog.max_scroll_y else "escape: back"
