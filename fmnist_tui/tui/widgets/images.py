"""Images as terminal text: half-blocks (two pixels a cell) or an ASCII ramp, and one image, large.

Grey pixels are drawn from the theme's background (0) to its text colour (255): white on black on a dark theme, and
black on white on a light one, where a black image would be a hole in the page. Images in colour (height, width, 3) are
drawn in their colours, in ASCII by their luminance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.app import App
from textual.color import Color, ColorParseError
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

Pixels = NDArray[np.uint8]
Row = list[Segment]
Drawing = Callable[[Pixels], list[Row]]

PLAIN = Style.null()
"""No colours; Textual's filter for NO_COLOR needs a style on every segment."""
_RAMP = np.array(list(" .:-=+*#%@"))
_LEVEL, _COLOUR_LEVEL = 8, 16
"""Pixel values are drawn in such steps: fewer different cells, so fewer escape codes over the wire."""
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)


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
    grey: NDArray[Any] = image @ _LUMINANCE if image.ndim == 3 else image
    pairs = grey[: len(grey) // 2 * 2].reshape(len(grey) // 2, 2, -1).mean(axis=1)
    characters = _RAMP[(pairs * len(_RAMP) / 256).astype(int)]
    return [[Segment("".join(row), PLAIN)] for row in characters]


def drawing(*, in_ascii: bool, inverted: bool, shades: Shades = GREY) -> Drawing:
    """How to draw: half-blocks or ASCII, in these shades or, inverted, the other way round."""
    draw = ascii_ramp if in_ascii else partial(half_blocks, shades=shades)
    return (lambda image: draw(255 - image)) if inverted else draw


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
    """An image, grey or in colour, as large as fits in whole multiples of its size, or made smaller; or nothing."""

    DEFAULT_CSS = "Picture { width: 28; height: 14; }"

    image: reactive[Pixels | None] = reactive(None, always_update=True)
    draw: reactive[Drawing] = reactive(lambda: half_blocks)

    def watch_image(self) -> None:
        """Forgets the old drawing."""
        self._rows: list[Row] | None = None

    def watch_draw(self) -> None:
        """Draws in another way."""
        self._rows = None

    def on_resize(self) -> None:
        """Draws in another size."""
        self._rows = None

    def render_line(self, y: int) -> Strip:
        """One line of the image."""
        if self._rows is None:
            self._rows = self._drawn()
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
