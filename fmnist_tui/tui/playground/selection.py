"""Which runs' networks are asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from fmnist_tui.data import Dataset
from fmnist_tui.models.looks import look_of
from fmnist_tui.models.spec import FASHION_MNIST_SHAPE, ImageShape
from fmnist_tui.runs.run import Run
from fmnist_tui.text import percent
from fmnist_tui.tui.messages import Inspect
from fmnist_tui.tui.playground.probabilities import Column
from fmnist_tui.tui.playground.sketch import Sketch

MOST_RUNS = 4
_NO_WEIGHTS = "no saved weights"


def usable(records: Iterable[Run], dataset: Dataset | None) -> list[Run]:
    """The scored runs whose networks take images of this shape and tell these classes apart, in their order.

    Without a data set those that fit the first of them.
    """
    scored = [record for record in records if record.test_accuracy is not None and not record.damage]
    if not scored:
        return []
    wanted = (dataset.shape, dataset.classes) if dataset else (scored[0].image_shape, scored[0].class_names)
    return [record for record in scored if (record.image_shape, record.class_names) == wanted]


def proposed(records: Sequence[Run], dataset: Dataset | None) -> list[Run]:
    """Of each model the run with the best test accuracy, four at most, by model; those on this data set first.

    Runs whose weights weren't saved can't predict anything.
    """
    able = [record for record in records if record.has_weights]
    own = [record for record in able if dataset and record.test_fingerprint == dataset.test.fingerprint]
    best: dict[str, Run] = {}
    for record in sorted(own or able, key=_accuracy, reverse=True):
        best.setdefault(record.version, record)
    return sorted(list(best.values())[:MOST_RUNS], key=lambda record: record.version)


def columns_of(records: Sequence[Run], note: str) -> list[Column]:
    """A column for each run, named after its model, and where there are several of one, after the seed as well."""
    counts = Counter(record.version for record in records)
    return [
        Column(
            f"{record.version} s{record.seed}" if counts[record.version] > 1 else record.version,
            record.version,
            look_of(record.version).marker,
            f"{record.label or record.marked_recipe}, test {percent(record.test_accuracy)}",
            note=note if record.has_weights else _NO_WEIGHTS,
        )
        for record in records
    ]


def shape_of(records: Sequence[Run], dataset: Dataset | None) -> ImageShape:
    """The shape of the images: that of the data set, else of the first run."""
    return dataset.shape if dataset else (records[0].image_shape if records else FASHION_MNIST_SHAPE)


def inspection(sketch: Sketch, chosen: Sequence[Run], dataset: Dataset | None) -> Inspect:
    """The request to look inside the first run's network while it sees the drawing; a test image's class is known."""
    begun, image = sketch.begun, np.ascontiguousarray(sketch.image)
    label = int(dataset.test.labels[begun.index]) if dataset and begun.index is not None else None
    return Inspect(chosen[0] if chosen else None, image, label, sketch.title)


def _accuracy(record: Run) -> float:
    return record.test_accuracy or 0.0
