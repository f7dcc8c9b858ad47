"""A grid of small images that fills the space it has, with a cursor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.binding import Binding
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from fmnist_tui.tui.cells import cells, cut, distinct, pad
from fmnist_tui.tui.keys import Remappable
from fmnist_tui.tui.lazy import LazyModule
from fmnist_tui.tui.widgets.images import Drawing, Row, half_blocks, resized, squared

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
else:
    np = LazyModule("numpy")

_SIDES = range(12, 19, 2)
"""Pixels of a small image's side: below 14, half an MNIST image's, the blurrier the less it is worth."""
_CLEAR = 14


@lru_cache(64)
def best_side(width: int, height: int, together: int = 0) -> int:
    """The size of the small images, in pixels and cells, that fills a space of so many cells best.

    Args:
        width: Of the space.
        height: Of the space, in lines.
        together: So many images are to be seen at once, if that is possible.
    """

    def grid(side: int) -> tuple[int, int]:
        return (width + 1) // (side + 1), height // (side // 2 + 1)

    def worth(side: int) -> tuple[bool, float]:
        columns, rows = grid(side)
        area = columns * (side + 1) * rows * (side // 2 + 1)
        return columns * rows >= together, area * min(1.0, side / _CLEAR)

    return max(_SIDES, key=worth)


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """One image of the grid.

    Attributes:
        image: (height, width) uint8, or (height, width, 3) in colour.
        caption: The text below it.
        about: Its details, in lines, shown beside the large image.
        number: What the caption begins with, never shortened for it.
    """

    image: NDArray[np.uint8]
    caption: str
    about: str
    number: str = ""


class Thumbnails(Remappable, Widget, can_focus=True):
    """Shows a page of images; arrow keys move the cursor, and request another page at the edges."""

    COMPONENT_CLASSES = {"thumbnails--caption", "thumbnails--cursor"}
    DEFAULT_CSS = """
    Thumbnails {
        .thumbnails--caption { color: $text-muted; }
        .thumbnails--cursor { color: $accent; text-style: bold reverse; }
    }
    """
    ALLOW_SELECT = False  # a double click opens, and there is no text to select
    BINDINGS = [
        Binding("left", "move(-1)", "Previous", show=False),
        Binding("right", "move(1)", "Next", show=False),
        Binding("up", "move_row(-1)", "Up", show=False),
        Binding("down", "move_row(1)", "Down", show=False),
        Binding("pageup", "turn(-1)", "Page up", show=False),
        Binding("pagedown", "turn(1)", "Page down", show=False),
        Binding("enter", "open", "Large image"),
    ]

    page: reactive[tuple[Thumbnail, ...]] = reactive(())
    cursor: reactive[int] = reactive(0, repaint=False)
    together: reactive[int] = reactive(0)
    draw: reactive[Drawing] = reactive(lambda: half_blocks)

    class Moved(Message):
        """The cursor is on another image of the page."""

    class PageTurned(Message):
        """Another page is requested: 1 the next, -1 the previous.

        `cursor` is its position on the new page: 0 the first image, -1 the last, None where it was.
        """

        def __init__(self, direction: int, cursor: int | None = None) -> None:
            super().__init__()
            self.direction = direction
            self.cursor = cursor

    class Opened(Message):
        """The image under the cursor is to be shown large."""

    class Resized(Message):
        """Another number of images fits on the page now."""

    @property
    def side(self) -> int:
        """Pixels, and so cells, of an image's width."""
        return best_side(*self.size, self.together)

    @property
    def columns(self) -> int:
        """Images side by side."""
        return max(1, (self.size.width + 1) // (self.side + 1))

    @property
    def capacity(self) -> int:
        """Images of a page."""
        return self.columns * max(1, self.size.height // self._lines)

    @property
    def current(self) -> Thumbnail | None:
        """The image under the cursor."""
        return self.page[self.cursor] if self.cursor < len(self.page) else None

    def render_line(self, y: int) -> Strip:
        """One line of the grid."""
        row, line = divmod(y, self._lines)
        first = row * self.columns
        shown = self.page[first : first + self.columns]
        segments = [segment for offset in range(len(shown)) for segment in self._cell_line(first + offset, line)]
        style = self.rich_style
        return Strip(segments).adjust_cell_length(self.size.width, style).apply_style(style)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """All the height there is."""
        return container.height

    def watch_page(self) -> None:
        """Draws the new page."""
        self._pictures = self._draw_all()
        self.cursor = min(self.cursor, max(0, len(self.page) - 1))

    def watch_draw(self) -> None:
        """Draws the page again, in another way."""
        self._pictures = self._draw_all()

    def watch_cursor(self, before: int, now: int) -> None:
        """Paints both captions, not the images, and reports that the cursor has moved."""
        self.refresh(*(self._caption_region(index) for index in (before, now)))
        self.post_message(self.Moved())

    def on_resize(self) -> None:
        """Reports that another number of images may fit."""
        self.post_message(self.Resized())

    def on_click(self, event: Click) -> None:
        """Moves the cursor to the image under the mouse; a second click shows it large."""
        column, row = event.x // (self.side + 1), event.y // self._lines
        clicked = row * self.columns + column
        if column < self.columns and clicked < len(self.page):
            if clicked == self.cursor:
                self.action_open()
            self.cursor = clicked

    def action_move(self, by: int) -> None:
        """Moves the cursor along the page, or to the next one."""
        self._go(self.cursor + by)

    def action_move_row(self, by: int) -> None:
        """Moves the cursor a row."""
        self._go(self.cursor + by * self.columns)

    def action_turn(self, direction: int) -> None:
        """Requests another page."""
        self.post_message(self.PageTurned(direction))

    def action_open(self) -> None:
        """Requests the large image."""
        self.post_message(self.Opened())

    @property
    def _lines(self) -> int:
        """Lines of an image and its caption."""
        return self.side // 2 + 1

    def _caption_region(self, index: int) -> Region:
        row, column = divmod(index, self.columns)
        return Region(column * (self.side + 1), row * self._lines + self.side // 2, self.side, 1)

    def _go(self, target: int) -> None:
        if 0 <= target < len(self.page):
            self.cursor = target
        elif target > 0:
            self.post_message(self.PageTurned(1, cursor=0))
        else:
            self.post_message(self.PageTurned(-1, cursor=-1))

    def _draw_all(self) -> list[list[Row]]:
        self._drawn_side = self.side
        if not self.page:
            return []
        images = np.stack([squared(item.image) for item in self.page])
        return [self.draw(image) for image in resized(images, self.side, self.side)]

    def _cell_line(self, index: int, line: int) -> Row:
        gap = Segment(" ", self.rich_style)
        if line < self.side // 2:
            if self._drawn_side != self.side:
                self._pictures = self._draw_all()
            return [*self._pictures[index][line], gap]
        number = self.page[index].number
        room = max(0, self.side - cells(number))
        names = distinct(tuple(item.caption for item in self.page), room, "")
        caption = pad(f"{cut(number, self.side, '')}{names[index]}", self.side)
        name = "cursor" if index == self.cursor and self.has_focus else "caption"
        return [Segment(caption, self.get_component_rich_style(f"thumbnails--{name}")), gap]
