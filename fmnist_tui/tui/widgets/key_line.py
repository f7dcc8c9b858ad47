"""The line at the bottom of every screen: the keys that do something now, as many as there is room for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from textual.app import App
from textual.events import MouseMove
from textual.screen import Screen
from textual.widget import Widget

from fmnist_tui.tui.cells import cells


@dataclass(frozen=True)
class _Key:
    """One of them; the app's own are never left out."""

    key: str
    display: str
    words: str
    tooltip: str
    lasting: bool

    @property
    def width(self) -> int:
        """Cells, with those around it."""
        return cells(self.display) + cells(self.words) + 3


class KeyLine(Widget):
    """Each key whole or not at all; the app's keys (help, quit) always. A click presses a key.

    Textual's own footer cuts words at the edge, and builds a widget a key whenever the focus moves.
    """

    COMPONENT_CLASSES = {"key-line--key", "key-line--words"}
    DEFAULT_CSS = """
    KeyLine {
        dock: bottom; height: 1; background: $footer-background; color: $footer-foreground;
        .key-line--key { color: $footer-key-foreground; text-style: bold; }
        .key-line--words { color: $footer-description-foreground; }
    }
    """
    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[_Key, ...] = ()

    def on_mount(self) -> None:
        """Hears of other keys."""
        self.screen.bindings_updated_signal.subscribe(self, self._take)

    def on_mouse_move(self, event: MouseMove) -> None:
        """What the key under the mouse does, in words."""
        tooltip = event.style.meta.get("tooltip")
        if tooltip != self.tooltip:
            self.tooltip = tooltip

    def render(self) -> Text:
        """The keys that fit."""
        key_style = self.get_component_rich_style("key-line--key")
        words_style = self.get_component_rich_style("key-line--words")
        line = Text(no_wrap=True, end="")
        for key in _fitting(self._keys, self.size.width):
            pressed = Style.from_meta({"@click": f"app.simulate_key({key.key!r})", "tooltip": key.tooltip})
            line.append(f" {key.display}", key_style + pressed)
            line.append(f" {key.words} ", words_style + pressed)
        return line

    def _take(self, screen: Screen[object]) -> None:
        if not self.is_attached or screen is not self.screen:
            return
        keys = tuple(self._offered(screen))
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def _offered(self, screen: Screen[object]) -> Iterator[_Key]:
        """One for each action; a screen may have an opinion which are worth the room now."""
        offers = getattr(screen, "offers", None)
        seen = set()
        for node, binding, enabled, tooltip in screen.active_bindings.values():
            if binding.show and enabled and binding.action not in seen and (not offers or offers(binding.action)):
                seen.add(binding.action)
                display = self.app.get_key_display(binding)
                lasting = isinstance(node, App)
                yield _Key(binding.key, display, binding.description, tooltip or binding.description, lasting)


def _fitting(keys: tuple[_Key, ...], width: int) -> list[_Key]:
    """The keys from the first to where the room ends, and those that are never left out."""
    room = width - sum(key.width for key in keys if key.lasting)
    found, full = [], False
    for key in keys:
        full = full or (not key.lasting and key.width > room)
        if key.lasting or not full:
            found.append(key)
            room -= 0 if key.lasting else key.width
    return found
