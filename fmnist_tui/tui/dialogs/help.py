"""The keys of the screen below, from its bindings."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from rich.cells import cell_len
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import ActiveBinding, Binding
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from fmnist_tui.tui.base_screens import Dialog

_WIDTH, _FRAME = 66, 7
"""Cells of a dialog, and of its border, its margin and a scroll bar."""
_GAP = 2
_LEAST = 20
"""Cells of text, however narrow the terminal."""
_LEFT_OUT = ("tab", "shift+tab", "super+c", "ctrl+c")


class HelpDialog(Dialog[None]):
    """A table of keys; any of the usual keys closes it."""

    BINDINGS = [Binding("question_mark,q,enter", "dismiss", "Back")]

    def __init__(self, bindings: list[ActiveBinding]) -> None:
        super().__init__()
        self._actions: dict[str, list[ActiveBinding]] = {}
        for item in sorted(bindings, key=_rank):
            if item.binding.description and item.binding.key not in _LEFT_OUT:
                self._actions.setdefault(item.binding.action, []).append(item)

    def compose(self) -> ComposeResult:
        """The table, scrollable."""
        with VerticalScroll(classes="dialog"):
            yield Static(self._text())

    def on_resize(self) -> None:
        """Wraps the text again."""
        self.query_one(Static).update(self._text())

    def _text(self) -> Text:
        """Wrapped to the dialog's width: a Rich table does that, too, but takes longer than a key press may."""
        return Text("\n".join(self._lines(min(_WIDTH, self.app.size.width) - _FRAME)))

    def _lines(self, width: int) -> Iterator[str]:
        rows = [
            (
                " ".join(self.app.get_key_display(item.binding) for item in items),
                items[0].tooltip or items[0].binding.description,
            )
            for items in self._actions.values()
        ]
        indent = max(cell_len(keys) for keys, _ in rows) + _GAP
        for keys, text in rows:
            first, *rest = textwrap.wrap(text, max(_LEAST, width - indent))
            yield f"{keys}{' ' * (indent - cell_len(keys))}{first}"
            yield from (f"{' ' * indent}{line}" for line in rest)


def _rank(item: ActiveBinding) -> int:
    """The screen's own keys first, then the app's, then those that every list or field has."""
    return 0 if isinstance(item.node, Screen) else 1 if isinstance(item.node, App) else 2
