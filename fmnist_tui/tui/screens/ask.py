"""Asks a question that has a few answers."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from fmnist_tui.tui.screens.dialog import Dialog

CANCEL = "cancel"


class AskScreen(Dialog[str | None]):
    """Dismisses with the answer's name, or with None where that is `CANCEL`."""

    def __init__(self, question: str, answers: Mapping[str, str], note: str = "") -> None:
        """A question.

        Args:
            question: Its text, shown as it is.
            answers: What can be said to it, by name; the first is the one that Enter takes.
            note: What should be known before.
        """
        super().__init__()
        self._question = question
        self._answers = answers
        self._note = note

    def compose(self) -> ComposeResult:
        """The layout."""
        with Vertical(classes="dialog"):
            yield Static(Text(self._question))
            note = Static(Text(self._note), id="note", classes="muted")
            note.display = bool(self._note)
            yield note
            yield OptionList(*(Option(Text(words), id=name) for name, words in self._answers.items()))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """The answer."""
        self.dismiss(None if event.option_id == CANCEL else event.option_id)
