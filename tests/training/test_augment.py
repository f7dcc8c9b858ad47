from __future__ import annotations

import numpy as np
import pytest

from fmnist_tui.training.augment import SHIFT, Draws, augmented, draw, padded

from .samples import pictures


def draws(flip: bool, row: int, column: int) -> Draws:
    return Draws(np.array([flip]), np.array([row]), np.array([column]))


def test_the_middle_window_unflipped_is_the_image() -> None:
    images, _ = pictures(1)
    np.testing.assert_array_equal(augmented(images, draws(False, SHIFT, SHIFT)), images)


def test_a_flip_mirrors_left_and_right() -> None:
    images, _ = pictures(1)
    np.testing.assert_array_equal(augmented(images, draws(True, SHIFT, SHIFT))[0], images[0][..., ::-1])


@pytest.mark.parametrize("down", [-1, 0, 1])
@pytest.mark.parametrize("right", [-1, 0, 1])
def test_a_shift_moves_the_image_and_fills_with_black(down: int, right: int) -> None:
    images = np.full((1, 28, 28), 200, np.uint8)
    images[0, 10, 10] = 255
    moved = augmented(images, draws(False, SHIFT - down, SHIFT - right))[0]
    assert moved[10 + down, 10 + right] == 255
    expected = np.zeros((28, 28), np.uint8)
    expected[max(down, 0) : 28 + min(down, 0), max(right, 0) : 28 + min(right, 0)] = 200
    expected[10 + down, 10 + right] = 255
    np.testing.assert_array_equal(moved, expected)


def test_each_image_has_draws_of_its_own() -> None:
    images, _ = pictures(50)
    many = draw(50, np.random.default_rng(0))
    together = augmented(images, many)
    assert together.dtype == np.uint8
    for place in range(50):
        alone = draws(bool(many.flips[place]), int(many.rows[place]), int(many.columns[place]))
        np.testing.assert_array_equal(together[place], augmented(images[place : place + 1], alone)[0])


def test_a_shift_or_a_flip_alone_draws_what_both_together_draw() -> None:
    both, shift, flip = (draw(50, np.random.default_rng(0), kind) for kind in ("flip_shift", "shift", "flip"))
    np.testing.assert_array_equal(shift.rows, both.rows)
    np.testing.assert_array_equal(shift.columns, both.columns)
    np.testing.assert_array_equal(flip.flips, both.flips)
    assert not shift.flips.any()
    assert (flip.rows == SHIFT).all()
    assert (flip.columns == SHIFT).all()


def test_draws_are_fair() -> None:
    many = draw(90_000, np.random.default_rng(1))
    assert many.flips.dtype == np.bool_
    assert many.flips.mean() == pytest.approx(0.5, abs=0.01)
    shifts = np.bincount(many.rows * 3 + many.columns, minlength=9)
    np.testing.assert_allclose(shifts / 90_000, 1 / 9, atol=0.005)


def test_the_margin_is_as_wide_as_the_widest_shift() -> None:
    images, _ = pictures(3)
    margin = padded(images)
    assert margin.shape == (3, 1, 28 + 2 * SHIFT, 28 + 2 * SHIFT)
    np.testing.assert_array_equal(margin[..., SHIFT:-SHIFT, SHIFT:-SHIFT], images)
    assert margin.sum() == images.sum()


def test_augmentation_leaves_the_images_alone() -> None:
    images, _ = pictures(5)
    kept = images.copy()
    augmented(images, draw(5, np.random.default_rng(2)))[:] = 0
    np.testing.assert_array_equal(images, kept)
