from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fmnist_tui.analysis.calibration import Bin, calibration_error, merged, reliability
from fmnist_tui.runs.predictions import Predictions
from fmnist_tui.training.metrics import confidence_bins, expected_calibration_error

from .models import chance, constant, perfect


def test_the_bins_are_those_of_scikit_learn() -> None:
    from sklearn.calibration import calibration_curve  # slow to import, for every worker

    predictions = chance()
    accuracy, confidence = calibration_curve(predictions.correct, predictions.confidence, n_bins=15)
    filled = [one for one in reliability(predictions) if one.count]
    assert [one.accuracy for one in filled] == pytest.approx(accuracy.tolist())
    assert [one.confidence for one in filled] == pytest.approx(confidence.tolist())


@pytest.mark.parametrize("model", [perfect, constant, chance])
def test_their_error_is_the_measure_by_which_runs_are_scored(model: Callable[[], Predictions]) -> None:
    predictions = model()
    bins = reliability(predictions)
    assert len(bins) == 15
    assert sum(one.count for one in bins) == len(predictions.labels)
    expected = expected_calibration_error(predictions.probabilities, predictions.labels)
    assert calibration_error(bins) == pytest.approx(expected, abs=1e-12)


def test_a_perfect_model_fills_the_last_bin() -> None:
    *others, last = reliability(perfect())
    assert (last.low, last.high, last.count, last.confidence, last.accuracy) == (14 / 15, 1.0, 1000, 1.0, 1.0)
    assert {(one.count, one.confidence, one.accuracy, one.gap) for one in others} == {(0, None, None, 0.0)}


def test_a_constant_model_believes_too_much() -> None:
    (only,) = [one for one in reliability(constant()) if one.count]
    assert (only.low, only.high) == (7 / 15, 8 / 15)
    assert only.gap == pytest.approx(-0.4)


def test_an_edge_belongs_to_the_bin_below_it() -> None:
    assert confidence_bins(np.array([0.0, 0.2, 0.2 + 1e-9, 1.0])).tolist() == [0, 2, 3, 14]


def test_no_bins_have_no_error() -> None:
    assert calibration_error(()) == 0.0


def bins(*counts: int) -> list[Bin]:
    """Bins of equal width with so many images, half of which are correct; a lower bin is less confident."""
    width = 1 / len(counts)
    return [
        Bin(place * width, (place + 1) * width, count, *((place * width, 0.5) if count else (None, None)))
        for place, count in enumerate(counts)
    ]


def test_bins_of_few_images_are_merged_with_their_neighbours() -> None:
    assert [one.count for one in merged(bins(0, 0, 1, 2, 40, 29, 1, 500))] == [43, 30, 500]
    low, *_ = merged(bins(0, 0, 1, 2, 40, 29, 1, 500))
    assert (low.low, low.high) == (2 / 8, 5 / 8)
    assert low.confidence == pytest.approx((1 * 2 / 8 + 2 * 3 / 8 + 40 * 4 / 8) / 43)
    assert low.accuracy == pytest.approx(0.5)


def test_merging_loses_no_image_and_keeps_full_bins() -> None:
    full = reliability(chance())
    assert sum(one.count for one in merged(full)) == 1000
    assert merged(bins(30, 30)) == tuple(bins(30, 30))
    assert [one.count for one in merged(bins(1, 2))] == [3]
    assert merged(bins(0, 0)) == ()
