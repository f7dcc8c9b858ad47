"""Asks how a run shall stop."""

from __future__ import annotations

from fmnist_tui.runs.status import Status
from fmnist_tui.training.control import Command
from fmnist_tui.tui.screens.ask import CANCEL, AskScreen

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
