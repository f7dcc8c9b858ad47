"""Where models err: confusion matrix, scores of each class, mistakes, and errors that models share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data.dataset import CLASS_COUNT
from fmnist_tui.runs.predictions import Predictions

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
    return by_confidence(predictions, ~predictions.correct)


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


class OtherImagesError(ValueError):
    """The runs were not scored on the same images."""


@dataclass(frozen=True)
class SharedMistake:
    """An image that every run gets wrong. Where they all say the same, confidently, the label may be the mistake.

    Attributes:
        index: Its place in the test set.
        label: What the test set says.
        taken_for: The wrong class that most runs say; of equals the one said with more confidence.
        agreeing: How many of them say so.
        runs: How many there are.
        confidence: Mean confidence of those that say so, 0 to 1.
    """

    index: int
    label: int
    taken_for: int
    agreeing: int
    runs: int
    confidence: float


def wrong_by_all(runs: Sequence[Predictions]) -> tuple[SharedMistake, ...]:
    """The images that every one of `runs` gets wrong, the likeliest label errors first.

    Those on whose class most runs agree come first, among them those with the highest mean confidence.

    Raises:
        OtherImagesError: The runs have other labels.
    """
    labels = _common_labels(runs)
    indices = np.flatnonzero(~np.logical_or.reduce([run.correct for run in runs]))
    votes, confidence = _votes(runs, indices)
    # A sum of confidences is at most the number of runs: it decides between equal votes only.
    taken_for = (votes + confidence / (len(runs) + 1)).argmax(axis=1)
    rows = np.arange(len(indices))
    agreeing = votes[rows, taken_for]
    mean = confidence[rows, taken_for] / np.maximum(agreeing, 1)
    columns = (indices, labels[indices], taken_for, agreeing)
    found = [
        SharedMistake(index, label, other, count, len(runs), share)
        for index, label, other, count, share in zip(*(one.tolist() for one in (*columns, mean)), strict=True)
    ]
    return tuple(sorted(found, key=lambda mistake: (-mistake.agreeing, -mistake.confidence)))


def only_right(runs: Sequence[Predictions], one: int) -> Indices:
    """Indices (m,) of the images that only the run at place `one` of `runs` gets right, its most confident first.

    Raises:
        OtherImagesError: The runs have other labels.
    """
    _common_labels(runs)
    others = [run.correct for place, run in enumerate(runs) if place != one]
    right: NDArray[np.bool_] = np.logical_or.reduce(others) if others else np.zeros_like(runs[one].correct)
    return by_confidence(runs[one], runs[one].correct & ~right)


def same_images(first: Predictions, second: Predictions) -> bool:
    """Whether both have the same labels."""
    return np.array_equal(first.labels, second.labels)


def _common_labels(runs: Sequence[Predictions]) -> NDArray[np.uint8]:
    if not all(same_images(runs[0], run) for run in runs):
        raise OtherImagesError("the runs were not scored on the same images")
    return runs[0].labels


def _votes(runs: Sequence[Predictions], indices: Indices) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """How many runs say each class of each image, and the sum of their confidences: (m, 10) each."""
    votes = np.zeros((len(indices), 10), np.int64)
    confidence = np.zeros((len(indices), 10))
    rows = np.arange(len(indices))
    for run in runs:
        predicted = run.predicted[indices]
        votes[rows, predicted] += 1
        confidence[rows, predicted] += run.confidence[indices]
    return votes, confidence
