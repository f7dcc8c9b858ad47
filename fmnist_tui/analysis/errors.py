"""Where one model errs: confusion matrix, figures of each class, pairs that are confused, the mistakes themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis.predictions import Predictions
from fmnist_tui.data.dataset import CLASS_COUNT

Matrix = NDArray[np.int64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class ClassScore:
    """How well a model does on one class. A share of nothing (0/0) is 0.

    Attributes:
        label: 0 to 9.
        precision: Of the images that were taken for this class, the share that is of it; 0 where none was.
        recall: Of the images of this class, the share that was taken for it; 0 where there is none.
        f1: The harmonic mean of both; 0 where both are.
        support: Images of this class.
    """

    label: int
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Confusion:
    """How many images of the class `true` were taken for another one, `predicted`."""

    true: int
    predicted: int
    count: int


def confusion_matrix(predictions: Predictions) -> Matrix:
    """Images by true class (row) and predicted class (column): counts, int64 (10, 10)."""
    cells = predictions.labels.astype(np.int64) * CLASS_COUNT + predictions.predicted
    counts: Matrix = np.bincount(cells, minlength=CLASS_COUNT**2).reshape(CLASS_COUNT, CLASS_COUNT)
    return counts


def class_scores(matrix: Matrix) -> tuple[ClassScore, ...]:
    """Precision, recall, F1 and support of each class, from a confusion matrix (10, 10)."""
    right, taken, there = matrix.diagonal(), matrix.sum(axis=0), matrix.sum(axis=1)
    precision, recall = _shares(right, taken), _shares(right, there)
    f1 = _shares(2 * right, taken + there)  # 2pr / (p + r), without the division by zero
    columns = (precision.tolist(), recall.tolist(), f1.tolist(), there.tolist())
    return tuple(ClassScore(label, *figures) for label, figures in enumerate(zip(*columns, strict=True)))


def most_confused(matrix: Matrix) -> tuple[Confusion, ...]:
    """Every pair of classes that was confused, the most frequent first; equals in the order of their labels."""
    pairs = [
        Confusion(true, predicted, int(matrix[true, predicted]))
        for true, predicted in np.argwhere(matrix > 0).tolist()
        if true != predicted
    ]
    return tuple(sorted(pairs, key=lambda pair: -pair.count))


def strengths(matrix: Matrix) -> NDArray[np.float64]:
    """How strongly each cell of a heat map is coloured: the cube root of its share of the row, (10, 10), 0 to 1.

    A root, because the mistakes that matter are a few per cent of their row.
    """
    totals = np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    roots: NDArray[np.float64] = np.cbrt(matrix / totals)
    return roots


def mistakes(predictions: Predictions) -> Indices:
    """Indices (m,) of the images that are wrong, the most confident first; equals in the test set's order."""
    return by_confidence(predictions, ~predictions.right)


def images_of(predictions: Predictions, true: int, predicted: int) -> Indices:
    """Indices (m,) of the images of one cell of the confusion matrix, the most confident first."""
    return by_confidence(predictions, (predictions.labels == true) & (predictions.predicted == predicted))


def by_confidence(predictions: Predictions, chosen: NDArray[np.bool_]) -> Indices:
    """Indices (m,) of the images where `chosen` (n,) holds, the most confident first."""
    indices = np.flatnonzero(chosen)
    order: Indices = indices[np.argsort(-predictions.confidence[indices], kind="stable")]
    return order


def _shares(parts: Matrix, wholes: Matrix) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.zeros(len(parts))
    np.divide(parts, wholes, out=shares, where=wholes > 0)
    return shares
