"""Models whose mistakes are known, made for the tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fmnist_tui.runs.predictions import Predictions

LABELS = (np.arange(1000) % 10).astype(np.uint8)


def predicting(
    labels: Sequence[int], predicted: Sequence[int], confidence: Sequence[float] | float = 0.82
) -> Predictions:
    """A model that predicts these classes with this confidence; the other nine have equal parts of the rest."""
    sure = np.broadcast_to(np.asarray(confidence, np.float64), len(labels))
    table = np.repeat(((1 - sure) / 9)[:, None], 10, axis=1)
    table[np.arange(len(labels)), list(predicted)] = sure
    return Predictions(table.astype(np.float32), np.array(labels, np.uint8))


def perfect() -> Predictions:
    return predicting(LABELS.tolist(), LABELS.tolist(), 1.0)


def constant() -> Predictions:
    """Predicts 3 for every image."""
    return predicting(LABELS.tolist(), [3] * len(LABELS), 0.5)


def chance() -> Predictions:
    """Draws its probabilities without looking."""
    table = np.random.default_rng(7).dirichlet(np.ones(10), len(LABELS))
    return Predictions(table.astype(np.float32), LABELS)
