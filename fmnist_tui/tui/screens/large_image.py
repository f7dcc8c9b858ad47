"""One image over the whole screen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from fmnist_tui.tui.widgets.picture import Picture
from fmnist_tui.tui.widgets.pixels import Drawing


class LargeImageScreen(ModalScreen[None]):
    """The image and what is known of it; any of the usual keys closes it."""

    CSS_PATH = "dialog.tcss"
    BINDINGS = [Binding("escape,enter,space,q", "dismiss", "Back")]

    def __init__(self, image: NDArray[np.uint8], about: str, drawing: Drawing) -> None:
        super().__init__()
        self._image = image
        self._about = about
        self._drawing = drawing

    def compose(self) -> ComposeResult:
        """The layout."""
        with Vertical(classes="dialog"):
            yield Picture()
            yield Static(Text(self._about), classes="muted")

    def on_mount(self) -> None:
        """Hands the image down."""
        picture = self.query_one(Picture)
        picture.draw = self._drawing
        picture.image = self._image
