"""A list to choose from."""

from __future__ import annotations

from textual.widgets import OptionList


class Choices(OptionList):
    """Textual's list, but the cursor stops at both ends: wrapping around would start the wrong thing by accident."""

    # The least width matters: Textual fails to wrap options at a width of zero.
    DEFAULT_CSS = "Choices { min-width: 16; }"

    def action_cursor_up(self) -> None:
        """Moves up, unless at the first option that can be chosen."""
        before = self.highlighted
        super().action_cursor_up()
        if before is not None and self.highlighted is not None and self.highlighted > before:
            self.highlighted = before

    def action_cursor_down(self) -> None:
        """Moves down, unless at the last option that can be chosen."""
        before = self.highlighted
        super().action_cursor_down()
        if before is not None and self.highlighted is not None and self.highlighted < before:
            self.highlighted = before
