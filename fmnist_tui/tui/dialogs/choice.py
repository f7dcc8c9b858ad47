"""Dialogs with a few answers: a question, stopping a run, leaving the app."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from fmnist_tui.runs.status import Status
from fmnist_tui.training.commands import Command
from fmnist_tui.tui.base_screens import Dialog

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


_TRAINING = {
    Command.STOP_AFTER_EPOCH: "After this epoch, and score it",
    Command.STOP_NOW: "Now: save, to be resumed",
    CANCEL: "Let it run",
}
_QUEUED = {Command.STOP_NOW: "Before it begins: r starts it later", CANCEL: "Let it wait"}


class StopScreen(AskScreen):
    """Dismisses with a command's name, or None; of a run that waits for its device nothing can be scored."""

    def __init__(self, run_id: str, status: Status) -> None:
        super().__init__(f"Stop {run_id}?", _QUEUED if status is Status.QUEUED else _TRAINING)


_NAMED = 3


class QuitScreen(AskScreen):
    """Dismisses with "leave", "stop" or None; notes what a logout does to the runs, as soon as the app knows."""

    def __init__(self, runs: list[str], *, ends_some: bool) -> None:
        """Asks about these runs.

        Args:
            runs: Their ids.
            ends_some: Whether some of them are trained by this app and end with it.
        """
        leave = "Leave running; in-app runs are saved and end" if ends_some else "Leave running"
        answers = {"leave": leave, "stop": "Stop and save, to be resumed", CANCEL: "Cancel"}
        super().__init__(f"Still training: {_listed(runs)}", answers)

    def on_mount(self) -> None:
        """The note may come later."""
        self.watch_app("logout_note", self._show_note)

    def _show_note(self, note: str) -> None:
        self.query_one("#note", Static).update(Text(note))
        self.query_one("#note").display = bool(note)


def _listed(runs: list[str]) -> str:
    more = f" and {len(runs) - _NAMED} more" if len(runs) > _NAMED else ""
    return ", ".join(runs[:_NAMED]) + more
