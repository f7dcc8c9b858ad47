"""The command palette: every action of the screen that it was opened on, and of the app."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from textual.app import App, ComposeResult, SystemCommand
from textual.binding import ActiveBinding
from textual.command import CommandList, CommandPalette, SearchIcon
from textual.events import Mount
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, OptionList

from fmnist_tui.tui.base_screens import SafeScreen
from fmnist_tui.tui.messages import ShowQueue
from fmnist_tui.tui.widgets.choices import Attentive

_LEFT_OUT = ("command_palette", "copy_text", "screen.copy_text", "focus_next", "focus_previous")


class _Found(Attentive, CommandList):
    """The commands found so far."""


class Palette(SafeScreen, CommandPalette):
    """Textual's, with fixes: it fails at paging through a list that isn't painted yet, a second Enter, a late click.

    Like our own lists, it stops at both ends.
    """

    def compose(self) -> ComposeResult:
        """Textual's, with a list of our own."""
        for widget in super().compose():
            yield _Found() if isinstance(widget, CommandList) else widget

    def on_mount(self) -> None:
        """Replaces the magnifying glass, which takes two cells in some terminals and one in others, and isn't ASCII."""
        self.query_one(SearchIcon).icon = ">"

    def run_worker(self, work: Any, *given: Any, **named: Any) -> Any:
        """As Textual does it; a search that ends after the palette was closed doesn't end the app."""
        return super().run_worker(work, *given, **{**named, "exit_on_error": False})

    async def _dispatch_message(self, message: Message) -> None:
        if isinstance(message, Mount) and len(self.app.screen_stack) < 2:
            return  # closed again already, or the app is being left: there is no screen below it to search in
        if not (self.is_over and isinstance(message, Input.Submitted | OptionList.OptionSelected)):
            await super()._dispatch_message(message)

    def _action_command_list(self, action: str) -> None:
        found = self.query_one(CommandList)
        before = found.highlighted
        with suppress(KeyError):
            super()._action_command_list(action)
        if before is None or found.highlighted is None:
            return
        moved = found.highlighted - before
        if (action == "cursor_down" and moved < 0) or (action == "cursor_up" and moved > 0):
            found.highlighted = before


def commands(app: App[None], screen: Screen[Any]) -> Iterator[SystemCommand]:
    """One for each key's action, named as in its binding; then the queue and the theme."""
    listed = set()
    for active in sorted(screen.active_bindings.values(), key=lambda active: not active.binding.show):
        binding = active.binding
        action = binding.action
        if not _is_ours(active) or action.removeprefix("app.") in _LEFT_OUT or (action, active.node) in listed:
            continue
        listed.add((action, active.node))
        title = f"{binding.description} ({app.get_key_display(binding)})"
        run = partial(app.run_action, action, active.node)
        yield SystemCommand(title, active.tooltip if active.tooltip != binding.description else "", run)
    if not any(action == "queue" for action, _ in listed):
        yield SystemCommand("Queue", "Runs with a device or waiting for one", partial(app.post_message, ShowQueue()))
    yield SystemCommand("Theme", "Light, dark and other colours; saved", app.action_change_theme)


def _is_ours(active: ActiveBinding) -> bool:
    """Whether the action is the app's or a screen's, or in the key line: not what every list or field has."""
    if not active.binding.description:
        return False
    return isinstance(active.node, App | Screen) or active.binding.show
