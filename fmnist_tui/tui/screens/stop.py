"""Asks how a run shall stop."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from fmnist_tui.training.control import Command
from fmnist_tui.tui.screens.dialog import Dialog


class StopScreen(Dialog[Command | None]):
    """Dismisses with the command, or None."""

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self._run_id = run_id

    def compose(self) -> ComposeResult:
        """The layout."""
        with Vertical(classes="dialog"):
            yield Static(Text(f"Stop {self._run_id}?"))
            yield OptionList(
                Option("After this epoch, and score it", id=Command.STOP_AFTER_EPOCH),
                Option("Now: save, to be resumed", id=Command.STOP_NOW),
                Option("Let it run", id="cancel"),
            )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """The answer."""
        self.dismiss(None if event.option_id in ("cancel", None) else Command(str(event.option_id)))
