"""One image over the whole screen, as a picture or as its 784 numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, ScrollableContainer
from textual.widgets import Static

from fmnist_tui.tui.screens.dialog import Dialog
from fmnist_tui.tui.widgets.picture import Picture
from fmnist_tui.tui.widgets.pixels import Drawing


class LargeImageScreen(Dialog[None]):
    """The image and what is known of it; any of the usual keys closes it."""

    CSS_PATH = ["dialog.tcss", "large_image.tcss"]  # type: ignore[assignment]  # Textual takes both
    BINDINGS = [
        Binding("enter,space,q", "dismiss", "Back"),
        Binding("v", "numbers", "Numbers", tooltip="The pixels as numbers, 0 (black) to 255 (white)"),
    ]

    def __init__(self, image: NDArray[np.uint8], about: str, drawing: Drawing) -> None:
        super().__init__()
        self._image = image
        self._about = about
        self._drawing = drawing

    def compose(self) -> ComposeResult:
        """The layout."""
        with Horizontal(classes="dialog"):
            yield Picture()
            with ScrollableContainer(id="numbers"):
                yield Static(Text(_as_numbers(self._image), no_wrap=True))
            yield Static(Text(f"{self._about}\n\nv: the pixels as numbers"), id="about", classes="muted")

    def on_mount(self) -> None:
        """Hands the image down."""
        picture = self.query_one(Picture)
        picture.draw = self._drawing
        picture.image = self._image

    def action_numbers(self) -> None:
        """Picture or numbers."""
        self.toggle_class("show-numbers")
        self.query_one("#numbers").focus()


def _as_numbers(image: NDArray[np.uint8]) -> str:
    """Rows of numbers, three places each."""
    return "\n".join(" ".join(f"{pixel:3d}" for pixel in row) for row in image.tolist())
