"""Dialogs with an input field: a number, the folder of a run's images, a folder to write to, or a file."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from fmnist_tui.paths import without_tilde
from fmnist_tui.tui.base_screens import Dialog

_DIGITS = 9


class NumberDialog(Dialog[int | None]):
    """Dismisses with the number, or None."""

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """Question and field."""
        with Vertical(classes="dialog"):
            yield Static(Text(self._question))
            yield Input(type="integer", max_length=_DIGITS)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Dismisses with the number; with None where it isn't one."""
        self.dismiss(int(event.value) if event.value.lstrip("+-").isdecimal() else None)


_LONGEST = 4096
"""Characters of a path."""


class DataFolderDialog(Dialog[str | None]):
    """Dismisses with a folder, or None."""

    def __init__(self, run_id: str, reason: str) -> None:
        """A dialog that isn't open yet.

        Args:
            run_id: The run's id.
            reason: Why it can't be resumed as it is.
        """
        super().__init__()
        self._run_id = run_id
        self._reason = reason

    def compose(self) -> ComposeResult:
        """Question, reason and field."""
        with Vertical(classes="dialog"):
            yield Static("Where are the images now?")
            yield Static(Text(f"{self._run_id}: {self._reason}"), classes="muted")
            yield Input(max_length=_LONGEST, placeholder="folder (enter resumes the run, escape cancels)")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Dismisses with the folder."""
        if event.value.strip():
            self.dismiss(event.value.strip())


class FolderDialog(Dialog[Path | None]):
    """Dismisses with the folder that the user confirmed or typed, or with None if it is cancelled."""

    def __init__(self, heading: str, proposed: Path) -> None:
        """A dialog that isn't open yet.

        Args:
            heading: What is written.
            proposed: The folder that Enter takes; a relative path that the user types starts where it is.
        """
        super().__init__()
        self._heading = heading
        self._proposed = proposed

    def compose(self) -> ComposeResult:
        """Heading, field and what Enter does."""
        with Vertical(classes="dialog"):
            yield Static(Text(self._heading, "bold"))
            yield Input(str(self._proposed), max_length=_LONGEST, id="folder")
            yield Static("enter writes there, escape cancels; ~ is your home folder", classes="muted")

    def on_mount(self) -> None:
        """Ready to type, and to confirm."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Dismisses with the folder; an empty field is none."""
        if folder := event.value.strip():
            self.dismiss(self._proposed.parent / without_tilde(folder))


class FileDialog(Dialog[Path | None]):
    """Dismisses with the file that the user confirmed or typed, or with None if it is cancelled."""

    def __init__(self, heading: str, folder: Path, name: str, note: str) -> None:
        """A dialog that isn't open yet.

        Args:
            heading: What the file is for.
            folder: Where a relative path begins.
            name: The file's name that is proposed, or "".
            note: What Enter does.
        """
        super().__init__()
        self._heading = heading
        self._folder = folder
        self._file = name
        self._note = note

    def compose(self) -> ComposeResult:
        """Heading, field and what Enter does."""
        proposed = str(self._folder / self._file) + ("" if self._file else "/")
        with Vertical(classes="dialog"):
            yield Static(Text(self._heading, "bold"))
            yield Input(proposed, max_length=_LONGEST, id="file", select_on_focus=False)
            yield Static(f"{self._note}; esc cancels; ~ is your home folder", classes="muted")

    def on_mount(self) -> None:
        """Ready to type, and to confirm."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Dismisses with the file; an empty field is none."""
        if file := event.value.strip():
            self.dismiss(self._folder / without_tilde(file))
