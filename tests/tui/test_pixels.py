from __future__ import annotations

import numpy as np
import pytest
from rich.segment import Segment

from fmnist_tui.tui.widgets.images import (
    Drawing,
    Pixels,
    Shades,
    ascii_ramp,
    drawing,
    half_blocks,
    picture,
    resized,
    squared,
)


def grey(image: list[list[int]]) -> Pixels:
    return np.array(image, np.uint8)


def colours(segment: Segment) -> tuple[int, int]:
    """The greys of the upper and the lower half of a cell."""
    style = segment.style
    assert style is not None
    assert style.color is not None
    assert style.bgcolor is not None
    assert style.color.triplet is not None
    assert style.bgcolor.triplet is not None
    return style.color.triplet.red, style.bgcolor.triplet.red


@pytest.mark.parametrize("draw", [half_blocks, ascii_ramp])
@pytest.mark.parametrize(("height", "width"), [(28, 28), (14, 14), (2, 5), (7, 3)])
def test_a_drawing_is_as_wide_as_the_image_and_half_as_high(draw: Drawing, height: int, width: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)
    rows = draw(image)
    assert [sum(len(segment.text) for segment in row) for row in rows] == [width] * (height // 2)


def test_a_half_block_has_the_upper_pixel_in_front_and_the_lower_one_behind() -> None:
    [[segment]] = half_blocks(grey([[248], [16]]))
    assert segment.text == "▀"
    assert colours(segment) == (248, 16)


def test_cells_of_the_same_greys_are_one_segment() -> None:
    [row] = half_blocks(grey([[0, 0, 3, 80], [0, 0, 5, 80]]))
    assert [segment.text for segment in row] == ["▀▀▀", "▀"]


def test_greys_are_drawn_no_further_off_than_one_step() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 2, axis=0).reshape(-1, 1)
    drawn = [colours(segment)[0] for [segment] in half_blocks(ramp)]
    assert all(0 <= level - shown < 8 for level, shown in enumerate(drawn))


def test_ascii_goes_from_a_space_to_the_densest_character() -> None:
    levels = np.repeat(np.linspace(0, 255, 10).astype(np.uint8)[None, :], 2, axis=0)
    [[segment]] = ascii_ramp(levels)
    assert segment.text == " .:-=+*#%@"


def test_ascii_is_ascii_and_takes_no_colours() -> None:
    image = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    for row in ascii_ramp(image):
        for segment in row:
            assert segment.text.isascii()
            assert not segment.style


def test_resizing_takes_the_mean_of_the_covered_area() -> None:
    images = grey([[0, 4, 255, 255], [8, 4, 255, 255]])[None]
    assert resized(images, 1, 2).tolist() == [[[4, 255]]]
    assert resized(grey([[0, 90, 30]])[None], 1, 2).tolist() == [[[30, 50]]]


def test_resizing_keeps_images_apart() -> None:
    images = np.stack([np.full((28, 28), level, np.uint8) for level in (0, 128, 255)])
    small = resized(images, 18, 12)
    assert small.shape == (3, 18, 12)
    assert small.dtype == np.uint8
    assert small.mean(axis=(1, 2)).tolist() == [0.0, 128.0, 255.0]


def test_a_drawing_goes_from_the_themes_background_to_its_text_colour() -> None:
    draw = drawing(in_ascii=False, inverted=False, shades=Shades("#fbfaf7", "#22252e"))
    [[segment]] = draw(grey([[0], [255]]))
    assert segment.style is not None
    assert segment.style.color is not None
    assert segment.style.bgcolor is not None
    assert segment.style.color.triplet == (0xFB, 0xFA, 0xF7)
    assert segment.style.bgcolor.triplet is not None
    assert abs(segment.style.bgcolor.triplet.red - 0x22) < 12


def test_images_in_colour_are_drawn_in_their_colours_and_in_ascii_by_their_luminance() -> None:
    stored = np.array([[[255, 0], [0, 0]], [[0, 255], [0, 0]], [[0, 0], [255, 0]]], np.uint8)  # red, green; blue, black
    image = picture(stored)
    assert image.shape == (2, 2, 3)
    ((left, right),) = half_blocks(image)
    assert [str(segment.style) for segment in (left, right)] == ["#f00000 on #0000f0", "#00f000 on #000000"]
    wide = picture(np.repeat(stored, 2, axis=1))
    (upper,), (lower,) = ascii_ramp(wide)
    assert (upper.text, lower.text) == (":+", ". ")
    assert drawing(in_ascii=False, inverted=True)(image)[0][1].style == half_blocks(255 - image)[0][1].style


def test_images_in_colour_are_resized_channel_by_channel_and_others_are_not_stretched() -> None:
    image = np.zeros((4, 2, 3), np.uint8)
    image[..., 1] = 200
    square = squared(image)
    assert square.shape == (4, 4, 3)
    assert square[0, :, 1].tolist() == [0, 200, 200, 0]
    assert resized(square[None], 2, 2)[0, :, :, 1].tolist() == [[100, 100], [100, 100]]
    assert picture(np.zeros((5, 1, 4, 2), np.uint8)).shape == (5, 4, 2)
