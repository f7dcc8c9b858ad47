"""One image, large."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from fmnist_tui.tui.widgets.pixels import PLAIN, Drawing, half_blocks


class Picture(Widget):
    """An image (28, 28) uint8 in 28 x 14 cells; nothing while there is none."""

    DEFAULT_CSS = "Picture { width: 28; height: 14; }"

    image: reactive[NDArray[np.uint8] | None] = reactive(None, always_update=True)
    draw: reactive[Drawing] = reactive(lambda: half_blocks)

    def render_line(self, y: int) -> Strip:
        """One line of the image."""
        if self.image is None or y >= len(self.image) // 2:
            return Strip.blank(self.size.width, PLAIN)
        rows = self.draw(self.image[2 * y : 2 * y + 2])
        return Strip(rows[0]).adjust_cell_length(self.size.width, PLAIN)
