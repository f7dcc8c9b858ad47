"""From a configuration and the data to something that can be trained, and what to announce about it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data import Dataset, split
from fmnist_tui.data.dataset import check_enough
from fmnist_tui.text import counted, grouped
from fmnist_tui.training import augment
from fmnist_tui.training.blas_threads import bound_blas_threads
from fmnist_tui.training.config import Hyperparameters, TrainingConfig
from fmnist_tui.training.engine import Engine, Indices
from fmnist_tui.training.events import Alert, Event, Stage
from fmnist_tui.training.recipes import hyperparameters, settle

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


WINDOWS_PER_EPOCH = 100
_CPU_WINDOW = 2
"""Wishes are heard at windows' ends, and a CNN's step takes a tenth of a second on a CPU; fetching its loss is free."""


@dataclass(frozen=True)
class Task:
    """What is trained on: a configuration, the data, and which training images are for training and validation."""

    config: TrainingConfig
    dataset: Dataset
    train_indices: Indices
    validation_indices: Indices
    window: int
    """Steps of a window, counted from each epoch's first step; an epoch's last window may be shorter."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches of an epoch; the last one may be smaller."""
        return math.ceil(len(self.train_indices) / self.config.hyperparameters.batch_size)

    @property
    def total_steps(self) -> int:
        """Batches of the whole run."""
        return self.steps_per_epoch * self.config.hyperparameters.epochs


def make_task(config: TrainingConfig, dataset: Dataset, window: int | None = None) -> Task:
    """The task of a configuration whose device is resolved; what it leaves to the data is settled here.

    Args:
        config: What to train.
        dataset: The data.
        window: Steps of a window, where a run already has one; else it is chosen.

    Raises:
        DataError: There are too few images.
    """
    check_enough(len(dataset.train), dataset.source)
    config = settled(config, dataset)
    chosen = np.arange(len(dataset.train))
    if config.limit is not None and config.limit < len(chosen):
        chosen, subset = choose(dataset.train.labels, config.limit, config.subset)
        config = replace(config, subset=subset)
    train, validation = split(len(chosen))
    task = Task(config, dataset, chosen[train], chosen[validation], window or 1)
    return task if window else replace(task, window=_window(task))


def settled(config: TrainingConfig, dataset: Dataset) -> TrainingConfig:
    """The configuration with the hyper-parameters that the data decides.

    What was asked for and is what the recipe comes to with this data modifies nothing.
    """
    own, recipe = config.hyperparameters, hyperparameters(config.version, config.recipe)
    pixels, flips = dataset.train.statistics, dataset.flips
    settings = settle(own, pixels, flips=flips)
    modified = config.modified and settings != settle(recipe, pixels, flips=flips)
    return replace(config, hyperparameters=settings, modified=modified)


def make_engine(task: Task) -> Engine:
    """An untrained engine of the task's version; imports PyTorch for v1 to v3 alone.

    Bounds the threads of the whole process: their number changes what floating-point sums round to.
    """
    config = task.config
    train = task.dataset.train
    if config.version == "v0":  # loads SciPy's BLAS, which can be bounded only then; the form has no use for it
        from fmnist_tui.training.numpy_engine import NumpyEngine
    bound_blas_threads(config.threads)
    if config.version == "v0":
        return NumpyEngine(config.hyperparameters, config.seed, train.images, train.labels)
    from fmnist_tui.training.torch_engine import TorchEngine, prepare, seeded_network

    prepare(config.threads)
    network = seeded_network(config.version, config.seed)
    return TorchEngine(network, config.hyperparameters, config.seed, train.images, train.labels, config.device)


def _window(task: Task) -> int:
    window = max(1, round(task.steps_per_epoch / WINDOWS_PER_EPOCH))
    slow = task.config.version != "v0" and task.config.device == "cpu"
    return min(window, _CPU_WINDOW) if slow else window


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
