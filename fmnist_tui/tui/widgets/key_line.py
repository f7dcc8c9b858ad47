"""The line at the bottom of every screen, or the lines: the keys that do something now, as many as fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from textual.app import App
from textual.binding import ActiveBinding
from textual.events import Click, MouseMove
from textual.reactive import var
from textual.screen import Screen
from textual.widget import Widget

from fmnist_tui.tui.cells import cells

_ARROWS = {"↑": "up", "↓": "down", "←": "left", "→": "right"}


@dataclass(frozen=True)
class _Key:
    """A key; those of the app (`always`) are never left out."""

    key: str
    display: str
    label: str
    tooltip: str
    always: bool

    @property
    def width(self) -> int:
        """Cells, with the spaces around it."""
        return cells(self.display) + cells(self.label) + 3


class KeyLine(Widget):
    """Each key whole or not at all; the app's keys (help, quit) always. A click presses a key.

    Textual's own footer cuts labels at the edge, and builds a widget for each key whenever the focus moves. For
    Textual the keys are no links, which it would underline and draw in one colour.
    """

    COMPONENT_CLASSES = {"key-line--key", "key-line--label"}
    DEFAULT_CSS = """
    KeyLine {
        dock: bottom; height: 1; background: $footer-background; color: $footer-foreground;
        .key-line--key { color: $footer-key-foreground; text-style: bold; }
        .key-line--label { color: $footer-description-foreground; }
    }
    """
    ALLOW_SELECT = False

    lines = var(1)
    """How many lines it takes; a screen with many tools has more."""

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[_Key, ...] = ()

    def watch_lines(self, lines: int) -> None:
        """Takes so many."""
        self.styles.height = lines

    def on_mount(self) -> None:
        """Follows the screen's bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._take)

    def on_mouse_move(self, event: MouseMove) -> None:
        """Shows what the key under the mouse does."""
        tooltip = event.style.meta.get("tooltip")
        if tooltip != self.tooltip:
            self.tooltip = tooltip

    async def on_click(self, event: Click) -> None:
        """Presses the key under the mouse."""
        if key := event.style.meta.get("key"):
            await self.run_action(f"app.simulate_key({key!r})")

    def render(self) -> Text:
        """The keys that fit."""
        key_style = self.get_component_rich_style("key-line--key")
        label_style = self.get_component_rich_style("key-line--label")
        lines = []
        for keys in _in_lines(self._keys, self.size.width, self.lines):
            line = Text()
            for key in keys:
                pressed = Style.from_meta({"key": key.key, "tooltip": key.tooltip})
                line.append(f" {key.display}", key_style + pressed)
                line.append(f" {key.label} ", label_style + pressed)
            lines.append(line)
        return Text("\n", no_wrap=True, end="").join(lines)

    def _take(self, screen: Screen[object]) -> None:
        if not self.is_attached or screen is not self.screen:
            return
        keys = tuple(self._offered(screen))
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def _offered(self, screen: Screen[object]) -> Iterator[_Key]:
        """One for each action; a screen may leave some out (`offers`) and rename some (`key_label`)."""
        offers, key_label = getattr(screen, "offers", None), getattr(screen, "key_label", None)
        seen = set()
        for node, binding, enabled, tooltip in sorted(screen.active_bindings.values(), key=_place):
            if binding.show and enabled and binding.action not in seen and (not offers or offers(binding.action)):
                seen.add(binding.action)
                display = self.app.get_key_display(binding)
                always = isinstance(node, App)
                label = (key_label and key_label(binding.action)) or binding.description
                yield _Key(binding.key, display, label, tooltip or binding.description, always)


def arrows_named(keys: str) -> str:
    """What a key is called where there are no arrows: in ASCII, "↓" would be the letter v."""
    return "/".join(_ARROWS[key] for key in keys) if keys and set(keys) <= set(_ARROWS) else keys


def _place(active: ActiveBinding) -> tuple[int, int]:
    """The widget's keys first, the app's last, each in the order of their class: a changed key stays in its place."""
    node, binding = active.node, active.binding
    names = [one.id for _, one in node._bindings]
    depth = 2 if isinstance(node, App) else 1 if isinstance(node, Screen) else 0
    return depth, names.index(binding.id) if binding.id in names else len(names)


def _in_lines(keys: tuple[_Key, ...], width: int, count: int) -> list[list[_Key]]:
    """The keys in so many lines, of which the last one has those that are never left out."""
    lines: list[list[_Key]] = []
    for _ in range(count - 1):
        line = _fitting(tuple(key for key in keys if not key.always), width)
        keys = tuple(key for key in keys if key not in line)
        lines.append(line)
    return [*lines, _fitting(keys, width)]


def _fitting(keys: tuple[_Key, ...], width: int) -> list[_Key]:
    """The first keys that fit, and those that are never left out."""
    room = width - sum(key.width for key in keys if key.always)
    found, full = [], False
    for key in keys:
        full = full or (not key.always and key.width > room)
        if key.always or not full:
            found.append(key)
            room -= 0 if key.always else key.width
    return found
