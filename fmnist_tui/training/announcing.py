"""What a person should know of a training's data before it starts: augmentation, a limit's images, missing classes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fmnist_tui.data import Dataset
from fmnist_tui.text import counted, grouped
from fmnist_tui.training import augment
from fmnist_tui.training.config import Hyperparameters
from fmnist_tui.training.events import Alert, Event, Stage
from fmnist_tui.training.task import Task


def announcements(task: Task, asked: Hyperparameters) -> Iterator[Event]:
    """Lines for a run's log at its first start.

    Args:
        task: What will be trained.
        asked: The hyper-parameters before the data settled them.
    """
    if words := augmentation_line(task.config.hyperparameters, asked, task.dataset):
        yield Stage(words)
    yield from _limit(task)
    yield from _unseen(task)


def augmentation_line(settings: Hyperparameters, asked: Hyperparameters, dataset: Dataset) -> str:
    """What training does to images, and why: "augmentation: flips and shifts"; "" where it does nothing.

    Args:
        settings: Settled hyper-parameters.
        asked: As they were before.
        dataset: That settled them.
    """
    mirrored, moved = augment.flips(settings.augment), augment.shifts(settings.augment)
    if not mirrored and not moved:
        return ""
    kinds = " and ".join(["flips"] * mirrored + ["shifts"] * moved)
    if asked.augment != "auto":
        reason = "" if mirrored == dataset.flips else f" (flips are {'on' if mirrored else 'off'}, as asked)"
        return f"augmentation: {kinds}{' only' * (not mirrored)}{reason}"
    if mirrored:
        return f"augmentation: {kinds}"
    return f"augmentation: {kinds} only (flips are off for unknown data; --flip on turns them on)"


def _limit(task: Task) -> Iterator[Event]:
    limit, total = task.config.limit, len(task.dataset.train)
    if limit is None:
        return
    if limit >= total:
        yield Stage(f"limit: all {grouped(total)} training images, since there are no more")
    elif task.config.subset == "first":
        yield Stage(f"limit: the first {grouped(limit)} of {grouped(total)} training images")
    else:
        message = (
            f"--limit takes {grouped(limit)} of {grouped(total)} training images by class, in proportion: the labels "
            "are sorted or nearly so, and the first images lack classes"
        )
        yield Alert("limit_by_class", message)


def _unseen(task: Task) -> Iterator[Event]:
    """Classes that are tested but not trained: each of their test images will be wrong."""
    train, test = task.dataset.train.labels[task.train_indices], task.dataset.test.labels
    unseen = np.setdiff1d(test, train)
    if unseen.size and task.config.score_test:
        names = ", ".join(task.dataset.classes[label] for label in unseen.tolist())
        count = int(np.isin(test, unseen).sum())
        yield Alert("unseen_classes", f"no training image of {names}; {counted(count, 'test image')} will be wrong")
