from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from rich.color import ColorSystem
from textual.app import App, ComposeResult
from textual.color import Color, rgb_to_lab
from textual.strip import Strip

from fmnist_tui.data.official import FASHION_CLASSES
from fmnist_tui.tui.errors.heat_map import HeatMap, row_names, short_names
from fmnist_tui.tui.widgets.colours import BLUE, ORANGE, contrast, legible, shaded

from .driving import part

UNKNOWN_CLASSES = tuple(f"class {label}" for label in range(10))


class Lone(App[None]):
    def compose(self) -> ComposeResult:
        yield HeatMap()


@pytest.mark.parametrize(
    ("size", "counts"), [((60, 18), (9, 954, 1000, 9999)), ((80, 24), (12345,)), ((120, 40), (954,))]
)
async def test_numbers_of_any_length_stay_apart_and_none_is_cut(size: tuple[int, int], counts: tuple[int, ...]) -> None:
    app = Lone()
    async with app.run_test(size=size) as pilot:
        shown = pilot.app.query_one(HeatMap)
        for right in counts:
            matrix = np.full((10, 10), 7)
            np.fill_diagonal(matrix, right)
            shown.show(matrix, FASHION_CLASSES, (2, 2))
            await pilot.pause()
            lines = [line for line in part(pilot, "HeatMap").splitlines() if line][1:]
            lines = [line for line in lines if "7" in line]
            assert len(lines) == 10
            for place, line in enumerate(lines):
                numbers = line[shown._margin :].replace("[", " ").replace("]", " ").split()
                assert numbers == ["7"] * place + [str(right)] + ["7"] * (9 - place)
            assert f"{right}]" in lines[2]
            assert max(map(len, lines)) <= size[0]


async def test_before_it_has_anything_to_show_keys_do_nothing() -> None:
    app = Lone()
    async with app.run_test() as pilot:
        await pilot.press("down", "right", "enter")
        await pilot.click(HeatMap, offset=(20, 5))
        assert pilot.app.query_one(HeatMap).cursor == (0, 0)
        assert part(pilot, "HeatMap").strip() == ""


@pytest.mark.parametrize("ramp", [BLUE.of_256, ORANGE.of_256], ids=["right", "wrong"])
def test_with_256_colours_more_is_lighter(ramp: tuple[str, ...]) -> None:
    colours = [Color.parse(one).rich_color for one in ramp]
    sent = [colour.downgrade(ColorSystem.EIGHT_BIT) for colour in colours]
    assert [one.get_truecolor() for one in sent] == [one.get_truecolor() for one in colours]
    brightness = [Color.parse(one).brightness for one in ramp]
    assert brightness == sorted(brightness)


def test_names_are_shortened_only_while_they_stay_distinct() -> None:
    assert short_names(FASHION_CLASSES, 4)[:3] == ("T-sh", "Trou", "Pull")
    assert short_names(FASHION_CLASSES, 20) == FASHION_CLASSES
    assert short_names(FASHION_CLASSES, 1) == tuple("0123456789")
    assert short_names(UNKNOWN_CLASSES, 4) == tuple("0123456789")


def test_rows_whose_names_begin_alike_are_told_apart() -> None:
    assert row_names(FASHION_CLASSES, 5)[:3] == ("T-shi", "Trous", "Pullo")
    names = tuple(f"a long common prefix of number {number}" for number in range(3))
    assert row_names(names, 12) == ("…f number 0", "…f number 1", "…f number 2")


def lightness(colour: Color) -> float:
    return rgb_to_lab(colour).L


@pytest.mark.parametrize("ground", ["#0E1016", "#FBFAF7", "#808080"])
@pytest.mark.parametrize("full", [ORANGE.on_dark, ORANGE.on_light, BLUE.on_dark, BLUE.on_light], ids=str)
def test_steps_of_a_ramp_are_equal_to_the_eye_and_numbers_on_it_are_legible(ground: str, full: Color) -> None:
    ramp = [shaded(Color.parse(ground), full, step / 8) for step in range(9)]
    steps = [lightness(after) - lightness(before) for before, after in pairwise(ramp)]
    assert max(steps) - min(steps) < 2.5
    assert all(contrast(legible(colour), colour) >= 4.5 for colour in ramp)


@pytest.mark.parametrize("size", [(80, 11), (80, 24), (120, 40)], ids=["one line", "half lines between", "three lines"])
async def test_a_number_is_in_the_middle_of_its_cell(size: tuple[int, int]) -> None:
    app = Lone()
    async with app.run_test(size=size) as pilot:
        shown = pilot.app.query_one(HeatMap)
        shown.show(np.full((10, 10), 7), FASHION_CLASSES, (9, 9))
        await pilot.pause()
        x, high = shown._margin + shown.cell.width // 2, shown.cell.height
        halves = [half for y in range(1, size[1]) for half in colours_at(shown.render_line(y), x)]
        numbers = [2 * y for y, line in enumerate(part(pilot, "HeatMap").splitlines()[1:]) if "7" in line]
        for first, second in pairwise(numbers):
            assert second - first == 2 * high
        above = numbers[1] - halves.index(halves[numbers[1]], numbers[0] + 2)
        assert above == high - 1


def colours_at(strip: Strip, x: int) -> tuple[object, object]:
    """The colours of the upper and the lower half of the cell at a column."""
    for segment in strip:
        if x < len(segment.text):
            assert segment.style
            ground, ink, block = segment.style.bgcolor, segment.style.color, segment.text[x]
            return (ink if block == "▀" else ground), (ink if block == "▄" else ground)
        x -= len(segment.text)
    return None, None


async def test_of_many_classes_those_around_the_cursor_are_shown() -> None:
    app = Lone()
    names = tuple(f"kind {label}" for label in range(100))
    matrix = np.arange(100)[:, None] * np.arange(100)[None, :] % 97
    async with app.run_test(size=(80, 24)) as pilot:
        heat = app.query_one(HeatMap)
        heat.show(matrix, names, (0, 0))
        await pilot.pause()
        assert [line[:7] for line in part(pilot, "HeatMap").splitlines()[1:3]] == ["kind 0 ", "kind 1 "]
        heat.cursor = (99, 99)
        await pilot.pause()
        lines = part(pilot, "HeatMap").splitlines()
        assert lines[-1].startswith("kind 99")
        assert lines[-1].rstrip().endswith("[4]")
        await pilot.click(HeatMap, offset=(79 - 10, 10))
        assert heat.cursor[0] < 99
        assert heat.cursor[1] > 80
