"""Images as terminal text: half-blocks (two pixels a cell) or an ASCII ramp, and one image, large."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

Pixels = NDArray[np.uint8]
Row = list[Segment]
Drawing = Callable[[Pixels], list[Row]]

PLAIN = Style.null()
"""No colours; Textual's filter for NO_COLOR needs a style on every segment."""
_RAMP = np.array(list(" .:-=+*#%@"))
_LEVEL = 8
"""Pixel values are drawn in steps of 8: fewer different cells, so fewer escape codes over the wire."""


def half_blocks(image: Pixels) -> list[Row]:
    """Rows of segments for an image (height, width) uint8: width cells wide, half as many rows as pixels."""
    even = image[: len(image) // 2 * 2] // _LEVEL * _LEVEL
    return [_row(upper.tolist(), lower.tolist()) for upper, lower in zip(even[::2], even[1::2], strict=True)]


def ascii_ramp(image: Pixels) -> list[Row]:
    """Rows of plain characters for an image (height, width) uint8, of the same size as `half_blocks` draws."""
    pairs = image[: len(image) // 2 * 2].reshape(len(image) // 2, 2, -1).mean(axis=1)
    characters = _RAMP[(pairs * len(_RAMP) / 256).astype(int)]
    return [[Segment("".join(row), PLAIN)] for row in characters]


def drawing(*, in_ascii: bool, inverted: bool) -> Drawing:
    """How to draw: half-blocks or ASCII, light on dark or, inverted, dark on light."""
    draw = ascii_ramp if in_ascii else half_blocks
    return (lambda image: draw(255 - image)) if inverted else draw


def halved(images: Pixels) -> Pixels:
    """Images (n, height, width) at half the size, each pixel the mean of four."""
    count, height, width = images.shape
    blocks = images.reshape(count, height // 2, 2, width // 2, 2)
    means: Pixels = blocks.mean(axis=(2, 4)).round().astype(np.uint8)
    return means


def _row(upper: list[int], lower: list[int]) -> Row:
    runs = groupby(zip(upper, lower, strict=True))
    return [Segment("▀" * len(list(cells)), _style(*colours)) for colours, cells in runs]


@lru_cache(4096)
def _style(upper: int, lower: int) -> Style:
    return Style(color=f"rgb({upper},{upper},{upper})", bgcolor=f"rgb({lower},{lower},{lower})")


_WIDTH, _HEIGHT = 28, 14


class Picture(Widget):
    """An image (28, 28) uint8 in 28 x 14 cells, or a multiple where there is room; nothing while there is none."""

    DEFAULT_CSS = "Picture { width: 28; height: 14; }"

    image: reactive[NDArray[np.uint8] | None] = reactive(None, always_update=True)
    draw: reactive[Drawing] = reactive(lambda: half_blocks)

    def render_line(self, y: int) -> Strip:
        """One line of the image."""
        scale = max(1, min(self.size.width // _WIDTH, self.size.height // _HEIGHT))
        if self.image is None or y >= _HEIGHT * scale:
            return Strip.blank(self.size.width, PLAIN)
        pixels = self.image[[2 * y // scale, (2 * y + 1) // scale]].repeat(scale, axis=1)
        return Strip(self.draw(pixels)[0]).adjust_cell_length(self.size.width, PLAIN)
