"""Which runs the Inspector can show an image in, and which images decide whether a unit is dead."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data import Dataset
from fmnist_tui.runs.run import Run
from fmnist_tui.tui.playground.selection import usable

NO_RUN = "No scored run of a model on such images yet: press 2 to train one"
_SAMPLES, _SAMPLE_BYTES = 64, 1 << 20
"""Images that decide which units are dead: so many, or as many as fit into so many bytes."""


def runs_for(first: Run | None, records: Sequence[Run], dataset: Dataset | None) -> list[Run]:
    """The scored runs on such images: those on this data set first, and of them the most accurate of each model.

    Runs whose weights weren't saved are the last.

    Args:
        first: The run to begin with, whatever it was trained on; None for the first of the others.
        records: The runs that there are.
        dataset: The data that the image is from; None if it isn't loaded.
    """
    ranked = sorted(usable(records, dataset), key=partial(_rank, dataset))
    best: dict[str, Run] = {}
    for one in ranked:
        best.setdefault(one.version, one)
    ordered = [*best.values(), *(one for one in ranked if best[one.version] is not one)]
    ordered.sort(key=lambda one: not one.has_weights)
    if first is None:
        return ordered
    return [first, *(one for one in ordered if one.directory != first.directory)]


def samples_of(dataset: Dataset | None, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
    """The test images that decide which units are dead; None without any of that shape."""
    if dataset is None or dataset.shape != shape:
        return None
    images = dataset.test.images
    count = min(len(images), _SAMPLES, max(1, _SAMPLE_BYTES // images[0].size))
    samples: NDArray[np.uint8] = images[np.arange(count) * len(images) // count]
    return samples


def _rank(dataset: Dataset | None, run: Run) -> tuple[bool, bool, float]:
    is_on_it = dataset is not None and run.test_fingerprint == dataset.test.fingerprint
    return not run.has_weights, not is_on_it, -(run.test_accuracy or 0.0)
