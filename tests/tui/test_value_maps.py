"""Arrays of numbers as text, in each kind of terminal."""

from __future__ import annotations

import numpy as np
import pytest
from rich.color import Color, ColorSystem

from fmnist_tui.tui.widgets.value_maps import (
    Grid,
    Scale,
    Tile,
    balance,
    draw,
    fit,
    legend,
    make_palette,
    resampled,
    scale_of,
    short_number,
    strongest,
    tiles,
)

FULL = make_palette("truecolor", "#000000", dark=True)
SIGNS = make_palette("none", "#000000", dark=True)


def test_two_rows_of_values_are_a_line_with_a_colour_for_each_sign() -> None:
    values = np.array([[2, 2, 0], [-2, -2, 1], [0, np.nan, 2]], np.float32)
    first, last = draw(values, 2.0, FULL)
    assert first.plain == last.plain == "▀▀▀"
    assert [(str(span.style), span.end - span.start) for span in first.spans] == [
        ("#ffa347 on #4a9be8", 2),
        ("#000000 on #7f5123", 1),
    ]
    assert str(last.spans[0].style) == "#000000 on #000000"


def test_without_colours_signs_show_the_sign_and_the_size() -> None:
    values = np.array([[4, -4, 0, 1, 2], [0, 0, 0, -2, 2]], np.float32)
    assert [line.plain for line in draw(values, 4.0, SIGNS)] == ["#% -+"]
    assert legend(Scale(0.5, signed=True), SIGNS).plain == "-0.5 %%==--,, 0 ..++**## +0.5"
    assert legend(Scale(0.5, signed=False), SIGNS).plain == " 0 ..++**## 0.5"
    assert legend(Scale(0.5, signed=True, is_cut=True), SIGNS).plain == "< -0.5 %%==--,, 0 ..++**## > +0.5"
    assert balance(-2, 4, 4, 4, SIGNS).plain == "  --│++++"
    assert balance(-2, 4, 4, 4, FULL).plain == "  ━━│━━━━"


@pytest.mark.parametrize(("colours", "system"), [("256", ColorSystem.EIGHT_BIT), ("standard", ColorSystem.STANDARD)])
@pytest.mark.parametrize("dark", [True, False])
def test_terminals_with_few_colours_get_each_step_as_a_colour_of_its_own(
    colours: str, system: ColorSystem, dark: bool
) -> None:
    palette = make_palette(colours, "#0E1016" if dark else "#FBFAF7", dark=dark)
    for steps in (palette.negative, palette.positive):
        assert len({Color.parse(step).downgrade(system).number for step in (palette.zero, *steps)}) == len(steps) + 1


def test_maps_are_enlarged_by_repeating_and_reduced_by_averaging() -> None:
    values = np.array([[1, 2], [3, 4]], np.float32)
    assert resampled(values, 2, 4).tolist() == [[1, 1, 2, 2], [3, 3, 4, 4]]
    assert resampled(values, 1, 2).tolist() == [[2, 3]]


def test_the_scale_reaches_to_the_largest_value_of_either_sign_but_not_to_outliers() -> None:
    assert scale_of([np.array([[1, -3, np.nan]], np.float32), np.array([[2]], np.float32)]) == Scale(3, signed=True)
    assert scale_of([np.zeros((1, 1), np.float32)]) == Scale(1, signed=False)
    assert scale_of([]) == Scale(1, signed=False)
    values = np.ones((20, 20), np.float32)
    values[0, :2] = 50
    assert scale_of([values]) == Scale(1, signed=False, is_cut=True)


@pytest.mark.parametrize(
    ("count", "native", "space", "expected"),
    [
        (64, (3, 3), (48, 14), Grid(6, 6, 7, 3)),
        (64, (3, 3), (84, 26), Grid(6, 6, 12, 6)),
        (32, (28, 28), (48, 16), Grid(14, 14, 3, 2)),
        (2, (28, 28), (120, 30), Grid(56, 56, 2, 1)),
        (1, (28, 28), (30, 9), Grid(14, 14, 2, 1)),
        (1, (28, 28), (10, 4), Grid(6, 6, 1, 1)),
        (1, (64, 64), (40, 30), Grid(32, 32, 1, 1)),
        (100, (64, 64), (46, 14), Grid(16, 16, 2, 1)),
    ],
)
def test_tiles_are_as_large_as_fits(
    count: int, native: tuple[int, int], space: tuple[int, int], expected: Grid
) -> None:
    assert fit(count, native, *space) == expected


@pytest.mark.parametrize("side", [8, 28, 64, 200])
@pytest.mark.parametrize("space", [(34, 7), (46, 14), (84, 26), (20, 3)])
def test_two_maps_and_their_captions_always_fit_side_by_side(side: int, space: tuple[int, int]) -> None:
    grid = fit(2, (side, side), *space, least=2)
    assert grid.columns >= 2
    assert 2 * grid.width + grid.gap <= space[0]
    assert -(-grid.height // 2) + 1 <= space[1]


def test_captions_are_never_cut_inside_a_number() -> None:
    grid = fit(100, (8, 8), 46, 14, caption=14)
    assert (grid.width + grid.gap - 1, grid.columns) == (14, 3)
    items = [Tile(np.zeros((8, 8), np.float32), f"{unit} 12.5 -3.25") for unit in (216, 217)]
    assert tiles(items, 1.0, SIGNS, grid).plain.splitlines()[-1].split() == [
        "216",
        "12.5",
        "-3.25",
        "217",
        "12.5",
        "-3.25",
    ]
    assert tiles(items[:1], 1.0, SIGNS, Grid(9, 8, 1, 1)).plain.endswith("216 12.5 ")


def test_numbers_of_a_legend_are_short_and_have_no_exponent() -> None:
    assert [short_number(value) for value in (255, 12, 0.25, -0.0, 3072)] == ["255", "12", "0.25", "0", "3,072"]
    assert legend(scale_of([np.zeros((2, 2), np.float32)]), SIGNS).plain == "constant: 0 everywhere"


def test_a_grid_has_a_caption_below_each_tile() -> None:
    items = [Tile(np.full((2, 6), value, np.float32), f"{value}") for value in (1, 2, -2)]
    text = tiles(items, 2.0, SIGNS, Grid(6, 2, 2, 2))
    assert text.plain.splitlines() == ["++++++ ######", "1      2     ", "%%%%%%", "-2    "]


def test_of_colour_images_the_strongest_channel_is_drawn_with_its_sign() -> None:
    values = np.array([[[[1, 0]], [[-3, 0]], [[2, 5]]]], np.float32)
    assert strongest(values).tolist() == [[[-3, 5]]]
