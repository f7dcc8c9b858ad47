from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fmnist_tui.analysis.errors import (
    Confusion,
    class_scores,
    images_of,
    mistakes,
    most_confused,
    strengths,
)
from fmnist_tui.runs.predictions import Predictions

from .models import chance, constant, perfect, predicting

MODELS = [perfect, constant, chance]


@pytest.mark.parametrize("model", MODELS)
def test_the_matrix_and_the_scores_are_those_of_scikit_learn(model: Callable[[], Predictions]) -> None:
    from sklearn.metrics import confusion_matrix as reference_matrix  # slow to import, for every worker
    from sklearn.metrics import precision_recall_fscore_support

    predictions = model()
    matrix = predictions.confusion_matrix
    assert np.array_equal(matrix, reference_matrix(predictions.labels, predictions.predicted, labels=range(10)))
    expected = precision_recall_fscore_support(
        predictions.labels, predictions.predicted, labels=range(10), zero_division=0
    )
    scores = class_scores(matrix)
    found = [[getattr(score, name) for score in scores] for name in ("precision", "recall", "f1", "support")]
    np.testing.assert_allclose(found, expected)
    assert [score.label for score in scores] == list(range(10))


def test_a_perfect_model_confuses_nothing() -> None:
    matrix = perfect().confusion_matrix
    assert np.array_equal(matrix, 100 * np.eye(10))
    assert {(score.precision, score.recall, score.f1) for score in class_scores(matrix)} == {(1.0, 1.0, 1.0)}
    assert most_confused(matrix) == ()
    assert len(mistakes(perfect())) == 0


def test_a_constant_model_predicts_one_class_and_a_fraction_of_nothing_is_zero() -> None:
    matrix = constant().confusion_matrix
    scores = class_scores(matrix)
    assert [scores[3].precision, scores[3].recall, scores[3].f1] == pytest.approx([0.1, 1.0, 2 / 11])
    assert {(score.precision, score.recall, score.f1) for score in scores if score.label != 3} == {(0.0, 0.0, 0.0)}
    assert most_confused(matrix) == tuple(Confusion(true, 3, 100) for true in range(10) if true != 3)


def test_a_model_that_guesses_is_correct_a_tenth_of_the_time() -> None:
    scores = class_scores(chance().confusion_matrix)
    assert np.mean([score.recall for score in scores]) == pytest.approx(0.1, abs=0.03)
    assert sum(score.support for score in scores) == 1000


def test_a_class_without_images_has_a_recall_of_zero() -> None:
    scores = class_scores(predicting([0, 1], [0, 0]).confusion_matrix)
    assert (scores[1].recall, scores[1].support) == (0.0, 1)
    assert (scores[9].precision, scores[9].recall, scores[9].f1, scores[9].support) == (0.0, 0.0, 0.0, 0)


def test_pairs_come_by_their_count_and_equals_by_their_labels() -> None:
    matrix = predicting([0, 0, 0, 6, 6, 4, 2], [6, 6, 6, 0, 0, 2, 4]).confusion_matrix
    assert most_confused(matrix) == (
        Confusion(0, 6, 3),
        Confusion(6, 0, 2),
        Confusion(2, 4, 1),
        Confusion(4, 2, 1),
    )


def test_mistakes_come_by_confidence_and_equals_in_the_order_of_the_test_set() -> None:
    predictions = predicting([0, 1, 2, 3, 4], [1, 1, 3, 4, 5], [0.5, 0.99, 0.9, 0.5, 0.7])
    assert mistakes(predictions).tolist() == [2, 4, 0, 3]


def test_the_images_of_a_cell_come_by_confidence() -> None:
    predictions = predicting([0, 0, 0, 1, 0], [6, 6, 0, 6, 6], [0.5, 0.9, 0.9, 0.9, 0.7])
    assert images_of(predictions, 0, 6).tolist() == [1, 4, 0]
    assert images_of(predictions, 0, 0).tolist() == [2]
    assert images_of(predictions, 9, 9).tolist() == []


def test_colours_grow_with_the_fraction_of_the_row() -> None:
    found = strengths(np.array([[8, 1, 0], [0, 0, 0], [1, 26, 0]]))
    assert found[0].tolist() == pytest.approx([(8 / 9) ** (1 / 3), (1 / 9) ** (1 / 3), 0])
    assert found[1].tolist() == [0, 0, 0]
    assert found[2].tolist() == pytest.approx([1 / 3, (26 / 27) ** (1 / 3), 0])
