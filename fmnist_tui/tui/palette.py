"""The command palette: every action of the screen that it was called on, and the program's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from textual.app import App, SystemCommand
from textual.binding import ActiveBinding
from textual.command import CommandPalette
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, OptionList

from fmnist_tui.tui.base_screens import AnsweredOnce

_LEFT_OUT = ("command_palette", "copy_text", "screen.copy_text", "focus_next", "focus_previous")


class Palette(AnsweredOnce, CommandPalette):
    """Textual's, with mends: its list can't turn a page before it was painted, and it takes two Enters for two."""

    def run_worker(self, work: Any, *given: Any, **named: Any) -> Any:
        """As Textual does it; a search that finds the palette closed doesn't end the app."""
        return super().run_worker(work, *given, **{**named, "exit_on_error": False})

    async def _dispatch_message(self, message: Message) -> None:
        if not (self.is_over and isinstance(message, Input.Submitted | OptionList.OptionSelected)):
            await super()._dispatch_message(message)

    def _action_command_list(self, action: str) -> None:
        with suppress(KeyError):
            super()._action_command_list(action)


def commands(app: App[None], screen: Screen[Any]) -> Iterator[SystemCommand]:
    """One for each key's action, in the words of its binding; then the theme."""
    said = set()
    for active in sorted(screen.active_bindings.values(), key=lambda active: not active.binding.show):
        binding = active.binding
        action = binding.action
        if not _is_ours(active) or action.removeprefix("app.") in _LEFT_OUT or (action, active.node) in said:
            continue
        said.add((action, active.node))
        title = f"{binding.description} ({app.get_key_display(binding)})"
        run = partial(app.run_action, action, active.node)
        yield SystemCommand(title, active.tooltip or binding.description, run)
    yield SystemCommand("Theme", "Light, dark and other colours; remembered", app.action_change_theme)


def _is_ours(active: ActiveBinding) -> bool:
    """Not what every list and field does with arrows, but what the program's own offer in the footer."""
    if not active.binding.description:
        return False
    return isinstance(active.node, App | Screen) or active.binding.show
