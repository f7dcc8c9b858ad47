"""The part of the app that asks the terminal for images in full resolution."""

from __future__ import annotations

import os
from dataclasses import replace

from fmnist_tui.tui.messages import GraphicsFound
from fmnist_tui.tui.painting import Painting
from fmnist_tui.tui.terminal_answers import CELL_SIZE, Answers, may_ask, question, take_answers


class FullResolution(Painting):
    """Asks after the first paint, and for the size of the cells whenever that of the terminal changes."""

    _asks = False

    def allow_full_resolution(self) -> None:
        """Asks the terminal, if the extra is installed and nothing speaks against it; call it before `run`."""
        self._asks = may_ask(os.environ)
        if self._asks:
            take_answers(Answers(lambda graphics: self.post_message(GraphicsFound(graphics))))

    def on_ready(self) -> None:
        """Imports what the answer will need, then asks."""
        if self._asks:
            self.threads.start(self._prepare)

    def on_resize(self) -> None:
        """The size of the font may have changed."""
        if self.graphics:
            self._ask(CELL_SIZE)

    def on_graphics_found(self, message: GraphicsFound) -> None:
        """Repaints the images."""
        before = self.graphics
        self.graphics = replace(message.graphics, generation=before.generation if before else 0)
        if self.graphics != before:
            self.refresh(layout=True)

    def action_repaint(self) -> None:
        """Sends the images again, too."""
        super().action_repaint()
        if self.graphics:
            self.graphics = replace(self.graphics, generation=self.graphics.generation + 1)
        self.refresh(layout=True)

    def _prepare(self) -> None:
        import fmnist_tui.tui.full_resolution  # noqa: F401

        self.call_later(self._ask, question(os.environ))

    def _ask(self, sequence: str) -> None:
        if self._driver is not None:
            self._driver.write(sequence)
            self._driver.flush()
