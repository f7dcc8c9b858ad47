"""Lists to choose from, whose cursor stops at both ends: wrapping around would start the wrong thing by accident."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.events import Click
from textual.message import Message
from textual.widgets import OptionList, Select
from textual.widgets._select import SelectCurrent, SelectOverlay
from textual.widgets.option_list import Option

if TYPE_CHECKING:
    _Mixed = OptionList
else:
    _Mixed = object


class Attentive(_Mixed):
    """A list whose options may have changed while a click was on its way: Textual fails where there are fewer now."""

    def on_click(self, event: Click) -> None:
        """Ignores a click on an option that is gone."""
        if event.style.meta.get("option", -1) >= self.option_count:
            event.prevent_default()


class _Stopping(Attentive):
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


class Choices(_Stopping, OptionList):
    """A list that stays open."""

    # The least width matters: Textual fails to wrap options at a width of zero.
    DEFAULT_CSS = "Choices { min-width: 16; }"


class Markable(Choices):
    """A list whose options can be marked; elsewhere a click chooses as Enter does, here it doesn't."""

    class Marked(Message):
        """The highlighted option was clicked, to be marked or no longer."""

    def __init__(self, *options: Option, clicks: int, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's
        """A list.

        Args:
            options: What can be chosen.
            clicks: How many clicks mark an option: 1, or 2 where one click is to do no more than move the cursor.
            id: Of the widget.
            classes: Of the widget.
        """
        super().__init__(*options, id=id, classes=classes)
        self._clicks = clicks

    def on_click(self, event: Click) -> None:
        """Moves the cursor to the option, and asks to mark it."""
        event.prevent_default()
        clicked = event.style.meta.get("option", -1)
        if 0 <= clicked < self.option_count and not self.get_option_at_index(clicked).disabled:
            self.highlighted = clicked
            if event.chain % self._clicks == 0:
                self.post_message(self.Marked())


class _Popup(_Stopping, SelectOverlay):
    BINDINGS = [Binding("enter", "select", "Choose"), Binding("escape", "dismiss", "Cancel")]


class Picker(Select[str]):
    """A field whose list opens over it."""

    def __init__(self, choices: Sequence[str], value: str, *, id: str, tooltip: str) -> None:  # noqa: A002 - Textual's
        options = [(choice, choice) for choice in choices]
        super().__init__(options, value=value, allow_blank=False, id=id, compact=True, tooltip=tooltip)

    def compose(self) -> ComposeResult:
        """The value and the list."""
        yield SelectCurrent(self.prompt)
        yield _Popup(type_to_search=self._type_to_search).data_bind(compact=Select.compact)
