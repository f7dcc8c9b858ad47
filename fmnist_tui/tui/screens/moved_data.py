"""Asks where a run's images are now."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from fmnist_tui.tui.screens.dialog import Dialog

_LONGEST = 4096
"""Characters of a path."""


class MovedDataScreen(Dialog[str | None]):
    """Dismisses with a folder, or None."""

    def __init__(self, run_id: str, reason: str) -> None:
        """Asks about this run.

        Args:
            run_id: Its id.
            reason: Why it can't be resumed as it is.
        """
        super().__init__()
        self._run_id = run_id
        self._reason = reason

    def compose(self) -> ComposeResult:
        """The layout."""
        with Vertical(classes="dialog"):
            yield Static("Where are the images now?")
            yield Static(Text(f"{self._run_id}: {self._reason}"), classes="muted")
            yield Input(max_length=_LONGEST, placeholder="a folder (enter resumes the run, escape leaves it)")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The folder."""
        if event.value.strip():
            self.dismiss(event.value.strip())
