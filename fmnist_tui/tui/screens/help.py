"""The keys of the screen below, from its bindings."""

from __future__ import annotations

from rich.table import Table
from textual.app import App, ComposeResult
from textual.binding import ActiveBinding, Binding
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from fmnist_tui.tui.screens.dialog import Dialog

_LEFT_OUT = ("tab", "shift+tab", "super+c", "ctrl+c")


class HelpScreen(Dialog[None]):
    """A table of keys; any of the usual keys closes it."""

    BINDINGS = [Binding("question_mark,q,enter", "dismiss", "Back")]

    def __init__(self, bindings: list[ActiveBinding]) -> None:
        super().__init__()
        self._actions: dict[str, list[ActiveBinding]] = {}
        for item in sorted(bindings, key=_rank):
            if item.binding.description and item.binding.key not in _LEFT_OUT:
                self._actions.setdefault(item.binding.action, []).append(item)

    def compose(self) -> ComposeResult:
        """The layout."""
        table = Table.grid(padding=(0, 2))
        for items in self._actions.values():
            keys = " ".join(self.app.get_key_display(item.binding) for item in items)
            table.add_row(keys, items[0].tooltip or items[0].binding.description)
        with VerticalScroll(classes="dialog"):
            yield Static(table)


def _rank(item: ActiveBinding) -> int:
    """The screen's own keys first, then the app's, then those that every list or field has."""
    return 0 if isinstance(item.node, Screen) else 1 if isinstance(item.node, App) else 2
