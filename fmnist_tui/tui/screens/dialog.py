"""What all dialogs share: they lie over a screen, Escape closes them, and 1 to 4 lead away from them."""

from __future__ import annotations

from typing import TypeVar

from textual.binding import Binding
from textual.screen import ModalScreen

from fmnist_tui.tui.screens.lab_screen import AnsweredOnce

Answer = TypeVar("Answer")


class Dialog(AnsweredOnce, ModalScreen[Answer]):
    """Dismisses with an answer, or with None."""

    CSS_PATH = "dialog.tcss"
    BINDINGS = [
        Binding("escape", "dismiss", "Back"),
        Binding("1", "app.go('dataset')", show=False),
        Binding("2", "app.go('models')", show=False),
        Binding("3", "app.go('training')", show=False),
        Binding("4", "app.go('results')", show=False),
    ]
