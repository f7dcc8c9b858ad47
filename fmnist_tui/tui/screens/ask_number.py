"""Asks for a whole number."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from fmnist_tui.tui.screens.dialog import Dialog

_DIGITS = 9


class AskNumberScreen(Dialog[int | None]):
    """Dismisses with the number, or None."""

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """The layout."""
        with Vertical(classes="dialog"):
            yield Static(Text(self._question))
            yield Input(type="integer", max_length=_DIGITS)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The answer."""
        self.dismiss(int(event.value) if event.value.lstrip("+-").isdecimal() else None)
