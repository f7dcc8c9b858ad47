"""A dialog with one image, as a picture or as its pixel values; keys show its neighbours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, ScrollableContainer, Vertical
from textual.content import Content
from textual.theme import Theme
from textual.widgets import Static

from fmnist_tui.tui.base_screens import DIALOG_CSS, Dialog
from fmnist_tui.tui.dataset.thumbnails import Thumbnail
from fmnist_tui.tui.widgets.images import Drawing, Picture


class LargeImageDialog(Dialog[int]):
    """Shows one image of a sequence with its details; dismisses with the index of the image shown last."""

    CSS_PATH = [DIALOG_CSS, "large_image.tcss"]
    BINDINGS = [
        Binding("enter,space,q", "dismiss", "Back"),
        Binding("n,right", "turn(1)", "Next image"),
        Binding("b,left", "turn(-1)", "Previous image"),
        Binding("v", "numbers", "Values", tooltip="Show the pixel values, 0 (black) to 255 (white)"),
    ]

    def __init__(
        self, image_at: Callable[[int], Thumbnail], count: int, index: int, drawing: Callable[[], Drawing]
    ) -> None:
        """A dialog that isn't open yet.

        Args:
            image_at: The image at an index, and its details.
            count: The number of images.
            index: The first image to show.
            drawing: How to draw them in the current theme.
        """
        super().__init__()
        self._image_at = image_at
        self._count = count
        self._index = index
        self._drawing = drawing

    def compose(self) -> ComposeResult:
        """The picture beside its details, or the pixel values."""
        with Vertical(classes="dialog"):
            with Horizontal(id="shown"):
                yield Picture()
                yield Static(id="about", classes="muted")
            with ScrollableContainer(id="numbers"):
                yield Static()

    def on_mount(self) -> None:
        """Shows the first image."""
        self._redraw()
        self._show()
        self.app.theme_changed_signal.subscribe(self, self._redraw)

    def on_resize(self) -> None:
        """Shows the keys for scrolling where they are needed."""
        self.call_after_refresh(self._show_keys)

    async def action_dismiss(self, result: int | None = None) -> None:  # noqa: ARG002 - Textual's name
        """Dismisses with the index of the image."""
        self.dismiss(self._index)

    def action_turn(self, by: int) -> None:
        """Shows the next (1) or the previous image (-1)."""
        if 0 <= self._index + by < self._count:
            self._index += by
            self._show()

    def action_numbers(self) -> None:
        """Switches between the picture and the pixel values."""
        self.toggle_class("show-numbers")
        self.set_focus(self.query_one("#numbers") if self.has_class("show-numbers") else None)
        self.call_after_refresh(self._show_keys)

    def _redraw(self, _: Theme | None = None) -> None:
        self.query_one(Picture).draw = self._drawing()

    def _show(self) -> None:
        shown = self._image_at(self._index)
        self.query_one(Picture).image = shown.image
        self.query_one("#about", Static).update(Text(shown.about))
        self.query_one("#numbers Static", Static).update(Text(_as_numbers(shown.image), no_wrap=True))
        self.query_one(".dialog").border_title = Content(", ".join(shown.about.splitlines()[:2]))

    def _show_keys(self) -> None:
        numbers = self.query_one("#numbers")
        more = numbers.display and (numbers.max_scroll_x or numbers.max_scroll_y)
        keys = ("arrows: scroll",) if more else ()
        view = "v: picture" if numbers.display else "v: values"
        self.query_one(".dialog").border_subtitle = "  ".join((*keys, "n b: next, previous", view, "escape"))


def _as_numbers(image: NDArray[np.uint8]) -> str:
    """Rows of numbers, three characters each; of an image in colour, red, green and blue below each other."""
    if image.ndim == 3:
        parts = zip(("red", "green", "blue"), np.moveaxis(image, 2, 0), strict=True)
        return "\n\n".join(f"{name}\n{_as_numbers(part)}" for name, part in parts)
    return "\n".join(" ".join(f"{pixel:3d}" for pixel in row) for row in image.tolist())
