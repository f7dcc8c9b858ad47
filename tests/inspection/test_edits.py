"""Edits of images, by cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_tui.inspection.edits import (
    UNCHANGED,
    blurred,
    brush_mask,
    erased,
    noisy,
    painted,
    rotation,
    scaling,
    shift,
    warped,
)

CORNERS = np.array([[[10, 20, 30], [40, 50, 60], [70, 80, 90]]], np.uint8)
"""One channel of 3x3 pixels."""


def rows(image: NDArray[np.uint8]) -> list[list[int]]:
    found: list[list[int]] = image[0].tolist()
    return found


def test_shifts_move_whole_pixels_and_halves_are_means() -> None:
    assert rows(warped(CORNERS, shift(1, 0))) == [[0, 0, 0], [10, 20, 30], [40, 50, 60]]
    assert rows(warped(CORNERS, shift(0, -1))) == [[20, 30, 0], [50, 60, 0], [80, 90, 0]]
    assert rows(warped(CORNERS, shift(0, 0.5))) == [[5, 15, 25], [20, 45, 55], [35, 75, 85]]
    assert not warped(CORNERS, shift(0, 9)).any()


def test_a_quarter_turn_is_clockwise_and_four_of_them_are_none() -> None:
    assert rows(warped(CORNERS, rotation(90))) == [[70, 40, 10], [80, 50, 20], [90, 60, 30]]
    turn, turned = rotation(10), UNCHANGED
    for _ in range(36):
        turned = turn @ turned
    np.testing.assert_array_equal(warped(CORNERS, turned), CORNERS)


def test_scaling_is_about_the_middle_and_what_leaves_the_image_comes_back() -> None:
    assert rows(warped(CORNERS, scaling(2))) == [[30, 35, 40], [45, 50, 55], [60, 65, 70]]
    assert rows(warped(CORNERS, scaling(0.5))) == [[0, 0, 0], [0, 50, 0], [0, 0, 0]]
    np.testing.assert_array_equal(warped(CORNERS, shift(-2, 0) @ shift(2, 0)), CORNERS)


def test_all_channels_change_alike() -> None:
    colour = np.concatenate([CORNERS, 255 - CORNERS, CORNERS])
    for edit in (shift(1, -1), rotation(90)):
        found = warped(colour, edit)
        np.testing.assert_array_equal(found[0], found[2])
        np.testing.assert_array_equal(found[:1], warped(CORNERS, edit))


def test_blur_mixes_neighbours_one_two_one() -> None:
    dot = np.zeros((1, 5, 5), np.uint8)
    dot[0, 2, 2] = 160
    assert rows(blurred(dot)) == [
        [0, 0, 0, 0, 0],
        [0, 10, 20, 10, 0],
        [0, 20, 40, 20, 0],
        [0, 10, 20, 10, 0],
        [0, 0, 0, 0, 0],
    ]
    np.testing.assert_array_equal(blurred(np.full((3, 4, 6), 77, np.uint8)), np.full((3, 4, 6), 77, np.uint8))


def test_noise_has_the_deviation_and_stays_within_bytes() -> None:
    grey = np.full((1, 200, 200), 128, np.uint8)
    found = noisy(grey, 20.0, np.random.default_rng(0)).astype(float)
    assert found.mean() == pytest.approx(128, abs=0.5)
    assert found.std() == pytest.approx(20, abs=0.5)
    white = noisy(np.full((1, 50, 50), 250, np.uint8), 50.0, np.random.default_rng(0))
    assert white.max() == 255
    assert white.min() < 250


@pytest.mark.parametrize(
    ("size", "pixels"), [(1, {(2, 2)}), (3, {(2, 2), (1, 2), (3, 2), (2, 1), (2, 3), (1, 1), (1, 3), (3, 1), (3, 3)})]
)
def test_a_brush_covers_the_pixels_around_the_middle(size: int, pixels: set[tuple[int, int]]) -> None:
    assert {(int(row), int(column)) for row, column in np.argwhere(brush_mask((5, 5), 2, 2, size))} == pixels


def test_a_large_brush_is_round_and_cut_at_the_edge() -> None:
    assert brush_mask((7, 7), 3, 3, 5).sum() == 21
    assert brush_mask((7, 7), 0, 0, 5).sum() == 8


def test_a_stroke_has_no_gaps_and_the_original_stays() -> None:
    blank = np.zeros((3, 6, 6), np.uint8)
    found = painted(blank, (0, 0), (2, 5), 1, (255, 128, 0))
    assert found[0].any(axis=0).all(), "each column from the first to the last pixel"
    assert found[:, 0, 0].tolist() == [255, 128, 0]
    assert not blank.any()


def test_a_square_is_erased_as_far_as_it_is_inside() -> None:
    assert rows(erased(CORNERS, 0, 0, 3)) == [[0, 0, 30], [0, 0, 60], [70, 80, 90]]
    assert rows(erased(CORNERS, 2, 2, 1)) == [[10, 20, 30], [40, 50, 60], [70, 80, 0]]
