"""Asks what becomes of live runs when the app is left."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

from fmnist_tui.tui.screens.ask import CANCEL, AskScreen

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
