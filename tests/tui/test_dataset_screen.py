from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from builtin_names import CNNS
from textual.widgets import OptionList

from fmnist_tui.data import FASHION_CLASSES, load, split
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.dataset.large_image import LargeImageDialog
from fmnist_tui.tui.dataset.thumbnails import Thumbnails, best_side

from .driving import (
    AnyPilot,
    at_every_size,
    flat,
    loaded,
    notices,
    part,
    shown,
    text_in,
    until,
    until_shown,
    widget,
)
from .samples import write_idx

DEMO = load("demo", Path("unused"))


def caption(pilot: AnyPilot) -> tuple[str, int, int, int]:
    """The part, the first and the last image of the page, and how many there are; counted from 1."""
    found = re.search(r"demo, (\w+): ([\d,]+)-([\d,]+) of ([\d,]+)", text_in(pilot, "#caption"))
    assert found, shown(pilot.app)
    first, last, count = (int(number.replace(",", "")) for number in found.groups()[1:])
    return found[1], first, last, count


def page(pilot: AnyPilot) -> list[tuple[int, str]]:
    """The indices and the class names below the images."""
    captions = re.findall(r"(?<!\S)(\d+) ([A-Z]\S*(?: boot)?)", part(pilot, "Thumbnails"))
    return [(int(index), name) for index, name in captions]


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (120, 40), (200, 50)])
async def test_few_classes_with_large_images_are_told_apart(
    make_app: Callable[..., FmnistApp], tmp_path: Path, size: tuple[int, int]
) -> None:
    images = np.arange(24, dtype=np.uint8)[:, None, None] * np.ones((8, 8), np.uint8)
    labels = np.array(["a finding of kind 1", "a finding of kind 2"])[np.arange(24) % 2]
    arrays = {"x_train": images[:16], "y_train": labels[:16], "x_test": images[16:], "y_test": labels[16:]}
    np.savez(tmp_path / "findings.npz", allow_pickle=False, **arrays)
    app = make_app(str(tmp_path / "findings.npz"))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.class_means, "the mean images are computed")
        await until(pilot, lambda: "▀▀▀▀▀" in part(pilot, "#classes"), "they are shown")
        listed = part(pilot, "#classes")
        assert "… of kind 1" in listed
        assert "… of kind 2" in listed
        assert "kind 1" in part(pilot, "Thumbnails")


@at_every_size
async def test_it_shows_classes_with_their_counts_and_a_page_of_whole_images(
    app: FmnistApp, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await loaded(pilot)
        await until(pilot, lambda: "Ankle boot" in part(pilot, "#classes"), "all classes are there")
        await until(pilot, lambda: app.class_means, "the mean images are computed")
        await pilot.pause()
        classes = part(pilot, "#classes")
        for name in FASHION_CLASSES:
            assert name in classes
        assert len(re.findall(r"\b200\b", classes)) == 10
        assert re.search(r"^.?all classes +2,000\b", classes)
        assert ("▀" in classes) == (size == (120, 40)), "each class has its mean image where there is room"
        assert ("mean T-shirt/top" in flat(app)) == (size == (60, 18)), "else that of the cursor's class is shown"
        which, first, last, count = caption(pilot)
        assert (which, first, count) == ("train", 1, 2000)
        grid = widget(pilot, "Thumbnails", Thumbnails)
        names = [(index, FASHION_CLASSES[index % 10]) for index in range(last)]
        assert [index for index, _ in page(pilot)] == [index for index, _ in names]
        assert all(name.startswith(cut) for (_, cut), (_, name) in zip(page(pilot), names, strict=True))
        assert part(pilot, "Thumbnails").count("▀") == last * grid.side * grid.side // 2
        assert grid.size.height - grid.side // 2 - 1 < grid.capacity // grid.columns * (grid.side // 2 + 1)


@pytest.mark.parametrize(("width", "height"), [(58, 21), (57, 31), (110, 45)])
def test_the_class_means_are_small_enough_to_be_seen_together(width: int, height: int) -> None:
    side = best_side(width, height, len(FASHION_CLASSES))
    assert (width + 1) // (side + 1) * (height // (side // 2 + 1)) >= len(FASHION_CLASSES)
    assert side <= best_side(width, height)


async def test_a_class_can_be_chosen_and_all_again_of_both_parts(app: FmnistApp) -> None:
    async with app.run_test() as pilot:
        await loaded(pilot)
        await pilot.press("shift+tab", *["down"] * 10)
        assert isinstance(app.focused, OptionList)
        part, first, last, count = caption(pilot)
        assert (part, first, count) == ("train", 1, 200)
        assert page(pilot) == [(9 + 10 * number, "Ankle boot") for number in range(last)]
        await pilot.press("t")
        assert caption(pilot)[0::3] == ("test", 50)
        await pilot.press("home")
        assert caption(pilot)[0::3] == ("test", 500)
        assert re.search(r"all classes +500\b", shown(app))
        await pilot.press("t")
        assert caption(pilot)[0::3] == ("train", 2000)


async def test_c_leads_to_the_classes_and_enter_to_the_images_of_the_chosen_one(app: FmnistApp) -> None:
    async with app.run_test() as pilot:
        await loaded(pilot)
        assert "▌" not in part(pilot, "#classes")
        await pilot.press("c", "down", "down")
        assert part(pilot, "#classes").count("▌") == 11
        assert "To the images" in part(pilot, "KeyLine")
        assert "Trouser" in text_in(pilot, "#caption")
        await pilot.press("enter")
        assert isinstance(app.focused, Thumbnails)
        assert caption(pilot) == ("train", 1, 6, 200)


async def test_the_mouse_chooses_a_class_and_an_image_and_opens_it(app: FmnistApp) -> None:
    async with app.run_test() as pilot:
        await loaded(pilot)
        await pilot.click("#classes", offset=(4, 2))
        assert caption(pilot)[3] == 200
        assert {name for _, name in page(pilot)} == {"Trouser"}
        await pilot.click("Thumbnails", offset=(20, 2))
        assert widget(pilot, "Thumbnails", Thumbnails).cursor == 1
        await pilot.click("Thumbnails", offset=(20, 2))
        await until(pilot, lambda: isinstance(app.screen, LargeImageDialog), "the large image is there")
        await until_shown(pilot, "train image 11", "class 1: Trouser")


@at_every_size
async def test_pages_turn_and_stop_at_both_edges(app: FmnistApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        await loaded(pilot)
        await pilot.press("shift+tab", "down", "t")
        start = caption(pilot)
        room = start[2]
        await pilot.press("b")
        assert caption(pilot) == start
        await pilot.press("n")
        assert caption(pilot) == ("test", room + 1, 2 * room, 50)
        await pilot.press(*["n"] * (50 // room + 2))
        last_page = ("test", 49 // room * room + 1, 50, 50)
        assert caption(pilot) == last_page
        await pilot.press("enter")  # in the list of classes, the page keys are its own
        for back, forward in (("b", "n"), ("pageup", "pagedown")):
            await pilot.press(back)
            assert caption(pilot)[1] == last_page[1] - room
            await pilot.press(forward)
            assert caption(pilot) == last_page


async def test_the_cursor_moves_by_image_and_by_row_and_turns_the_page_at_the_edges(app: FmnistApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        columns = widget(pilot, "Thumbnails", Thumbnails).columns
        await pilot.press("right", "down")
        assert f"train image {1 + columns}" in part(pilot, "#about").splitlines()
        await pilot.press("left", "up")
        assert "train image 0" in part(pilot, "#about").splitlines()
        await pilot.press("up")
        assert caption(pilot)[1] == 1
        room = caption(pilot)[2]
        await pilot.press(*["down"] * (room // columns))
        assert caption(pilot)[1] == room + 1
        await pilot.press("b", *["right"] * room)
        assert caption(pilot)[1] == room + 1
        assert f"train image {room}" in part(pilot, "#about").splitlines()


async def test_m_draws_in_ascii_and_in_blocks_again_and_so_are_other_pages_and_the_large_image(app: FmnistApp) -> None:
    async with app.run_test() as pilot:
        await loaded(pilot)
        blocks = part(pilot, "Thumbnails")
        await pilot.press("m")
        assert part(pilot, "Thumbnails").isascii()
        assert len(set(part(pilot, "Thumbnails")) & set(".:-=+*#%@")) > 5
        await pilot.press("m")
        assert part(pilot, "Thumbnails") == blocks
        await pilot.press("m", "n", "enter")
        await until_shown(pilot, "train image 6")
        assert "▀" not in shown(app)


async def test_a_wide_terminal_shows_the_image_under_the_cursor_beside_the_page(app: FmnistApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.press("m", "right", "right")
        assert "class 2: Pullover" in flat(app)
        assert picture(pilot) == ascii_of(DEMO.train.images[2])


async def test_a_resize_fills_the_space_and_keeps_the_position(app: FmnistApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await loaded(pilot)
        await pilot.press("n")
        for size in ((120, 40), (60, 18), (250, 70), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            grid = widget(pilot, "Thumbnails", Thumbnails)
            assert caption(pilot)[1:3] == (7, 6 + grid.capacity)
            assert len(page(pilot)) == grid.capacity


async def test_a_class_without_images_is_shown_as_empty(make_app: Callable[..., FmnistApp], tmp_path: Path) -> None:
    app = make_app(str(write_idx(tmp_path / "few", [0, 1, 0], [1, 1])))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "train: 1-3 of 3" in text_in(pilot, "#caption"), "the images are there")
        await pilot.press("shift+tab", "end")
        assert "train: no images" in text_in(pilot, "#caption")
        await pilot.press("enter", "u", "enter", "right", "n")
        assert "train: no images" in text_in(pilot, "#caption")
        assert "train image" not in flat(app)


@at_every_size
async def test_every_class_has_a_mean_image_of_each_part_that_can_be_reached(
    app: FmnistApp, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await loaded(pilot)
        await pilot.press("a")
        seen = {name for name in FASHION_CLASSES if name in part(pilot, "Thumbnails")}
        for _ in FASHION_CLASSES:
            await pilot.press("right")
            seen |= {name for name in FASHION_CLASSES if name in part(pilot, "Thumbnails")}
        assert seen == set(FASHION_CLASSES)
        await pilot.press("t")
        assert "demo, test: class means" in text_in(pilot, "#caption")


async def test_a_jump_keeps_the_class_of_the_image_or_reports_that_it_differs(app: FmnistApp) -> None:
    async with app.run_test() as pilot:
        await loaded(pilot)
        await pilot.press("x", "c", "down", "j", *"530", "enter")
        assert page(pilot)[0] == (530, "T-shirt/top")
        assert caption(pilot) == ("train", 54, 59, 200)
        await pilot.press("j", *"537", "enter")
        assert page(pilot)[:2] == [(537, "Sneaker"), (538, "Bag")]
        assert "Image 537 is not of class T-shirt/top: showing all classes" in notices(app)
        await pilot.press("j", *"2000", "enter")
        assert "train images go from 0 to 1,999" in notices(app)
        assert caption(pilot)[1] == 538


async def test_u_shows_an_image_beside_what_training_sees_of_it_and_who_does(app: FmnistApp) -> None:
    validating = set(split(2000)[1].tolist())
    trained, validates = (next(i for i in range(2000) if (i in validating) is wanted) for wanted in (False, True))
    async with app.run_test(size=(60, 18)) as pilot:
        await loaded(pilot)
        for index, text in (
            (trained, f"augmented as when training {CNNS[0]} to {CNNS[-1]} (tuned) (u: back)"),
            (validates, "augmented as an example (validation image; u: back)"),
        ):
            await pilot.press("j", *str(index), "enter", "u")
            assert text_in(pilot, "#caption") == f"train image {index}, {text}"
            assert f"{index} original" in part(pilot, "Thumbnails")
            await pilot.press("u")
        await pilot.press("t", "u")
        assert "Only training images are augmented" in notices(app)
        assert caption(pilot)[0] == "test"


def picture(pilot: AnyPilot) -> list[str]:
    """The lines of the large image on the screen."""
    return part(pilot, "Picture").split("\n")


def ascii_of(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], scale: int = 1) -> list[str]:
    """The image, enlarged, drawn with ten characters, each the mean of two pixels."""
    large = image.reshape(28, 28).repeat(scale, axis=0).repeat(scale, axis=1)
    means = large.reshape(14 * scale, 2, 28 * scale).astype(float).mean(axis=1)
    return ["".join(" .:-=+*#%@"[int(mean * 10 / 256)] for mean in row).rstrip() for row in means]


@pytest.mark.parametrize("keys", [(), pytest.param(("m",), marks=pytest.mark.slow)], ids=["blocks", "ASCII"])
async def test_without_colours_every_screen_is_drawn(
    make_app: Callable[..., FmnistApp], monkeypatch: pytest.MonkeyPatch, keys: tuple[str, ...]
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.press(*keys, "right", "enter", "escape", "2", "3", "4", "1")
        await until(pilot, lambda: "train image 1" in flat(app), "the image that was chosen before is described")
