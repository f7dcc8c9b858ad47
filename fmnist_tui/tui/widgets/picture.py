"""One image, large."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from fmnist_tui.tui.widgets.pixels import PLAIN, Drawing, half_blocks

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
