"""Images as terminal text: half-blocks (two pixels a cell) or an ASCII ramp, and one image, large.

Grey pixels are drawn from the theme's background (0) to its text colour (255): white on black on a dark theme, and
black on white on a light one, where a black image would be a hole in the page. Images in colour (height, width, 3) are
drawn in their colours, in ASCII by their luminance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, product
from typing import TYPE_CHECKING, Any, TypeAlias

from rich.segment import ControlType, Segment
from rich.style import Style
from rich.text import Text
from textual.app import App
from textual.color import Color, ColorParseError
from textual.errors import NoWidget
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from fmnist_tui.tui.lazy import LazyModule

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fmnist_tui.tui.full_resolution import Sharp
    from fmnist_tui.tui.terminal_answers import Graphics
else:
    np = LazyModule("numpy")

Pixels: TypeAlias = "NDArray[np.uint8]"
Row = list[Segment]
Drawing: TypeAlias = "Callable[[Pixels], list[Row]]"

PLAIN = Style.null()
"""No colours; Textual's filter for NO_COLOR needs a style on every segment."""
_RAMP = " .:-=+*#%@"
_LEVEL, _COLOUR_LEVEL = 8, 16
"""Pixel values are drawn in such steps: fewer different cells, so fewer escape codes over the wire."""
_LUMINANCE = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Shades:
    """The colours, `#RRGGBB`, of a pixel of value 0 and of one of value 255."""

    none: str = "#000000"
    full: str = "#FFFFFF"


GREY = Shades()


def theme_shades(app: App[Any], ground: str = "background") -> Shades:
    """From the theme's background, or another of its colours, to that of its text."""
    variables, dark = app.theme_variables, app.current_theme.dark
    paper, ink = ("#000000", "#FFFFFF") if dark else ("#FFFFFF", "#000000")
    return Shades(_known(variables.get(ground, paper), paper), _known(variables.get("foreground", ink), ink))


def _known(name: str, default: str) -> str:
    """A theme's colour as `#RRGGBB`; the default for the terminal's own colours, which are unknown."""
    try:
        colour = Color.parse(name)
    except ColorParseError:
        return default
    return default if colour.ansi is not None else colour.hex6


def picture(image: Pixels) -> Pixels:
    """An image (channels, height, width) of a data set as it is drawn, in colour (height, width, 3).

    Grey ones are (height, width). The same of many images, (n, channels, height, width).
    """
    return image[..., 0, :, :] if image.shape[-3] == 1 else np.moveaxis(image, -3, -1)


def half_blocks(image: Pixels, shades: Shades = GREY, level: int = _COLOUR_LEVEL) -> list[Row]:
    """Rows of segments for an image uint8, grey or in colour: width cells wide, half as many rows as pixels.

    Args:
        image: (height, width), or in colour (height, width, 3).
        shades: The colours of grey pixels.
        level: The steps in which the colours of an image in colour are drawn.
    """
    even = image[: len(image) // 2 * 2]
    if even.ndim == 3:
        codes = (even // level * level).astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
        return [_coloured(upper.tolist(), lower.tolist()) for upper, lower in zip(codes[::2], codes[1::2], strict=True)]
    even = even // _LEVEL * _LEVEL
    return [_row(upper.tolist(), lower.tolist(), shades) for upper, lower in zip(even[::2], even[1::2], strict=True)]


def ascii_ramp(image: Pixels) -> list[Row]:
    """Rows of plain characters for an image uint8, grey or in colour, of the same size as `half_blocks` draws."""
    grey: NDArray[Any] = image @ np.array(_LUMINANCE, np.float32) if image.ndim == 3 else image
    pairs = grey[: len(grey) // 2 * 2].reshape(len(grey) // 2, 2, -1).mean(axis=1)
    characters = np.array(list(_RAMP))[(pairs * len(_RAMP) / 256).astype(int)]
    return [[Segment("".join(row), PLAIN)] for row in characters]


@dataclass(frozen=True)
class Look:
    """How to draw: half-blocks or ASCII, in these shades or, inverted, the other way round."""

    in_ascii: bool
    inverted: bool
    shades: Shades = GREY

    def __call__(self, image: Pixels) -> list[Row]:
        """The rows of a drawing."""
        shown = 255 - image if self.inverted else image
        return ascii_ramp(shown) if self.in_ascii else half_blocks(shown, self.shades)

    def colours(self, image: Pixels) -> Pixels:
        """The colours of its pixels, (height, width, 3), as `half_blocks` draws them."""
        shown = 255 - image if self.inverted else image
        if shown.ndim == 3:
            return shown // _COLOUR_LEVEL * _COLOUR_LEVEL
        none, full = (np.array(Color.parse(one).rgb, np.float32) for one in (self.shades.none, self.shades.full))
        fractions = (shown // _LEVEL * _LEVEL).astype(np.float32)[..., None] / 255
        colours: Pixels = np.rint(none + (full - none) * fractions).astype(np.uint8)
        return colours


def drawing(*, in_ascii: bool, inverted: bool, shades: Shades = GREY) -> Look:
    """How to draw, by what the user chose."""
    return Look(in_ascii, inverted, shades)


def as_text(rows: list[Row]) -> list[Text]:
    """The rows of a drawing as texts."""
    return [Text.assemble(*((segment.text, segment.style or "") for segment in row), end="") for row in rows]


def resized(images: Pixels, height: int, width: int) -> Pixels:
    """Images (n, any, any), or (n, any, any, 3), as (n, height, width); each pixel is the mean of its area."""
    if images.ndim == 4:
        return np.stack([resized(images[..., channel], height, width) for channel in range(3)], axis=-1)
    down, across = areas(images.shape[1], height), areas(images.shape[2], width)
    means: Pixels = (down @ images.astype(np.float32) @ across.T).round().astype(np.uint8)
    return means


def squared(image: Pixels) -> Pixels:
    """An image, grey or in colour, in the middle of a black square."""
    height, width = image.shape[:2]
    side = max(height, width)
    margins = [((side - own) // 2, side - own - (side - own) // 2) for own in (height, width)]
    return image if height == width else np.pad(image, margins + [(0, 0)] * (image.ndim - 2))


@lru_cache(64)
def areas(length: int, side: int) -> NDArray[np.float32]:
    """How much of each of `length` pixels is in each of `side` equal parts of them: (side, length), rows sum to 1."""
    edges = np.linspace(0, length, side + 1)[:, None]
    covered = np.clip(edges - np.arange(length), 0, 1)
    areas: NDArray[np.float32] = ((covered[1:] - covered[:-1]) * side / length).astype(np.float32)
    return areas


def _row(upper: list[int], lower: list[int], shades: Shades) -> Row:
    runs = groupby(zip(upper, lower, strict=True))
    return [Segment("▀" * len(list(cells)), _style(*colours, shades)) for colours, cells in runs]


def _coloured(upper: list[int], lower: list[int]) -> Row:
    runs = groupby(zip(upper, lower, strict=True))
    return [Segment("▀" * len(list(cells)), _colour_style(*colours)) for colours, cells in runs]


@lru_cache(8192)
def _colour_style(upper: int, lower: int) -> Style:
    return Style(color=f"#{upper:06x}", bgcolor=f"#{lower:06x}")


@lru_cache(8192)
def _style(upper: int, lower: int, shades: Shades) -> Style:
    return Style(color=_shade(upper, shades), bgcolor=_shade(lower, shades))


@lru_cache(256)
def _shade(value: int, shades: Shades) -> str:
    return Color.parse(shades.none).blend(Color.parse(shades.full), value / 255).hex6


class Picture(Widget):
    """An image, grey or in colour, as large as fits in whole multiples of its size, or made smaller; or nothing.

    Terminals that can are sent all of its pixels, in the same cells: sixels are drawn over the half-blocks, kitty's
    images instead of them. Below another screen, and where something covers the image, half-blocks are left.
    """

    DEFAULT_CSS = "Picture { width: 28; height: 14; }"
    _rows: list[Row] | None = None
    _rows_for = Size(0, 0)
    _sharp: Sharp | None = None
    _sharp_for: tuple[Graphics, Size] | None = None
    _was_covered = False

    image: reactive[Pixels | None] = reactive(None, always_update=True)
    draw: reactive[Drawing] = reactive(lambda: half_blocks)

    def watch_image(self) -> None:
        """Forgets the old drawing."""
        self._rows = self._sharp_for = None

    def watch_draw(self) -> None:
        """Draws in another way."""
        self._rows = self._sharp_for = None

    def on_unmount(self) -> None:
        """Frees what the terminal keeps."""
        self._send(self._sharp.end if self._sharp else "")

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a part of the widget, with the image in full resolution where that can be shown."""
        strips = super().render_lines(crop)
        graphics: Graphics | None = getattr(self.app, "graphics", None)
        if graphics is None or self.image is None or not self.screen.is_active:
            return strips
        if not isinstance(self.draw, Look) or self.draw.in_ascii or not self._rows:
            return strips
        sharp = self._sharp
        if sharp is None or self._sharp_for != (graphics, self.size):
            sharp = self._sharpened(self.draw.colours(self.image), self._rows, graphics)
            self._sharp_for = graphics, self.size
        if sharp.rows:
            rows = [row.adjust_cell_length(self.size.width, self.rich_style) for row in sharp.rows]
            shown = [row.crop(crop.x, crop.right) for row in rows[crop.y : crop.bottom]]
            return [*shown, *strips[len(shown) :]]
        return self._overlaid(strips, crop, sharp.overlay, len(self._rows))

    def render_line(self, y: int) -> Strip:
        """One line of the image."""
        if self._rows is None or self._rows_for != self.size:
            self._rows, self._rows_for = self._drawn(), self.size
        style = self.rich_style
        if y >= len(self._rows):
            return Strip.blank(self.size.width, style)
        return Strip(self._rows[y]).adjust_cell_length(self.size.width, style).apply_style(style)

    def _drawn(self) -> list[Row]:
        side = min(self.size.width, 2 * self.size.height) // 2 * 2
        if self.image is None or not side:
            return []
        height, width = self.image.shape[:2]
        scale = side // max(height, width)
        if scale:
            return self.draw(self.image.repeat(scale, axis=0).repeat(scale, axis=1))
        smaller = side / max(height, width)
        return self.draw(resized(self.image[None], max(2, round(height * smaller)), max(1, round(width * smaller)))[0])

    def _sharpened(self, colours: Pixels, rows: list[Row], graphics: Graphics) -> Sharp:
        from fmnist_tui.tui.full_resolution import sharp

        before, columns = self._sharp, sum(segment.cell_length for segment in rows[0])
        self._sharp = sharp(colours, columns, len(rows), graphics)
        self._send(self._sharp.begin)
        self._send(before.end if before else "")
        return self._sharp

    def _overlaid(self, strips: list[Strip], crop: Region, overlay: str, lines: int) -> list[Strip]:
        """With sixels as control characters at the end of the last row: they take no cells, and are never cut.

        Its codes say which cells they are drawn over: the first one, and the one after the last.
        """
        region = self.region
        corners = product((region.x, region.right - 1), (region.y, region.bottom - 1))
        covered = any(self._is_covered(*corner) for corner in corners)
        if crop != self.size.region or covered or region.bottom >= self.screen.size.height:
            if self._was_covered and not covered:
                self.call_later(self.refresh)
            self._was_covered = covered
            return strips
        self._was_covered = False
        place = f"\x1b7\x1b[{region.y + 1};{region.x + 1}H{overlay}\x1b8"
        row, end = strips[lines - 1], (region.right, region.y + lines)
        area = [(ControlType.CURSOR_MOVE_TO, *corner) for corner in (region.offset, end)]
        strips[lines - 1] = Strip([*row, Segment(place, None, area)], row.cell_length)
        return strips

    def _is_covered(self, x: int, y: int) -> bool:
        try:
            return self.screen.get_widget_at(x, y)[0] is not self
        except NoWidget:
            return True

    def _send(self, sequence: str) -> None:
        driver = self.app._driver
        if sequence and driver is not None and self.app.is_running:
            driver.write(sequence)
