"""Screens and dialogs that were closed don't stay in memory."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

from fmnist_tui.tui.app import FmnistApp

from .demo_runs import write_demo_run
from .driving import loaded, until

OPENERS = {
    "the large image": ("1", "enter"),
    "the errors": ("4", "r", "w"),
    "the list of runs": ("3", "o"),
    "the palette": ("ctrl+p",),
    "help": ("question_mark",),
}


async def test_what_was_closed_is_freed(app: FmnistApp, runs: Path) -> None:
    """Textual kept a screen until what it watched of the app changed: its images, the theme."""
    write_demo_run(runs, "v0", wrong=40)
    async with app.run_test(size=(120, 36)) as pilot:
        await loaded(pilot)
        await until(pilot, lambda: app.followed is not None, "a run is shown")
        await pilot.press(*"12345678")  # one that is built later remembers, as its context, what was painted then
        for opened, keys in OPENERS.items():
            await pilot.press(*keys)
            await until(pilot, lambda: len(app.screen_stack) == 2, f"{opened} is open")
            closed = weakref.ref(app.screen)
            await pilot.press("escape", "2", "1")  # shows others: what the driver drew last is kept until then
            await until(pilot, lambda: gc.collect() >= 0 and closed() is None, f"{opened} is freed")  # noqa: B023
