"""The command palette: every action of the screen that it was called on, and the program's own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from textual.app import App, SystemCommand
from textual.screen import Screen

_LEFT_OUT = ("command_palette", "copy_text", "screen.copy_text", "focus_next", "focus_previous")


def commands(app: App[None], screen: Screen[Any]) -> Iterator[SystemCommand]:
    """One for each key's action, in the words of its binding; then the theme."""
    said = set()
    for active in sorted(screen.active_bindings.values(), key=lambda active: not active.binding.show):
        binding = active.binding
        action = binding.action
        if not binding.description or action.removeprefix("app.") in _LEFT_OUT or (action, active.node) in said:
            continue
        said.add((action, active.node))
        title = f"{binding.description} ({app.get_key_display(binding)})"
        run = partial(app.run_action, action, active.node)
        yield SystemCommand(title, active.tooltip or binding.description, run)
    yield SystemCommand("Theme", "Light, dark and other colours; remembered", app.action_change_theme)
