"""Asks for a run's name, tags and note."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Label, Static

from fmnist_tui.runs import labels
from fmnist_tui.runs.directory import LONGEST_NAME
from fmnist_tui.tui.screens.dialog import Dialog


class EditLabelScreen(Dialog[labels.Label | None]):
    """Dismisses with the label, or None."""

    def __init__(self, run_id: str, label: labels.Label) -> None:
        super().__init__()
        self._run_id = run_id
        self._label = label

    def compose(self) -> ComposeResult:
        """The layout."""
        with Vertical(classes="dialog"):
            yield Static(Text(f"{self._run_id} (enter keeps, escape leaves it as it is)"))
            yield Label("name")
            yield Input(self._label.name, id="name", max_length=LONGEST_NAME, compact=True)
            yield Label("tags")
            yield Input(" ".join(self._label.tags), id="tags", compact=True)
            yield Label("note")
            yield Input(self._label.note, id="note", max_length=labels.LONGEST_NOTE, compact=True)

    def on_input_submitted(self) -> None:
        """The answer."""
        name, tags, note = (self.query_one(f"#{field}", Input).value for field in ("name", "tags", "note"))
        self.dismiss(labels.Label(name.strip(), tuple(dict.fromkeys(tags.split())), note.strip()))
