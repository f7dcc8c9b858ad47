"""Which runs the Inspector can show an image in."""

from __future__ import annotations

from collections.abc import Sequence

from fmnist_tui.data import Dataset
from fmnist_tui.runs.run import Run
from fmnist_tui.tui.playground.selection import usable

NO_RUN = "No scored run of a model on such images yet: press 2 to train one"


def runs_for(first: Run | None, records: Sequence[Run], dataset: Dataset | None) -> list[Run]:
    """The scored runs on such images: those on this data set first, and of them the most accurate of each model.

    Args:
        first: The run to begin with, whatever it was trained on; None for the first of the others.
        records: The runs that there are.
        dataset: The data that the image is from; None if it isn't loaded.
    """
    ranked = sorted(usable(records, dataset), key=lambda one: (not _is_on(one, dataset), -(one.test_accuracy or 0.0)))
    best: dict[str, Run] = {}
    for one in ranked:
        best.setdefault(one.version, one)
    ordered = [*best.values(), *(one for one in ranked if best[one.version] is not one)]
    if first is None:
        return ordered
    return [first, *(one for one in ordered if one.directory != first.directory)]


def _is_on(run: Run, dataset: Dataset | None) -> bool:
    return dataset is not None and run.test_fingerprint == dataset.test.fingerprint
