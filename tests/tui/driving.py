"""Driving the app by its keys and reading what it shows."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakKeyDictionary

import pytest
from textual._context import visible_screen_stack
from textual.app import App
from textual.events import Paste
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Static

if TYPE_CHECKING:
    from fmnist_tui.tui.app import FmnistApp

PATIENCE = 20.0
"""Seconds that a screen may take for something; others use the machine too."""
TRAINER_PATIENCE = 60.0
"""Seconds that a trainer may take, its start included."""

SIZES = ((60, 18), (120, 40))
"""The smallest and a comfortable one; 80x24 is what the snapshots and the app's own default in tests are."""
at_every_size = pytest.mark.parametrize(
    "size", [SIZES[0], pytest.param(SIZES[1], marks=pytest.mark.slow)], ids=["60x18", "120x40"]
)
"""The comfortable size is left to `-m slow`: what fails in one of them usually fails in the smallest."""

_BRAILLE = range(0x2801, 0x2900)
AnyPilot = Pilot[None]
W = TypeVar("W", bound=Widget)
_heard: WeakKeyDictionary[App[None], list[str]] = WeakKeyDictionary()
_painted: WeakKeyDictionary[App[None], str] = WeakKeyDictionary()


def shown(app: App[None]) -> str:
    """The screen as text, a line a row, as a person sees it.

    It is painted once for all questions that a test asks in a row: until the loop goes on, nothing changes.
    """
    if app not in _painted:
        with app._context():
            visible_screen_stack.set(app._background_screens)  # a dialog shows what is below it
            strips = app.screen._compositor.render_strips()
        _painted[app] = "\n".join(strip.text.rstrip() for strip in strips)
        asyncio.get_running_loop().call_soon(_painted.pop, app, None)
    return _painted[app]


def flat(app: App[None]) -> str:
    """The screen as one line, so that wrapped sentences can be found in it."""
    return " ".join(shown(app).split())


def part(pilot: AnyPilot, selector: str) -> str:
    """The text of the widgets that match the selector on the current screen."""
    lines = shown(pilot.app).splitlines()
    regions = [found.region for found in pilot.app.screen.query(selector)]
    return "\n".join(line[area.x : area.right].rstrip() for area in regions for line in lines[area.y : area.bottom])


def text_in(pilot: AnyPilot, selector: str) -> str:
    """The same as one line, without the borders."""
    return " ".join(re.sub("[▌│╭╮╰╯─▁▂▃▄▅▆▇]", " ", part(pilot, selector)).split())


def widget(pilot: AnyPilot, selector: str, kind: type[W]) -> W:
    """A widget of the current screen."""
    return pilot.app.screen.query_one(selector, kind)


def listen(app: App[None]) -> None:
    """Records the notifications of the app, which itself forgets them after some seconds."""
    notify = app.notify
    heard = _heard.setdefault(app, [])

    def noting(message: str, **settings: Any) -> None:
        heard.append(message)
        notify(message, **settings)

    app.notify = noting  # type: ignore[method-assign]


def notices(app: App[None]) -> str:
    """All notifications of the app so far, one a line."""
    return "\n".join(_heard[app])


def drawn(text: str) -> bool:
    """Whether a curve is drawn in the text."""
    return sum(ord(character) in _BRAILLE for character in text) > 20


async def until(pilot: AnyPilot, condition: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Waits until `condition` holds and the screen is laid out; fails with `what` and the screen.

    It looks less and less often, as reading a screen costs as much as painting it.
    """
    end, pause = time.monotonic() + patience, 0.02
    while not condition():
        assert time.monotonic() < end, f"waited in vain until {what}; the screen:\n{shown(pilot.app)}"
        await asyncio.sleep(pause)
        pause = min(1.3 * pause, 0.25)
    if pilot.app.is_running:
        await pilot.pause()


async def until_shown(pilot: AnyPilot, *texts: str, patience: float = PATIENCE) -> None:
    """Waits until all of the texts are on the screen, wherever lines break."""
    missing = list(texts)

    def all_there() -> bool:
        screen = flat(pilot.app)
        missing[:] = [text for text in texts if text not in screen]
        return not missing

    await until(pilot, all_there, f"the screen shows {texts}", patience)


async def open_run_list(pilot: AnyPilot, key: str = "o") -> None:
    """Presses the key that lists runs, and waits until they are read."""
    await pilot.press(key)
    await until(pilot, lambda: "reading the runs" not in part(pilot, "OptionList"), "the runs are listed")


async def type_into(pilot: AnyPilot, selector: str, text: str) -> None:
    """Puts the focus on a field and enters the text at once, which spares a layout for each key."""
    pilot.app.screen.query_one(selector).focus()
    await pilot.pause()
    pilot.app.post_message(Paste(text))
    await pilot.pause()


async def loaded(pilot: AnyPilot) -> None:
    """Waits for the demo set, and for its images unless the app has opened another screen by itself."""
    app = cast("FmnistApp", pilot.app)

    def is_loaded() -> bool:
        captions = app.screen.query("#caption").results(Static)
        is_shown = all("demo, train: 1-" in str(caption.content) for caption in captions)
        return app.dataset is not None and (app.current_mode != "dataset" or is_shown)

    await until(pilot, is_loaded, "the demo set is loaded")
