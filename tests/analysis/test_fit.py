"""The generalisation gap of models whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy
from numpy.typing import NDArray

from fmnist_tui.analysis.probes.common import AnalysisError
from fmnist_tui.analysis.probes.fit import Fit, measure_fit
from fmnist_tui.data import Cancelled, ImageSet

COUNT = 1200
TRAINED, HELD_OUT = np.arange(1000), np.arange(1000, COUNT)


def images() -> ImageSet:
    """Two pixels: whether the image was trained on, and its class."""
    pixels = np.zeros((COUNT, 28, 28), np.uint8)
    labels = (np.arange(COUNT) % 10).astype(np.uint8)
    pixels[:1000, 0, 0] = 1
    pixels[:, 0, 1] = labels
    return ImageSet.of(pixels, labels)


class ByHeart:
    """Gives the correct class 0.82 for images it was trained on, and 0.1, like all others, for the rest."""

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        sure = np.where(images[:, 0, 0, 0], 0.82, 0.1)
        table = np.repeat(((1 - sure) / 9)[:, None], 10, axis=1)
        table[np.arange(len(images)), images[:, 0, 0, 1]] = sure
        return table.astype(np.float32)


def test_memorised_images_are_a_gap() -> None:
    reported: list[float] = []
    found = measure_fit(ByHeart(), images(), TRAINED, HELD_OUT, lambda fraction, _: reported.append(fraction))
    assert (found.train_images, found.validation_images) == (1000, 200)
    assert found.train_nll == pytest.approx(-math.log(0.82), abs=1e-6)
    assert found.validation_nll == pytest.approx(-math.log(0.1), abs=1e-6)
    assert found.train_accuracy == 1.0
    assert found.nll_gap == pytest.approx(math.log(8.2), abs=1e-6)
    assert reported == [0.0, 200 / COUNT, 450 / COUNT, 700 / COUNT, 950 / COUNT]


def test_a_model_that_knows_both_parts_equally_well_has_no_gap() -> None:
    everything = images()
    found = measure_fit(ByHeart(), everything, TRAINED[:500], TRAINED[500:])
    assert found == Fit(500, 500, found.train_nll, found.train_nll, 1.0, 1.0, found.nll_gap_error)
    assert (found.nll_gap, found.accuracy_gap) == (0.0, 0.0)


def test_the_gaps_standard_error_is_that_of_two_means() -> None:
    labels = np.zeros(COUNT, np.uint8)
    sure = np.random.default_rng(0).uniform(0.2, 0.9, COUNT)

    class Unsure:
        def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
            chosen = sure[images[:, 0, 0, 0].astype(int) + 256 * images[:, 0, 0, 1].astype(int)]
            table = np.repeat(((1 - chosen) / 9)[:, None], 10, axis=1)
            table[:, 0] = chosen
            return table.astype(np.float32)

    pixels = np.zeros((COUNT, 28, 28), np.uint8)
    pixels[:, 0, 0], pixels[:, 0, 1] = np.arange(COUNT) % 256, np.arange(COUNT) // 256
    found = measure_fit(Unsure(), ImageSet.of(pixels, labels), TRAINED, HELD_OUT)
    errors = [scipy.stats.sem(-np.log(sure[part]), ddof=0) for part in (TRAINED, HELD_OUT)]
    assert found.nll_gap_error == pytest.approx(math.hypot(*errors), rel=1e-4)


def test_it_can_be_cancelled() -> None:
    with pytest.raises(Cancelled):
        measure_fit(ByHeart(), images(), TRAINED, HELD_OUT, stop=lambda: True)


def test_output_that_is_not_probabilities_is_refused() -> None:
    class Overflowed:
        def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
            return np.full((len(images), 10), np.nan, np.float32)

    with pytest.raises(AnalysisError, match=r"a probability for each class.*retrain it"):
        measure_fit(Overflowed(), images(), TRAINED, HELD_OUT)
