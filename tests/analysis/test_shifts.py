from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_tui.analysis.probes.common import AnalysisError
from fmnist_tui.analysis.probes.shifts import DIRECTIONS, Shifts, measure_shifts, shifted
from fmnist_tui.data import Cancelled
from fmnist_tui.training.engine import EVALUATION_BATCH

LABELS = np.array([0, 0, 0, 1, 2, 3, 4, 5, 6, 9], np.uint8)
ONES_OF_ZERO = 0.3


@dataclass
class Model:
    """Predicts with certainty the classes that `classify` returns for images (n, 28, 28)."""

    classify: Callable[[NDArray[np.uint8]], NDArray[np.int64]]

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.eye(10, dtype=np.float32)[self.classify(images)]


def dots(*columns: int) -> NDArray[np.uint8]:
    """A grey level for the class, 20 per class, in row 14 and these columns."""
    images = np.zeros((len(LABELS), 28, 28), np.uint8)
    images[:, 14, list(columns)] = 20 * LABELS[:, None]
    return images


def perfect(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    brightest: NDArray[np.uint8] = images.max(axis=(1, 2))
    return brightest.astype(np.int64) // 20


def constant(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.full(len(images), 9)


def one_pixel(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    return images[:, 14, 14].astype(np.int64) // 20


def test_a_shift_moves_every_pixel_and_fills_with_black() -> None:
    image = (np.arange(784).reshape(1, 28, 28) % 255 + 1).astype(np.uint8)
    assert np.array_equal(shifted(image, "up", 0), image)
    up, down, left, right = (shifted(image, name, 3)[0] for name in ("up", "down", "left", "right"))
    assert np.array_equal(up[:-3], image[0, 3:])
    assert np.array_equal(down[3:], image[0, :-3])
    assert np.array_equal(left[:, :-3], image[0, :, 3:])
    assert np.array_equal(right[:, 3:], image[0, :, :-3])
    assert not any(part.any() for part in (up[-3:], down[:3], left[:, -3:], right[:, :3]))


def test_a_perfect_model_loses_nothing_while_the_object_stays_in_the_image() -> None:
    assert measure_shifts(Model(perfect), dots(14), LABELS) == Shifts(10, *[(1.0,) * 5] * 4)


def test_a_perfect_model_loses_what_leaves_the_image() -> None:
    found = measure_shifts(Model(perfect), dots(1), LABELS)
    assert found.left == (1.0, 1.0, ONES_OF_ZERO, ONES_OF_ZERO, ONES_OF_ZERO)
    assert found.right == found.up == found.down == (1.0,) * 5


def test_a_constant_model_has_the_fraction_of_its_class_everywhere() -> None:
    found = measure_shifts(Model(constant), dots(14), LABELS)
    assert found.directions == ((0.1,) * 5,) * 4
    assert found.mean == pytest.approx((0.1,) * 5)


def test_a_model_of_one_pixel_sees_what_is_shifted_there() -> None:
    found = measure_shifts(Model(one_pixel), dots(14, 13, 12), LABELS)
    low = ONES_OF_ZERO
    assert found.right == (1.0, 1.0, 1.0, low, low)
    assert found.left == found.up == found.down == (1.0, low, low, low, low)
    assert found.mean == pytest.approx((1.0, (1 + 3 * low) / 4, (1 + 3 * low) / 4, low, low))


def test_all_images_are_measured_in_all_directions_and_progress_only_rises() -> None:
    seen: list[int] = []
    progress: list[tuple[float, str]] = []

    def count(images: NDArray[np.uint8]) -> NDArray[np.int64]:
        seen.append(len(images))
        return constant(images)

    images, labels = np.tile(dots(14), (60, 1, 1)), np.tile(LABELS, 60)
    measure_shifts(Model(count), images, labels, lambda *news: progress.append(news))
    assert seen == [EVALUATION_BATCH, EVALUATION_BATCH, 100] * 17
    fractions = [fraction for fraction, _ in progress]
    assert fractions == sorted(fractions)
    assert 0.0 <= fractions[0] < fractions[-1] < 1.0
    assert all(any(name in step for _, step in progress) for name in DIRECTIONS)


def test_it_can_be_cancelled_between_two_batches() -> None:
    asked: list[bool] = []

    def stop() -> bool:
        asked.append(True)
        return len(asked) > 3

    with pytest.raises(Cancelled):
        measure_shifts(Model(constant), dots(14), LABELS, stop=stop)
    assert len(asked) == 4


@pytest.mark.parametrize("table", [np.ones((10, 10)), np.full((10, 9), 1 / 9), np.full((10, 10), np.nan)])
def test_output_that_is_not_a_probability_for_each_class_is_refused(table: NDArray[np.float64]) -> None:
    class Odd:
        def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
            return table.astype(np.float32)

    with pytest.raises(AnalysisError, match=r"a probability for each class.*retrain it"):
        measure_shifts(Odd(), dots(14), LABELS)
