"""Several models on the same test images: what every one gets wrong, and what one alone gets right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis.errors import Indices, by_confidence
from fmnist_tui.analysis.predictions import Predictions


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
    indices = np.flatnonzero(~np.logical_or.reduce([run.right for run in runs]))
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
    others = [run.right for place, run in enumerate(runs) if place != one]
    right: NDArray[np.bool_] = np.logical_or.reduce(others) if others else np.zeros_like(runs[one].right)
    return by_confidence(runs[one], runs[one].right & ~right)


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
