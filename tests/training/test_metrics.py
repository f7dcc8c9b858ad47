from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_tui.training.metrics import (
    ECE_BINS,
    Scores,
    accuracy,
    brier_score,
    expected_calibration_error,
    negative_log_likelihood,
    score,
)

Doubles = NDArray[np.float64]
Labels = NDArray[np.uint8]


def rows(*confidences: float) -> Doubles:
    """One row a confidence: class 0 has it, the other nine share the rest."""
    return np.array([[confidence] + [(1 - confidence) / 9] * 9 for confidence in confidences])


def labels(*right: bool) -> Labels:
    """Class 0 where the answer is to be right, else class 1."""
    return np.array([0 if one else 1 for one in right], np.uint8)


def random_case(seed: int) -> tuple[Doubles, Labels]:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(10, 0.3), 500)
    drawn = [rng.choice(10, p=row) for row in probabilities]
    return probabilities, np.array(drawn, np.uint8)


def naive_calibration_error(probabilities: Doubles, truth: Labels) -> float:
    total = 0.0
    for number in range(ECE_BINS):
        low, high = number / ECE_BINS, (number + 1) / ECE_BINS
        inside = [i for i, row in enumerate(probabilities) if low < row.max() <= high]
        if inside:
            sure = sum(probabilities[i].max() for i in inside) / len(inside)
            right = sum(probabilities[i].argmax() == truth[i] for i in inside) / len(inside)
            total += len(inside) / len(truth) * abs(sure - right)
    return total


def test_all_four_measures_of_a_case_worked_out_by_hand() -> None:
    probabilities = rows(0.91, 0.91, 0.55, 0.55)
    found = score(probabilities, labels(True, False, True, False))
    assert found.accuracy == 0.5
    # 0.01 and 0.05 are what the other classes have
    assert found.nll == pytest.approx(-(math.log(0.91) + math.log(0.01) + math.log(0.55) + math.log(0.05)) / 4)
    right = (1 - 0.91) ** 2 + 9 * 0.01**2, (1 - 0.55) ** 2 + 9 * 0.05**2
    wrong = 0.91**2 + (1 - 0.01) ** 2 + 8 * 0.01**2, 0.55**2 + (1 - 0.05) ** 2 + 8 * 0.05**2
    assert found.brier == pytest.approx((sum(right) + sum(wrong)) / 4)
    # two bins with two images each, both half right: half of |0.91 - 0.5| and half of |0.55 - 0.5|
    assert found.ece == pytest.approx(0.5 * 0.41 + 0.5 * 0.05)


def test_certain_and_correct_is_the_best_score() -> None:
    assert score(rows(1.0, 1.0), labels(True, True)) == Scores(accuracy=1.0, nll=0.0, brier=0.0, ece=0.0)


def test_certain_and_wrong_is_the_worst_score_and_still_a_number() -> None:
    found = score(rows(1.0), labels(False))
    assert (found.accuracy, found.brier, found.ece) == (0.0, 2.0, 1.0)
    assert found.nll == pytest.approx(-math.log(np.finfo(np.float32).tiny))


def test_guessing_scores_a_tenth_and_ln_10() -> None:
    probabilities = np.full((10, 10), 0.1, np.float32)
    found = score(probabilities, np.arange(10, dtype=np.uint8))
    assert found.accuracy == pytest.approx(0.1)
    assert found.nll == pytest.approx(math.log(10))
    assert found.brier == pytest.approx(0.9)
    assert found.ece == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_likelihood_and_brier_score_equal_scikit_learns(seed: int) -> None:
    from sklearn.metrics import brier_score_loss, log_loss  # slow to import, for every worker

    probabilities, truth = random_case(seed)
    assert negative_log_likelihood(probabilities, truth) == pytest.approx(
        log_loss(truth, probabilities, labels=range(10)), rel=1e-12
    )
    one_against_the_rest = [brier_score_loss(truth == label, probabilities[:, label]) for label in range(10)]
    assert brier_score(probabilities, truth) == pytest.approx(sum(one_against_the_rest), rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_calibration_error_equals_a_naive_one(seed: int) -> None:
    probabilities, truth = random_case(seed)
    found = expected_calibration_error(probabilities, truth)
    assert found == pytest.approx(naive_calibration_error(probabilities, truth), rel=1e-9)
    assert found > 0


@pytest.mark.parametrize("edge", range(2, ECE_BINS))
def test_a_confidence_on_an_edge_belongs_to_the_bin_below(edge: int) -> None:
    """An answer on the edge, and one just above: apart, a right and a wrong answer can't make up for each other."""
    on, above, below = edge / ECE_BINS, edge / ECE_BINS + 0.01, edge / ECE_BINS - 0.01
    apart = expected_calibration_error(rows(on, above), labels(True, False))
    assert apart == pytest.approx(((1 - on) + above) / 2)
    together = expected_calibration_error(rows(on, below), labels(True, False))
    assert together == pytest.approx(abs(on - 1 + below) / 2)


def test_the_last_bin_holds_a_confidence_of_1() -> None:
    assert expected_calibration_error(rows(1.0, 0.99), labels(False, True)) == pytest.approx((1.0 - 0.01) / 2)


def test_float32_is_measured_in_float64() -> None:
    probabilities, truth = random_case(7)
    single = np.ascontiguousarray(probabilities.astype(np.float32))
    for measure in (negative_log_likelihood, brier_score, expected_calibration_error):
        assert measure(single, truth) == measure(single.astype(np.float64), truth)


def test_scoring_leaves_the_probabilities_alone() -> None:
    probabilities, truth = random_case(8)
    kept = probabilities.copy()
    score(probabilities, truth)
    np.testing.assert_array_equal(probabilities, kept)


def test_of_equal_probabilities_the_first_class_is_the_answer() -> None:
    assert accuracy(np.full((2, 10), 0.1), np.array([0, 9], np.uint8)) == 0.5


def test_a_model_that_is_certain_and_correct_has_no_loss_below_zero() -> None:
    sure = np.eye(10, dtype=np.float32)
    assert f"{negative_log_likelihood(sure, np.arange(10)):.4f}" == "0.0000"
