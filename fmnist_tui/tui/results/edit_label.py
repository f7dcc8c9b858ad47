"""Asks for a run's name, tags and note."""

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
    """Dismisses with the label, or None.

    Attributes:
        run_id: Whose label.
    """

    def __init__(self, run_id: str, label: labels.Label | None) -> None:
        """Asks for a run's label.

        Args:
            run_id: The run's id.
            label: As it is now; None while it is read: the fields wait for `fill`.
        """
        super().__init__()
        self.run_id = run_id
        self._label = label

    def compose(self) -> ComposeResult:
        """The layout."""
        longest = {"name": LONGEST_NAME, "tags": labels.MOST_TAGS * (LONGEST_NAME + 1), "note": labels.LONGEST_NOTE}
        with Vertical(classes="dialog"):
            yield Static(id="heading")
            for field in _FIELDS:
                yield Label(field)
                yield Input(id=field, max_length=longest[field], compact=True)

    def on_mount(self) -> None:
        """Shows the label, or that it is read."""
        self._show()

    def fill(self, label: labels.Label) -> None:
        """The label is read now."""
        if self._label is None:
            self._label = label
            if self.is_mounted:
                self._show()

    def on_input_submitted(self) -> None:
        """The answer."""
        if self._label is not None:
            name, tags, note = (self.query_one(f"#{field}", Input).value for field in _FIELDS)
            self.dismiss(labels.Label(name.strip(), tuple(dict.fromkeys(tags.split())), note.strip()))

    def _show(self) -> None:
        label = self._label
        what = "enter keeps, escape leaves it as it is" if label else "reading its label ..."
        self.query_one("#heading", Static).update(Text(f"{self.run_id} ({what})"))
        for field in _FIELDS:
            shown = self.query_one(f"#{field}", Input)
            shown.disabled = label is None
            if label:
                value = getattr(label, field)
                shown.value = value if isinstance(value, str) else " ".join(value)
        if label:
            self.query_one("#name").focus()
