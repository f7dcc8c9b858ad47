from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fmnist_tui.training.augment import SHIFT, Augmentation, Draws, augmented, draw, padded

from .samples import config, pictures


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


def augmentation(**changes: Any) -> Augmentation:
    plain = config("v1", {"input_scale": 1 / 255, "input_offset": -0.2}).hyperparameters.without_augmentation()
    return Augmentation(replace(plain, **changes), 5)


def test_a_shift_or_a_flip_alone_draws_what_both_together_draw() -> None:
    both, shift, flip = (
        augmentation(**changes).draw(50, 2, 7) for changes in ({"flip": "on", "shift": 1}, {"shift": 1}, {"flip": "on"})
    )
    np.testing.assert_array_equal(shift.rows, both.rows)
    np.testing.assert_array_equal(shift.columns, both.columns)
    np.testing.assert_array_equal(flip.flips, both.flips)
    assert not shift.flips.any()
    assert (flip.rows == 0).all()
    assert (flip.columns == 0).all()


def test_a_crop_mirrors_the_image_beyond_its_edges() -> None:
    images, _ = pictures(2)
    margins = augmentation(crop=3).padded(images)
    np.testing.assert_array_equal(margins[..., 3:-3, 3:-3], images)
    np.testing.assert_array_equal(margins[..., 2, 3:-3], images[..., 0, :])
    np.testing.assert_array_equal(margins[..., 0, 3:-3], images[..., 2, :])


def test_cutout_sets_a_square_around_a_pixel_to_the_mean_grey() -> None:
    images = np.full((200, 28, 28), 9, np.uint8)
    found = augmentation(cutout=8).apply(images, 1, 0)
    assert set(np.unique(found)) == {9, 51}  # 0.2 * 255
    areas = (found == 51).sum(axis=(1, 2))
    assert areas.max() == 64
    assert areas.min() >= 16


def test_random_erasing_fills_rectangles_of_the_papers_sizes_with_noise() -> None:
    images = np.zeros((400, 28, 28), np.uint8)
    (patches,) = augmentation(erase=0.5).patches(images.shape, 1, 0)
    areas = patches.replaced.sum(axis=(1, 2)) / 784
    assert 0.4 < (areas > 0).mean() < 0.6
    assert 0.01 < areas[areas > 0].min() < areas.max() < 0.36
    found = augmentation(erase=0.5).apply(images, 1, 0)
    assert (found[~patches.replaced] == 0).all()
    assert found[patches.replaced].mean() == pytest.approx(127.5, abs=2)


def test_a_mixture_gives_the_image_itself_the_larger_weight() -> None:
    weights = []
    for step in range(50):
        mixture = augmentation(mixup=1.0).mixture(9, 1, step)
        assert mixture is not None
        assert sorted(mixture.partners.tolist()) == list(range(9))
        weights.append(mixture.weight)
    assert min(weights) >= 0.5
    assert np.mean(weights) == pytest.approx(0.75, abs=0.06)
    assert augmentation().mixture(9, 1, 0) is None


def test_switching_a_kind_on_leaves_the_draws_of_the_others_as_they_are() -> None:
    alone, all_of_them = augmentation(cutout=5), augmentation(cutout=5, erase=1.0, mixup=0.5, flip="on")
    np.testing.assert_array_equal(
        alone.patches((9, 28, 28), 1, 2)[0].replaced, all_of_them.patches((9, 28, 28), 1, 2)[1].replaced
    )


def test_colour_images_are_augmented_in_all_channels_alike() -> None:
    images, _ = pictures(20)
    kinds = augmentation(flip="on", crop=3, cutout=5)
    coloured = kinds.apply(np.stack([images] * 3, axis=1), 1, 0)
    for channel in range(3):
        np.testing.assert_array_equal(coloured[:, channel], kinds.apply(images, 1, 0))


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
