"""Driving the app by its keys and reading what it shows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widget import Widget

PATIENCE = 40.0
"""Seconds that something may take; others use the machine too."""

SIZES = ((60, 18), (80, 24), (120, 40))
at_every_size = pytest.mark.parametrize("size", SIZES, ids=["60x18", "80x24", "120x40"])

AnyPilot = Pilot[None]
W = TypeVar("W", bound=Widget)


def shown(app: App[None]) -> str:
    """The screen as text, a line a row, as a person sees it."""
    with app._context():
        strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


def flat(app: App[None]) -> str:
    """The screen as one line, so that wrapped sentences can be found in it."""
    return " ".join(shown(app).split())


def part(pilot: AnyPilot, selector: str) -> str:
    """What stands where a widget of the current screen lies."""
    region = pilot.app.screen.query_one(selector).region
    lines = shown(pilot.app).splitlines()[region.y : region.bottom]
    return "\n".join(line[region.x : region.right].rstrip() for line in lines)


def widget(pilot: AnyPilot, selector: str, kind: type[W]) -> W:
    """A widget of the current screen."""
    return pilot.app.screen.query_one(selector, kind)


def notices(app: App[None]) -> str:
    """All that the app has notified so far, a line each."""
    return "\n".join(notification.message for notification in app._notifications)


async def until(pilot: AnyPilot, condition: Callable[[], object], what: str) -> None:
    """Waits until `condition` holds; fails with `what` and the screen."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain until {what}; the screen:\n{shown(pilot.app)}"
        await pilot.pause(0.05)


async def until_shown(pilot: AnyPilot, *words: str) -> None:
    """Waits until all of the words stand on the screen, wherever lines break."""
    for word in words:
        await until(pilot, lambda word=word: word in flat(pilot.app), f"the screen shows {word!r}")  # type: ignore[misc]


async def type_into(pilot: AnyPilot, selector: str, text: str) -> None:
    """Puts the focus on a field and types."""
    pilot.app.screen.query_one(selector).focus()
    await pilot.press(*text)


async def loaded(pilot: AnyPilot) -> None:
    """Waits for the demo set."""
    await until_shown(pilot, "demo, train: 1-")
