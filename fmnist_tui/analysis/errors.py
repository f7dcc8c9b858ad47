"""Where models err: confusion matrix, scores of each class, mistakes, and errors that models share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis.eligibility import same_test_images
from fmnist_tui.runs.predictions import Predictions

Matrix = NDArray[np.int64]
Indices = NDArray[np.int64]


class DifferentImagesError(ValueError):
    """The runs were not scored on the same images."""


@dataclass(frozen=True)
class ClassScore:
    """The scores of one class. An undefined score (0/0) is 0.

    Attributes:
        label: From 0.
        precision: Of the images predicted as this class, the fraction that is of it.
        recall: Of the images of this class, the fraction predicted as it.
        f1: The harmonic mean of both.
        support: The number of images of this class.
    """

    label: int
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Confusion:
    """How many images of the class `true` were predicted as another one, `predicted`."""

    true: int
    predicted: int
    count: int


@dataclass(frozen=True)
class SharedError:
    """An image that every run gets wrong. If they all confidently agree, the label may be wrong.

    Attributes:
        index: Its position in the test set.
        label: Its label in the test set.
        predicted: The wrong class that most runs predict; of equals the one with more confidence.
        agreeing: How many runs predict it.
        runs: How many runs there are.
        confidence: Mean confidence of the runs that predict it, 0 to 1.
    """

    index: int
    label: int
    predicted: int
    agreeing: int
    runs: int
    confidence: float


def class_scores(matrix: Matrix) -> tuple[ClassScore, ...]:
    """Precision, recall, F1 and support of each class, from a confusion matrix (classes, classes)."""
    correct, predicted, support = matrix.diagonal(), matrix.sum(axis=0), matrix.sum(axis=1)
    precision, recall = _fractions(correct, predicted), _fractions(correct, support)
    f1 = _fractions(2 * correct, predicted + support)  # 2pr / (p + r), without the division by zero
    columns = (precision.tolist(), recall.tolist(), f1.tolist(), support.tolist())
    return tuple(ClassScore(label, *scores) for label, scores in enumerate(zip(*columns, strict=True)))


def most_confused(matrix: Matrix) -> tuple[Confusion, ...]:
    """Every confused pair of classes, the most frequent first; equals in the order of their labels."""
    pairs = [
        Confusion(true, predicted, int(matrix[true, predicted]))
        for true, predicted in np.argwhere(matrix > 0).tolist()
        if true != predicted
    ]
    return tuple(sorted(pairs, key=lambda pair: -pair.count))


def strengths(matrix: Matrix) -> NDArray[np.float64]:
    """The colour strength of each cell of a heat map: the cube root of its fraction of the row; 0 to 1.

    A root, because the errors that matter are a few per cent of their row.
    """
    totals = np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    roots: NDArray[np.float64] = np.cbrt(matrix / totals)
    return roots


def mistakes(predictions: Predictions) -> Indices:
    """Indices (m,) of the misclassified images, the most confident first; equals in the test set's order."""
    return by_confidence(predictions, ~predictions.correct)


def images_of(predictions: Predictions, true: int, predicted: int) -> Indices:
    """Indices (m,) of the images of one cell of the confusion matrix, the most confident first."""
    return by_confidence(predictions, (predictions.labels == true) & (predictions.predicted == predicted))


def by_confidence(predictions: Predictions, chosen: NDArray[np.bool_]) -> Indices:
    """Indices (m,) of the images where the mask `chosen` (n,) is true, the most confident first."""
    indices = np.flatnonzero(chosen)
    order: Indices = indices[np.argsort(-predictions.confidence[indices], kind="stable")]
    return order


def shared_errors(runs: Sequence[Predictions]) -> tuple[SharedError, ...]:
    """The images that every one of `runs` gets wrong, the most likely label errors first.

    Sorted by how many runs agree on a class, then by their mean confidence.

    Raises:
        DifferentImagesError: The runs' labels differ.
    """
    labels = _common_labels(runs)
    indices = np.flatnonzero(~np.logical_or.reduce([run.correct for run in runs]))
    votes, confidence = _votes(runs, indices)
    # A sum of confidences is at most the number of runs: it decides between equal votes only.
    predicted = (votes + confidence / (len(runs) + 1)).argmax(axis=1)
    rows = np.arange(len(indices))
    agreeing = votes[rows, predicted]
    mean = confidence[rows, predicted] / np.maximum(agreeing, 1)
    columns = (indices, labels[indices], predicted, agreeing)
    found = [
        SharedError(index, label, other, count, len(runs), mean_confidence)
        for index, label, other, count, mean_confidence in zip(*(one.tolist() for one in (*columns, mean)), strict=True)
    ]
    return tuple(sorted(found, key=lambda error: (-error.agreeing, -error.confidence)))


def only_correct(runs: Sequence[Predictions], index: int) -> Indices:
    """Indices (m,) of the images that only the run at `index` of `runs` gets right, its most confident first.

    Raises:
        DifferentImagesError: The runs' labels differ.
    """
    _common_labels(runs)
    others = [run.correct for position, run in enumerate(runs) if position != index]
    one = runs[index]
    correct: NDArray[np.bool_] = np.logical_or.reduce(others) if others else np.zeros_like(one.correct)
    return by_confidence(one, one.correct & ~correct)


def _fractions(parts: Matrix, totals: Matrix) -> NDArray[np.float64]:
    fractions: NDArray[np.float64] = np.zeros(len(parts))
    np.divide(parts, totals, out=fractions, where=totals > 0)
    return fractions


def _common_labels(runs: Sequence[Predictions]) -> NDArray[Any]:
    if not same_test_images([("", run.labels) for run in runs]):
        raise DifferentImagesError("the runs were not scored on the same images")
    return runs[0].labels


def _votes(runs: Sequence[Predictions], indices: Indices) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """How many runs predict each class of each image, and the sum of their confidences: (m, classes) each."""
    classes = max(run.probabilities.shape[1] for run in runs)
    votes = np.zeros((len(indices), classes), np.int64)
    confidence = np.zeros((len(indices), classes))
    rows = np.arange(len(indices))
    for run in runs:
        predicted = run.predicted[indices]
        votes[rows, predicted] += 1
        confidence[rows, predicted] += run.confidence[indices]
    return votes, confidence
