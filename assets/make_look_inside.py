"""Makes the pictures of docs/look-inside.md and of the Playground: `python assets/make_look_inside.py RUNS`.

RUNS is a folder with one run each of v0, v1 and v3 on Fashion-MNIST, trained by this version, so that there are weights
and snapshots of each epoch. Those in the docs took half an hour on two CPU cores:

    fmnist-tui train v0 --runs RUNS
    fmnist-tui train v1 --runs RUNS
    fmnist-tui train v3 --runs RUNS --epochs 10 --limit 12000
"""

from __future__ import annotations

import asyncio
import sys
from itertools import pairwise
from pathlib import Path

from make_pictures import picture
from textual.pilot import Pilot

from fmnist_tui.paths import AppPaths, cache_folder
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.playground.canvas import Canvas

SIZE = (80, 24)
SECONDS_TO_READ, SECONDS_TO_ANSWER = 3.0, 5.0
BOOT = (
    ("shaft", [(3, 19), (18, 19)]),
    ("shaft", [(3, 23), (18, 23)]),
    ("instep", [(12, 17), (16, 13), (19, 8)]),
    ("foot", [(19, 4), (19, 24)]),
    ("sole", [(22, 2), (22, 26)]),
)
"""Strokes through (row, column): the sole with the medium brush at full ink, the others with the largest at 75%."""
SNEAKER = "1689"
"""The test image that is erased in the middle of its upper, which then has the openings of a sandal."""
MISTAKES, EPOCHS = 5, 10


async def started(pilot: Pilot[None], *keys: str) -> None:
    """Waits for images and runs, then presses keys."""
    await pilot.pause(SECONDS_TO_READ)
    await pilot.press(*keys)
    await pilot.pause(SECONDS_TO_ANSWER)


async def boot(pilot: Pilot[None]) -> None:
    """A boot in five strokes."""
    await started(pilot, "6", "s", "g")
    canvas = pilot.app.screen.query_one(Canvas)
    for part, points in BOOT:
        if part == "sole":
            await pilot.press("s", "s", "g", "g", "g")
        lines = list(pairwise(points))
        canvas.post_message(Canvas.Stroke(lines, erases=False, goes_on=False))
        await pilot.pause()
    await pilot.pause(SECONDS_TO_ANSWER)
    await picture(pilot, "boot")


async def sneaker(pilot: Pilot[None]) -> None:
    """A sneaker, with a small hole, and with a large one."""
    await started(pilot, "6", "i", *SNEAKER, "enter", "right", "right")
    await picture(pilot, "sneaker-1")
    await pilot.press("e", "space")
    await pilot.pause(SECONDS_TO_ANSWER)
    await picture(pilot, "sneaker-2")
    await pilot.press("x")
    await pilot.pause(SECONDS_TO_ANSWER)
    await picture(pilot, "sneaker-3")


async def filters(pilot: Pilot[None]) -> None:
    """The filters of v1 after the epochs 1, 3 and 10; its slider begins behind the last one."""
    await started(pilot, "l")
    while "v1" not in str(pilot.app.screen.query_one("#title").render()):
        await pilot.press("r")
        await pilot.pause(SECONDS_TO_ANSWER)
    await pilot.press("f")
    for epoch, steps in ((10, 1), (3, 7), (1, 2)):
        await pilot.pause(SECONDS_TO_ANSWER)
        await pilot.press(*["left"] * steps)
        await picture(pilot, f"filters-{epoch}")


async def mistakes(pilot: Pilot[None]) -> None:
    """Grad-CAM on mistakes of v3."""
    await started(pilot, "4", "r", "home")
    while True:
        await pilot.press("w")
        await pilot.pause(SECONDS_TO_READ)
        await pilot.press("v", "v", "l")
        await pilot.pause(SECONDS_TO_ANSWER)
        if "v3" in str(pilot.app.screen.query_one("#title").render()):
            break
        await pilot.press("escape", "escape", "down")
    for number in range(1, MISTAKES + 1):
        await pilot.press("g")
        await pilot.pause(SECONDS_TO_ANSWER)
        await picture(pilot, f"grad-cam-{number}")
        await pilot.press("escape", *["n"] * 7, "l")
        await pilot.pause(SECONDS_TO_ANSWER)


async def main(runs: Path) -> None:
    """All of them, each in an app of its own."""
    for take in (boot, sneaker, filters, mistakes):
        app = FmnistApp(AppPaths(runs, None, cache_folder()))
        async with app.run_test(size=SIZE) as pilot:
            await take(pilot)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
