"""One image over the whole dataset screen."""

from __future__ import annotations

import re

from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.dataset.large_image import LargeImageDialog
from fmnist_tui.tui.dataset.thumbnails import Thumbnails

from .driving import (
    AnyPilot,
    at_every_size,
    loaded,
    part,
    shown,
    until,
    until_shown,
    widget,
)
from .test_dataset_screen import DEMO, ascii_of, caption, picture


@at_every_size
async def test_enter_shows_the_image_large_with_its_numbers(app: FmnistApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        await loaded(pilot)
        await pilot.press("right", "m", "enter")
        await until(pilot, lambda: isinstance(app.screen, LargeImageDialog), "the large image is there")
        await until_shown(pilot, "train image 1", "class 1: Trouser", f"mean {DEMO.train.images[1].mean():.1f}")
        assert picture(pilot) == ascii_of(DEMO.train.images[1], scale=2 if size == (120, 40) else 1)
        await pilot.press("escape")
        assert not isinstance(app.screen, LargeImageDialog)


async def test_the_neighbours_of_a_large_image_are_a_key_away_and_the_cursor_follows(app: FmnistApp) -> None:
    async with app.run_test() as pilot:
        await loaded(pilot)
        await pilot.press("enter", "b", "left")
        await until_shown(pilot, "train image 0", "n b: next, previous")
        await pilot.press(*["n"] * 6, "right", "v", "n")
        await until_shown(pilot, "train image 8")
        await pilot.press("escape")
        assert caption(pilot)[1:3] == (7, 12)
        assert widget(pilot, "Thumbnails", Thumbnails).cursor == 2
        await pilot.press("a", "enter", "n")
        await until_shown(pilot, "mean of Dress, 200 train images")


@at_every_size
async def test_all_784_numbers_can_be_reached_with_the_arrow_keys(app: FmnistApp, size: tuple[int, int]) -> None:
    rows = [" ".join(f"{pixel:3d}" for pixel in row) for row in DEMO.train.images[0, 0].tolist()]
    is_small = size == (60, 18)
    async with app.run_test(size=size) as pilot:
        await loaded(pilot)
        await pilot.press("enter", "v")
        await until(pilot, lambda: rows[0].lstrip().startswith(numbers(pilot)[0]), "they are shown")
        await until(
            pilot,
            lambda: ("arrows: scroll" in shown(app)) == is_small,
            "the key is shown only where there is more to see",
        )
        await pilot.press(*["down", "right"] * is_small, "end", *["ctrl+pagedown"] * 3)
        assert rows[27].endswith(numbers(pilot)[-1])
        assert numbers(pilot)[0] in rows[-len(numbers(pilot))]


def numbers(pilot: AnyPilot) -> list[str]:
    """The rows of whole numbers that can be seen, without the scroll bars."""
    lines = [re.sub(r"[^\d ]", "", line).strip() for line in part(pilot, "#numbers").splitlines()]
    return [line for line in lines if line]


async def test_the_usual_keys_close_the_large_image(app: FmnistApp) -> None:
    async with app.run_test() as pilot:
        await loaded(pilot)
        for key in ("escape", "enter", "space", "q"):
            await pilot.press("enter")
            assert isinstance(app.screen, LargeImageDialog)
            await pilot.press(key)
            assert len(app.screen_stack) == 1
            assert app.is_running
