"""The dialog for a run's label: name, tags and note."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Label, Static

from fmnist_tui.runs import label as labels
from fmnist_tui.runs.directory import LONGEST_NAME
from fmnist_tui.tui.base_screens import Dialog


class EditLabelScreen(Dialog[labels.Label | None]):
    """Edits a label; dismisses with it, or with None if it is cancelled."""

    def __init__(self, run_id: str, label: labels.Label) -> None:
        """Edits the label of one run.

        Args:
            run_id: The run's id.
            label: The current label.
        """
        super().__init__()
        self._run_id, self._label = run_id, label

    def compose(self) -> ComposeResult:
        """A field for each part of the label."""
        longest = {"name": LONGEST_NAME, "tags": labels.MOST_TAGS * (LONGEST_NAME + 1), "note": labels.LONGEST_NOTE}
        values = {"name": self._label.name, "tags": " ".join(self._label.tags), "note": self._label.note}
        with Vertical(classes="dialog"):
            yield Static(Text(f"{self._run_id} (enter saves, escape cancels)"), id="heading")
            for field, value in values.items():
                yield Label(field)
                yield Input(value, id=field, max_length=longest[field], compact=True)

    def on_input_submitted(self) -> None:
        """Enter saves the label."""
        name, tags, note = (field.value for field in self.query(Input))
        self.dismiss(labels.Label(name.strip(), tuple(dict.fromkeys(tags.split())), note.strip()))
