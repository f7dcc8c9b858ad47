from __future__ import annotations

import numpy as np
import pytest

from fmnist_tui.analysis.errors import DifferentImagesError, SharedError, only_correct, shared_errors
from fmnist_tui.runs.predictions import Predictions

from .models import perfect, predicting

LABELS = [0, 1, 2, 3, 4]
FIRST = predicting(LABELS, [0, 9, 8, 7, 4], [0.9, 0.5, 0.9, 0.6, 0.9])
SECOND = predicting(LABELS, [1, 9, 8, 6, 4], [0.9, 0.7, 0.9, 0.8, 0.9])
THIRD = predicting(LABELS, [1, 9, 5, 5, 5], [0.9, 0.9, 0.9, 0.7, 0.9])


def test_what_all_get_wrong_comes_by_agreement_then_by_confidence() -> None:
    one, two, three = shared_errors([FIRST, SECOND, THIRD])
    assert (one.index, one.label, one.predicted, one.agreeing, one.runs) == (1, 1, 9, 3, 3)
    assert one.confidence == pytest.approx(0.7)
    assert two == SharedError(2, 2, 8, 2, 3, two.confidence)
    assert two.confidence == pytest.approx(0.9)
    assert (three.index, three.agreeing) == (3, 1)


def test_of_classes_with_equal_votes_the_more_confident_one_is_named() -> None:
    (shared,) = [error for error in shared_errors([FIRST, SECOND, THIRD]) if error.index == 3]
    assert shared.predicted == 6
    assert shared.confidence == pytest.approx(0.8)


def test_more_votes_outweigh_any_confidence() -> None:
    runs = [predicting([0], [1], 0.2), predicting([0], [1], 0.2), predicting([0], [2], 1.0)]
    (shared,) = shared_errors(runs)
    assert (shared.predicted, shared.agreeing) == (1, 2)


def test_among_equals_in_agreement_the_more_confident_comes_first() -> None:
    runs = [predicting([0, 0], [1, 1], [0.6, 0.8]), predicting([0, 0], [1, 1], [0.6, 0.8])]
    assert [error.index for error in shared_errors(runs)] == [1, 0]


def test_with_a_perfect_model_among_them_nothing_is_wrong_in_all() -> None:
    wrong = predicting(perfect().labels.tolist(), [3] * 1000)
    assert shared_errors([wrong, perfect()]) == ()
    assert len(shared_errors([wrong, wrong])) == 900


def test_what_one_alone_gets_right_comes_by_its_confidence() -> None:
    labels = [0, 1, 2, 3]
    runs = [
        predicting(labels, [0, 1, 2, 0], [0.5, 0.9, 0.9, 0.9]),
        predicting(labels, [9, 9, 2, 0]),
        predicting(labels, [9, 9, 9, 3]),
    ]
    assert only_correct(runs, 0).tolist() == [1, 0]
    assert only_correct(runs, 1).tolist() == []
    assert only_correct(runs, 2).tolist() == [3]


def test_a_run_alone_is_correct_alone_and_wrong_with_all() -> None:
    assert only_correct([FIRST], 0).tolist() == [0, 4]
    assert [error.index for error in shared_errors([FIRST])] == [2, 3, 1]


def test_runs_on_other_images_are_refused() -> None:
    other = predicting([4, 3, 2, 1, 0], [0, 0, 0, 0, 0])
    with pytest.raises(DifferentImagesError, match="same images"):
        shared_errors([FIRST, other])
    with pytest.raises(DifferentImagesError, match="same images"):
        only_correct([FIRST, other], 0)


def test_there_may_be_more_than_ten_classes() -> None:
    probabilities = np.full((2, 12), 0.05, np.float32)
    probabilities[[0, 1], [11, 10]] = 0.45
    run = Predictions(probabilities, np.array([10, 10], np.uint8))
    (shared,) = shared_errors([run, run])
    assert (shared.label, shared.predicted, shared.agreeing) == (10, 11, 2)
    assert run.confusion_matrix.shape == (12, 12)
