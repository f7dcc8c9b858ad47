"""Dialogs with a few answers: a question, stopping a run, leaving the app."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static
from textual.widgets.option_list import Option

from fmnist_tui.runs.status import Status
from fmnist_tui.training.events import Command
from fmnist_tui.tui.base_screens import Dialog
from fmnist_tui.tui.widgets.choices import Choices

CANCEL = "cancel"


class ChoiceDialog(Dialog[str | None]):
    """Dismisses with the answer's name, or with None where that is `CANCEL`."""

    def __init__(self, question: str, answers: Mapping[str, str], note: str = "") -> None:
        """A dialog that isn't open yet.

        Args:
            question: Shown as it is.
            answers: The text of each answer, by its name; Enter takes the first.
            note: What the user should know before answering.
        """
        super().__init__()
        self._question = question
        self._answers = answers
        self._note = note

    def compose(self) -> ComposeResult:
        """Question, note and answers."""
        with Vertical(classes="dialog"):
            yield Static(Text(self._question))
            note = Static(Text(self._note), id="note", classes="muted")
            note.display = bool(self._note)
            yield note
            yield Choices(*(Option(Text(text), id=name) for name, text in self._answers.items()))

    def on_option_list_option_selected(self, event: Choices.OptionSelected) -> None:
        """Dismisses with the answer."""
        self.dismiss(None if event.option_id == CANCEL else event.option_id)


_TRAINING = {
    Command.STOP_AFTER_EPOCH: "After this epoch, then score",
    Command.STOP_NOW: "Now: save a checkpoint; the run can be resumed",
    CANCEL: "Keep running",
}
_WAITING = {
    Status.QUEUED: {Command.STOP_NOW: "Remove from the queue; r starts it later", CANCEL: "Keep waiting"},
    Status.PENDING: {Command.STOP_NOW: "Cancel its job; r submits it again", CANCEL: "Keep waiting"},
}


class StopDialog(ChoiceDialog):
    """Dismisses with a command's name, or None; a run that waits has nothing to be scored."""

    def __init__(self, run_id: str, status: Status) -> None:
        super().__init__(f"Stop {run_id}?", _WAITING.get(status, _TRAINING))


_NAMED = 3


class QuitDialog(ChoiceDialog):
    """Dismisses with "leave", "stop" or None; shows what a logout does to the runs, as soon as the app knows."""

    def __init__(self, runs: list[str], *, ends_some: bool) -> None:
        """A dialog that isn't open yet.

        Args:
            runs: The ids of the running runs.
            ends_some: Whether some of them are trained by this app and end with it.
        """
        leave = "Leave running (in-app runs are saved and end)" if ends_some else "Leave running"
        answers = {"leave": leave, "stop": "Stop and save; they can be resumed", CANCEL: "Cancel"}
        super().__init__(f"Still running: {_listed(runs)}", answers)

    def on_mount(self) -> None:
        """Shows the note, which may come later."""
        self.watch_app("logout_note", self._show_note)

    def _show_note(self, note: str) -> None:
        self.query_one("#note", Static).update(Text(note))
        self.query_one("#note").display = bool(note)


def _listed(runs: list[str]) -> str:
    more = f" and {len(runs) - _NAMED} more" if len(runs) > _NAMED else ""
    return ", ".join(runs[:_NAMED]) + more
