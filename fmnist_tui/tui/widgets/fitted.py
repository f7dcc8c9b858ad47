"""Text that depends on the width it is drawn in."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult


class Fitted:
    """Draws itself for the width that it gets, whenever that changes, without a resize handler in the widget."""

    def __init__(self, draw: Callable[[int], RenderableType]) -> None:
        """Something to show in a widget.

        Args:
            draw: Called with a number of cells.
        """
        self._draw = draw

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._draw(options.max_width)
