"""Asks what becomes of live runs when the app is left."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from fmnist_tui.runs.machine.logout import what_a_logout_ends
from fmnist_tui.runs.machine.machine import this_machine
from fmnist_tui.tui.screens.dialog import Dialog

_NAMED = 3


class QuitScreen(Dialog[str | None]):
    """Dismisses with "leave", "stop" or None."""

    def __init__(self, runs: list[str], *, ends_some: bool) -> None:
        """Asks about these runs.

        Args:
            runs: Their ids.
            ends_some: Whether some of them are trained by this app and end with it.
        """
        super().__init__()
        self._runs = runs
        self._ends_some = ends_some

    def compose(self) -> ComposeResult:
        """The layout."""
        leave = "Leave running; in-app runs are saved and end" if self._ends_some else "Leave running"
        with Vertical(classes="dialog"):
            yield Static(Text(f"Still training: {_listed(self._runs)}"))
            if danger := what_a_logout_ends(this_machine()):
                yield Static(Text(danger), classes="muted")
            yield OptionList(
                Option(leave, id="leave"),
                Option("Stop and save, to be resumed", id="stop"),
                Option("Cancel", id="cancel"),
            )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """The answer."""
        self.dismiss(None if event.option_id == "cancel" else event.option_id)


def _listed(runs: list[str]) -> str:
    more = f" and {len(runs) - _NAMED} more" if len(runs) > _NAMED else ""
    return ", ".join(runs[:_NAMED]) + more
