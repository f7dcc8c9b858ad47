"""The canvas: an image in half-blocks, painted with the mouse or with a cursor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.events import MouseDown, MouseMove, MouseUp
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from fmnist_tui.inspection.edits import brush_mask
from fmnist_tui.tui.widgets.images import PLAIN, Pixels, Row, ascii_ramp, half_blocks, resized

Pixel = tuple[int, int]
"""(row, column)."""
_ERASING_BUTTON = 3
_REVERSED = Style(reverse=True)


@dataclass(frozen=True)
class Layout:
    """How an image of `height` x `width` pixels is drawn in a place of cells, each of which shows two half-blocks.

    Attributes:
        height: Of the image.
        width: Of the image.
        shown_height: Half-blocks down; a whole multiple of the height where there is room, else fewer.
        shown_width: Cells across, likewise.
    """

    height: int
    width: int
    shown_height: int
    shown_width: int

    @classmethod
    def of(cls, height: int, width: int, cells: int, lines: int) -> Layout:
        """The largest that fits in so many cells and lines."""
        if scale := min(cells // width, 2 * lines // height):
            return cls(height, width, height * scale, width * scale)
        smaller = min(cells / width, 2 * lines / height)
        return cls(height, width, max(2, round(height * smaller)), max(1, round(width * smaller)))

    @property
    def lines(self) -> int:
        """Lines of the terminal."""
        return (self.shown_height + 1) // 2

    def pixels_at(self, x: int, y: int) -> tuple[Pixel, Pixel]:
        """The upper and the lower pixel in a cell; both are the same where pixels are larger than half-blocks."""
        column = min(max(x, 0), self.shown_width - 1) * self.width // self.shown_width
        last = self.shown_height - 1
        upper, lower = (min(max(line, 0), last) * self.height // self.shown_height for line in (2 * y, 2 * y + 1))
        if self.shown_height > self.height:
            upper = lower
        return (upper, column), (lower, column)

    def cell_of(self, pixel: Pixel) -> tuple[int, int]:
        """The cell (x, y) of the middle of a pixel."""
        row, column = pixel
        x = (2 * column + 1) * self.shown_width // (2 * self.width)
        return x, (2 * row + 1) * self.shown_height // (2 * self.height) // 2

    def area_of(self, pixel: Pixel) -> tuple[slice, slice]:
        """The half-blocks (lines, cells) that a pixel has, or shares with others."""
        (top, bottom), (left, right) = (
            (at * shown // own, max(at * shown // own + 1, (at + 1) * shown // own))
            for at, shown, own in zip(
                pixel, (self.shown_height, self.shown_width), (self.height, self.width), strict=True
            )
        )
        return slice(top, bottom), slice(left, right)

    def shown(self, image: Pixels) -> Pixels:
        """The image (height, width, 3) in that size; where its last line has one half-block, the other is black."""
        if self.shown_height >= self.height:
            scale = self.shown_height // self.height
            image = image.repeat(scale, axis=0).repeat(scale, axis=1)
        else:
            image = resized(image[None], self.shown_height, self.shown_width)[0]
        return np.pad(image, ((0, self.shown_height % 2), (0, 0), (0, 0)))


@dataclass(frozen=True)
class Ink:
    """How the canvas draws.

    Attributes:
        brush: The diameter of the brush, whose outline is seen around the cursor.
        cursor: The cursor's colour, (3,).
        in_ascii: Whether no colours are used.
    """

    brush: int = 1
    cursor: tuple[int, int, int] = (157, 140, 255)
    in_ascii: bool = False


class Canvas(Widget, can_focus=True):
    """Shows an image, moves its cursor, and reports what is to be painted."""

    BINDINGS = [
        Binding("space", "paint", "Paint", tooltip="Paint at the cursor; the mouse paints, its right button erases"),
        Binding("backspace,delete", "wipe", "Erase here", tooltip="Erase at the cursor", show=False),
        *(
            Binding(key, f"move({down}, {right})", f"Cursor {key}", show=False)
            for key, down, right in (("up", -1, 0), ("down", 1, 0), ("left", 0, -1), ("right", 0, 1))
        ),
    ]
    DEFAULT_CSS = "Canvas { width: 28; height: 14; }"
    ALLOW_SELECT = False  # a stroke that leaves the canvas would select the text there

    class Stroke(Message):
        """Lines are to be painted, or erased; `goes_on` if they continue the stroke before."""

        def __init__(self, lines: list[tuple[Pixel, Pixel]], *, erases: bool, goes_on: bool) -> None:
            super().__init__()
            self.lines = lines
            self.erases = erases
            self.goes_on = goes_on

    class Moved(Message):
        """The cursor was moved by a key."""

    def __init__(self) -> None:
        super().__init__()
        self.cursor: Pixel = (14, 14)
        self._image: Pixels = np.zeros((28, 28, 3), np.uint8)
        self._ink = Ink()
        self._rows: list[Row] = []
        self._dragged: tuple[Pixel, Pixel] | None = None

    @property
    def arrangement(self) -> Layout:
        """How the image is drawn in the size that the canvas has."""
        height, width = self._image.shape[:2]
        return Layout.of(height, width, max(1, self.size.width), max(1, self.size.height))

    def show(self, image: Pixels, ink: Ink) -> None:
        """Shows an image in colours (height, width, 3)."""
        if image.shape != self._image.shape:
            self.cursor = image.shape[0] // 2, image.shape[1] // 2
        self._image, self._ink = image, ink
        self._draw()

    def on_resize(self) -> None:
        """Draws in another size."""
        self._draw()

    def on_focus(self) -> None:
        """The cursor is seen."""
        self._draw()

    def on_blur(self) -> None:
        """The cursor isn't seen."""
        self._draw()

    def action_move(self, down: int, right: int) -> None:
        """Moves the cursor by a pixel."""
        height, width = self._image.shape[:2]
        row, column = self.cursor
        self.cursor = min(max(row + down, 0), height - 1), min(max(column + right, 0), width - 1)
        self._draw()
        self.post_message(self.Moved())

    def action_paint(self) -> None:
        """Paints at the cursor."""
        self.post_message(self.Stroke([(self.cursor, self.cursor)], erases=False, goes_on=False))

    def action_wipe(self) -> None:
        """Erases at the cursor."""
        self.post_message(self.Stroke([(self.cursor, self.cursor)], erases=True, goes_on=False))

    def on_mouse_down(self, event: MouseDown) -> None:
        """Begins a stroke."""
        here = self.arrangement.pixels_at(event.x, event.y)
        self.capture_mouse()
        self._dragged = here
        self._paint([here], event.button, goes_on=False)

    def on_mouse_move(self, event: MouseMove) -> None:
        """Continues it, in a straight line from the place before; a release outside isn't always reported."""
        if not event.button:
            self.release_mouse()
            return
        here = self.arrangement.pixels_at(event.x, event.y)
        if self._dragged and self._dragged != here:
            lines = list(zip(self._dragged, here, strict=True))
            self._dragged = here
            self._paint(lines, event.button, goes_on=True)

    def on_mouse_up(self, _: MouseUp) -> None:
        """Ends it."""
        self.release_mouse()

    def on_mouse_release(self) -> None:
        """Ends it, also where a dialog took the mouse; unless the next press has come already."""
        if self.app.mouse_captured is not self:
            self._dragged = None

    def _paint(self, lines: list[tuple[Pixel, Pixel]], button: int, *, goes_on: bool) -> None:
        self.cursor = lines[-1][1]
        self.post_message(self.Stroke(lines, erases=button == _ERASING_BUTTON, goes_on=goes_on))

    def _draw(self) -> None:
        """Draws the image; only lines that have changed are painted."""
        rows = self._drawn()
        before, self._rows = self._rows, rows
        if len(before) != len(rows):
            self.refresh()
            return
        changed = [y for y, (one, other) in enumerate(zip(before, rows, strict=True)) if one != other]
        if changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    def _drawn(self) -> list[Row]:
        layout = self.arrangement
        if self._ink.in_ascii:
            rows = ascii_ramp(layout.shown(self._image))
            return _with_cursor(rows, *layout.cell_of(self.cursor)) if self.has_focus else rows
        if not self.has_focus:
            return half_blocks(layout.shown(self._image), level=1)
        shown = layout.shown(_with_brush(self._image, self.cursor, self._ink))
        shown[layout.area_of(self.cursor)] = self._ink.cursor
        return half_blocks(shown, level=1)

    def render_line(self, y: int) -> Strip:
        """One line of the image."""
        style = self.rich_style
        if y >= len(self._rows):
            return Strip.blank(self.size.width, style)
        return Strip(self._rows[y]).adjust_cell_length(self.size.width, style).apply_style(style)


def _with_brush(image: Pixels, cursor: Pixel, ink: Ink) -> Pixels:
    """The image, what the brush covers tinted in the cursor's colour."""
    height, width = image.shape[:2]
    tint: NDArray[np.uint8] = np.array(ink.cursor, np.uint8)
    covered = brush_mask((height, width), *cursor, ink.brush)
    changed = image.copy()
    changed[covered] = (image[covered].astype(np.uint16) * 2 + tint.astype(np.uint16)) // 3
    return changed


def _with_cursor(rows: list[Row], x: int, y: int) -> list[Row]:
    """ASCII rows with one cell reversed."""
    ((text, *_),) = rows[y]
    cursor = [Segment(text[:x], PLAIN), Segment(text[x], _REVERSED), Segment(text[x + 1 :], PLAIN)]
    return [*rows[:y], cursor, *rows[y + 1 :]]
