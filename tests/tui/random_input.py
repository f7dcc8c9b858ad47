"""Random input as a hurried user or a stalled link sends it: keys, ways to a view, pastes, clicks, drags, new sizes."""

from __future__ import annotations

import random
from collections.abc import Callable

from textual.events import (
    AppBlur,
    AppFocus,
    Key,
    MouseDown,
    MouseEvent,
    MouseMove,
    MouseScrollDown,
    MouseScrollUp,
    MouseUp,
    Paste,
    Resize,
)
from textual.geometry import Size

from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.widgets.nav import SCREENS

_SCREEN_KEYS = [str(number) for number, _ in enumerate(SCREENS, start=1)]
_LEADING = ["escape", "enter", "tab", "up", "down", "left", "right", "end", "home", "pagedown", *_SCREEN_KEYS]
_OPENING = ["question_mark", "ctrl+p", "q", "ctrl+q", "j", "o", "v", "l", "d", "delete", "w", "h", "s", "space", "r"]
_OTHERS = ["plus", "minus", "pageup", "shift+tab", "shift+left", "backspace", "ctrl+c", "delete", *"abcefgimntuxyz0"]
_KEYS: list[str] = [*_LEADING, *_LEADING, *_OPENING, *_OPENING, *_OTHERS]
_WAYS = ("4w", "4wvvl", "4r", "4b", "4t", "2m", "2b", "3h", "3l", "3o", "6l", "6j", "7d", "7f", "8", "8v", "8s", "u")
"""Keys in a row that lead to views where random ones seldom arrive: a run's errors, the Inspector, the queue."""
_PASTES = ["a\nb\r\n", "\x1b[31m\x00\x07", "9" * 100_000, "名前 🥿 é", "[bold]x[/]"]
_SIZES = [(80, 24), (60, 18), (120, 40), (20, 5), (1, 1), (200, 60)]


def printable(key: str) -> str | None:
    """The character that a key types."""
    names: dict[str, str] = {"space": " ", "question_mark": "?", "plus": "+", "minus": "-"}
    return key if len(key) == 1 else names.get(key)


def post(app: FmnistApp, chance: random.Random) -> str:
    """Sends the app one random thing, and doesn't wait; returns what it was."""
    kinds = (_keys, _way, _paste, _size, _window, _clicks, _drag, _wheel, _hover)
    (send,) = chance.choices(kinds, weights=(50, 8, 4, 4, 2, 20, 4, 4, 4))
    return send(app, chance)


def _keys(app: FmnistApp, chance: random.Random) -> str:
    key = chance.choice(_KEYS)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        app.post_message(Key(key, printable(key)))
    return key


def _way(app: FmnistApp, chance: random.Random) -> str:
    way = chance.choice(_WAYS)
    for key in way:
        app.post_message(Key(key, key))
    return f"keys {way}"


def _paste(app: FmnistApp, chance: random.Random) -> str:
    app.post_message(Paste(text := chance.choice(_PASTES)))
    return f"paste {text[:5]!r}"


def _size(app: FmnistApp, chance: random.Random) -> str:
    size = Size(*chance.choice(_SIZES))
    app.post_message(Resize(size, size))
    return f"size {size}"


def _window(app: FmnistApp, chance: random.Random) -> str:
    kind = chance.choice((AppBlur, AppFocus))
    app.post_message(kind())
    return kind.__name__


def _clicks(app: FmnistApp, chance: random.Random) -> str:
    x, y = _place(app, chance)
    for _ in range(chance.choice((1, 1, 2, 3))):
        _mouse(app, MouseDown, x, y)
        _mouse(app, MouseUp, x, y)
    return f"click {x},{y}"


def _drag(app: FmnistApp, chance: random.Random) -> str:
    _mouse(app, MouseDown, *_place(app, chance))
    for _ in range(4):
        _mouse(app, MouseMove, *_place(app, chance))
    _mouse(app, MouseUp, *_place(app, chance))
    return "drag"


def _wheel(app: FmnistApp, chance: random.Random) -> str:
    _mouse(app, chance.choice((MouseScrollDown, MouseScrollUp)), *_place(app, chance), button=0)
    return "wheel"


def _hover(app: FmnistApp, chance: random.Random) -> str:
    _mouse(app, MouseMove, *_place(app, chance), button=0)
    return "hover"


def _place(app: FmnistApp, chance: random.Random) -> tuple[int, int]:
    """Often on the first or the last line, which can be clicked on every screen."""
    width, height = max(app.size.width, 1), max(app.size.height, 1)
    y = chance.choice((0, 0, 1, height - 1, chance.randrange(height), chance.randrange(height)))
    return chance.randrange(width), y


def _mouse(app: FmnistApp, kind: Callable[..., MouseEvent], x: int, y: int, button: int = 1) -> None:
    app.post_message(kind(None, x, y, 0, 0, button, False, False, False, screen_x=x, screen_y=y))
