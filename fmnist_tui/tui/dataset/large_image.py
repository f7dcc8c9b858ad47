"""One image over the whole screen, as a picture or as its 784 numbers; its neighbours a key away."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, ScrollableContainer, Vertical
from textual.content import Content
from textual.widgets import Static

from fmnist_tui.tui.base_screens import DIALOG_CSS, Dialog
from fmnist_tui.tui.dataset.thumbnails import Thumbnail
from fmnist_tui.tui.widgets.images import Drawing, Picture


class LargeImageScreen(Dialog[int]):
    """One of a row of images and what is known of it; dismisses with the place of the last one that was shown."""

    CSS_PATH = [DIALOG_CSS, "large_image.tcss"]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (34, "-high")]
    BINDINGS = [
        Binding("enter,space,q", "dismiss", "Back"),
        Binding("n,right", "turn(1)", "Next image"),
        Binding("b,left", "turn(-1)", "Image before"),
        Binding("v", "numbers", "Numbers", tooltip="The pixels as numbers, 0 (black) to 255 (white)"),
    ]

    def __init__(self, at: Callable[[int], Thumbnail], count: int, place: int, drawing: Drawing) -> None:
        """A row of images.

        Args:
            at: The image at a place and what is known of it.
            count: How many there are.
            place: The first to be shown.
            drawing: How to draw them.
        """
        super().__init__()
        self._at = at
        self._count = count
        self._place = place
        self._drawing = drawing

    def compose(self) -> ComposeResult:
        """The layout."""
        with Vertical(classes="dialog"):
            with Horizontal(id="shown"):
                yield Picture()
                yield Static(id="about", classes="muted")
            with ScrollableContainer(id="numbers"):
                yield Static()

    def on_mount(self) -> None:
        """Shows the first."""
        self.query_one(Picture).draw = self._drawing
        self._show()

    def on_resize(self) -> None:
        """More or fewer of the numbers can be seen."""
        self.call_after_refresh(self._show_keys)

    async def action_dismiss(self, result: int | None = None) -> None:  # noqa: ARG002 - Textual's name
        """Closes it."""
        self.dismiss(self._place)

    def action_turn(self, by: int) -> None:
        """Another image."""
        if 0 <= self._place + by < self._count:
            self._place += by
            self._show()

    def action_numbers(self) -> None:
        """Picture or numbers."""
        self.toggle_class("show-numbers")
        self.set_focus(self.query_one("#numbers") if self.has_class("show-numbers") else None)
        self.call_after_refresh(self._show_keys)

    def _show(self) -> None:
        shown = self._at(self._place)
        self.query_one(Picture).image = shown.image
        self.query_one("#about", Static).update(Text(shown.about))
        self.query_one("#numbers Static", Static).update(Text(_as_numbers(shown.image), no_wrap=True))
        self.query_one(".dialog").border_title = Content(", ".join(shown.about.splitlines()[:2]))

    def _show_keys(self) -> None:
        numbers = self.query_one("#numbers")
        more = numbers.display and (numbers.max_scroll_x or numbers.max_scroll_y)
        keys = ("arrows: the rest",) if more else ()
        view = "v: picture" if numbers.display else "v: numbers"
        self.query_one(".dialog").border_subtitle = "  ".join((*keys, "n b: others", view, "escape"))


def _as_numbers(image: NDArray[np.uint8]) -> str:
    """Rows of numbers, three places each."""
    return "\n".join(" ".join(f"{pixel:3d}" for pixel in row) for row in image.tolist())
