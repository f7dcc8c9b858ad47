"""The dialog for a run's label: name, tags and note."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Label, Static

from fmnist_tui.runs import label as labels
from fmnist_tui.runs.directory import LONGEST_NAME
from fmnist_tui.tui.base_screens import Dialog

_FIELDS = ("name", "tags", "note")


class EditLabelScreen(Dialog[labels.Label | None]):
    """Edits a label; dismisses with it, or with None if it is cancelled.

    Attributes:
        run_id: The id of the run whose label it is.
    """

    def __init__(self, run_id: str, label: labels.Label | None) -> None:
        """Edits the label of one run.

        Args:
            run_id: The run's id.
            label: The current label; None while it is being read: the fields are disabled until `fill`.
        """
        super().__init__()
        self.run_id = run_id
        self._label = label

    def compose(self) -> ComposeResult:
        """A field for each part of the label."""
        longest = {"name": LONGEST_NAME, "tags": labels.MOST_TAGS * (LONGEST_NAME + 1), "note": labels.LONGEST_NOTE}
        with Vertical(classes="dialog"):
            yield Static(id="heading")
            for field in _FIELDS:
                yield Label(field)
                yield Input(id=field, max_length=longest[field], compact=True)

    def on_mount(self) -> None:
        """Shows the label, or that it is being read."""
        self._show()

    def fill(self, label: labels.Label) -> None:
        """Fills in the label once it has been read."""
        if self._label is None:
            self._label = label
            if self.is_mounted:
                self._show()

    def on_input_submitted(self) -> None:
        """Enter saves the label."""
        if self._label is not None:
            name, tags, note = (self.query_one(f"#{field}", Input).value for field in _FIELDS)
            self.dismiss(labels.Label(name.strip(), tuple(dict.fromkeys(tags.split())), note.strip()))

    def _show(self) -> None:
        label = self._label
        hint = "enter saves, escape cancels" if label else "reading the label ..."
        self.query_one("#heading", Static).update(Text(f"{self.run_id} ({hint})"))
        for field in _FIELDS:
            shown = self.query_one(f"#{field}", Input)
            shown.disabled = label is None
            if label:
                value = getattr(label, field)
                shown.value = value if isinstance(value, str) else " ".join(value)
        if label:
            self.query_one("#name").focus()
