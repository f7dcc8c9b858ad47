"""The run and the image that the page on backpropagation begins with."""

from __future__ import annotations

from collections.abc import Iterable

from fmnist_tui.data import Dataset
from fmnist_tui.runs.run import Run
from fmnist_tui.tui.messages import StepByStep

NO_RUN = "No trained v0 with saved weights on such images yet: press 2, choose v0, and t trains it"
NO_IMAGES = "The images aren't loaded"


def is_dense(run: Run) -> bool:
    """Whether a run's weights are there, and are those of a dense network in NumPy."""
    return run.has_weights and run.model is not None and not run.model.needs_torch


def first_step(runs: Iterable[Run], dataset: Dataset | None) -> StepByStep | str:
    """The request to walk the first test image through the most accurate of the dense runs, or why there is none."""
    if dataset is None:
        return NO_IMAGES
    shape = dataset.shape, dataset.classes
    able = [run for run in runs if is_dense(run) and (run.image_shape, run.class_names) == shape]
    if not able:
        return NO_RUN
    best = max(able, key=lambda run: (run.test_fingerprint == dataset.test.fingerprint, run.test_accuracy or 0.0))
    return StepByStep(best, dataset.test.images[0], int(dataset.test.labels[0]), "test image 0")
