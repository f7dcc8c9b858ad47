"""Loads the images in a thread, fetching them where needed."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data import Cancelled, DataError, Dataset, ImageSet, Progress, load
from fmnist_tui.tui.messages import (
    ClassMeans,
    ClassMeansReady,
    DatasetCancelled,
    DatasetFailed,
    DatasetLoaded,
    DatasetProgressed,
    Post,
)
from fmnist_tui.tui.widgets.images import picture

_REPORT_SECONDS = 0.5


def load_dataset(folder: str | None, cache: Path, post: Post, stop: threading.Event) -> None:
    """Posts each step, twice a second how far it is, and at last the data set and its means, or why there is none.

    Args:
        folder: The folder of the data, "demo", or None for the usual places.
        cache: Where fetched and decoded data is cached.
        post: Takes the messages.
        stop: Cancels the loading when it is set.
    """
    step, due = "", 0.0

    def report(progress: Progress) -> None:
        nonlocal step, due
        if progress.what != step or time.monotonic() >= due:
            step, due = progress.what, time.monotonic() + _REPORT_SECONDS
            post(DatasetProgressed(progress))

    try:
        dataset = load(folder, cache, report, stop.is_set)
        _ = dataset.train.statistics  # here, so that no screen has to wait for it
        post(DatasetLoaded(dataset))
        post(ClassMeansReady(class_means(dataset)))
    except DataError as error:
        post(DatasetFailed(str(error)))
    except Cancelled:
        post(DatasetCancelled())


def class_means(dataset: Dataset) -> ClassMeans:
    """The mean image of each class of both parts; 60,000 images take 0.1 s, too long for a key press."""
    count = len(dataset.classes)
    return {"train": _means(dataset.train, count), "test": _means(dataset.test, count)}


def _means(part: ImageSet, count: int) -> NDArray[np.uint8]:
    means = np.zeros((count, *part.images.shape[1:]), np.uint8)
    for label in np.unique(part.labels):
        means[label] = part.images[part.labels == label].mean(axis=0, dtype=np.float32)
    return picture(means)
