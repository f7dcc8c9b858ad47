"""Which training images a limit takes: the first ones, or, where labels are sorted, some of each class."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.training.engine import Indices

Labels = NDArray[np.uint8]
_UNUSUAL = 3.5
"""Standard deviations by which the first images' classes may differ from what chance would give."""
_SHORT = 3.0
"""Standard deviations by which one class may fall short, if it has half of what it should have."""
_MISSING = 5.0
"""Images that a class should have among the first ones; if it has none of them, that is not chance."""


def choose(labels: Labels, limit: int, subset: str) -> tuple[Indices, str]:
    """The sorted indices of `limit` images, fewer than there are, and "first" or "by_class", as `subset` says.

    "auto" takes the first ones where they hold the classes about as all images do. In shuffled data they do; of
    Fashion-MNIST any number of first images passes.
    """
    if subset == "auto":
        subset = "first" if is_fair(labels, limit) else "by_class"
    if subset == "first":
        return np.arange(limit), subset
    return _of_each_class(labels, limit), subset


def is_fair(labels: Labels, limit: int) -> bool:
    """Whether the first `limit` labels could be so many of a shuffled list.

    Asked of all classes together by the log-likelihood ratio (the G-test, whose expectation under chance is the number
    of classes less one), and of each class by how many of it are missing.
    """
    counts = np.bincount(labels)
    present = counts > 0
    found = np.bincount(labels[:limit], minlength=len(counts))[present].astype(np.float64)
    expected = limit * counts[present] / len(labels)
    freedom = len(expected) - 1
    there = found > 0
    ratio = 2.0 * float((found[there] * np.log(found[there] / expected[there])).sum())
    if ratio > freedom + _UNUSUAL * math.sqrt(2.0 * freedom) + 1e-9:
        return False
    short = (found < expected / 2) & (found < expected - _SHORT * np.sqrt(expected))
    missing = (found == 0) & (expected >= _MISSING)
    return not (short | missing).any()


def _of_each_class(labels: Labels, limit: int) -> Indices:
    """The first images of each class, in proportion to the classes; one at least, where the limit allows it."""
    counts = np.bincount(labels)
    quotas = _quotas(counts, limit)
    chosen = [np.flatnonzero(labels == label)[:quota] for label, quota in enumerate(quotas.tolist())]
    return np.sort(np.concatenate(chosen))


def _quotas(counts: Indices, limit: int) -> Indices:
    """Whole numbers in proportion to `counts` that add up to `limit`: the largest remainders are rounded up."""
    exact = limit * counts / counts.sum()
    quotas: Indices = np.floor(exact).astype(np.int64)
    largest = np.argsort(quotas - exact, kind="stable")[: limit - quotas.sum()]
    quotas[largest] += 1
    missing = np.flatnonzero((quotas == 0) & (counts > 0))
    if limit >= np.count_nonzero(counts):
        for label in missing:
            quotas[np.argmax(quotas)] -= 1
            quotas[label] = 1
    return quotas
