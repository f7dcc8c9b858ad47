"""Loads the images in a thread, fetching them where needed."""

from __future__ import annotations

import mmap
import threading
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import fmnist_tui.tui.dataset.image_pages  # noqa: F401 - what shows the images is there when they are
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
_BLOCK = 1000
"""Images that are summed at a time."""


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
        for part in (dataset.train, dataset.test):
            _free_pages(part.images)
    except DataError as error:
        post(DatasetFailed(str(error)))
    except Cancelled:
        post(DatasetCancelled())


def class_means(dataset: Dataset) -> ClassMeans:
    """The mean image of each class of both parts; 60,000 images take 0.1 s, too long for a key press."""
    count = len(dataset.classes)
    return {"train": _means(dataset.train, count), "test": _means(dataset.test, count)}


def _means(part: ImageSet, count: int) -> NDArray[np.uint8]:
    sums = np.zeros((count, *part.images.shape[1:]), np.int64)
    for first in range(0, len(part), _BLOCK):
        labels = part.labels[first : first + _BLOCK]
        for label in np.unique(labels):
            sums[label] += part.images[first : first + _BLOCK][labels == label].sum(axis=0, dtype=np.int64)
    counts = np.maximum(np.bincount(part.labels, minlength=count), 1)
    return picture((sums // counts.reshape(-1, *[1] * (sums.ndim - 1))).astype(np.uint8))


def _free_pages(images: NDArray[np.uint8]) -> None:
    """Gives back the memory of images that are mapped from a file; they are read again where they are needed."""
    mapping = getattr(images.base, "_mmap", None)
    if mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)
