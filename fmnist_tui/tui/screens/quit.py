"""Asks what becomes of live runs when the app is left."""

from __future__ import annotations

from fmnist_tui.runs.machine.logout import what_a_logout_ends
from fmnist_tui.runs.machine.machine import this_machine
from fmnist_tui.tui.screens.ask import CANCEL, AskScreen

_NAMED = 3


class QuitScreen(AskScreen):
    """Dismisses with "leave", "stop" or None."""

    def __init__(self, runs: list[str], *, ends_some: bool) -> None:
        """Asks about these runs.

        Args:
            runs: Their ids.
            ends_some: Whether some of them are trained by this app and end with it.
        """
        leave = "Leave running; in-app runs are saved and end" if ends_some else "Leave running"
        answers = {"leave": leave, "stop": "Stop and save, to be resumed", CANCEL: "Cancel"}
        super().__init__(f"Still training: {_listed(runs)}", answers, what_a_logout_ends(this_machine()) or "")


def _listed(runs: list[str]) -> str:
    more = f" and {len(runs) - _NAMED} more" if len(runs) > _NAMED else ""
    return ", ".join(runs[:_NAMED]) + more
