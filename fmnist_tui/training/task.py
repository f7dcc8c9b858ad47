"""From a configuration and the data to an engine that can be trained, and the first lines of a run's log."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data import Dataset, split_of
from fmnist_tui.data.dataset import check_enough
from fmnist_tui.models.layers import saved_table
from fmnist_tui.models.registry import BUILT_IN
from fmnist_tui.models.spec import ImageShape
from fmnist_tui.text import counted, grouped
from fmnist_tui.training.blas_threads import bound_blas_threads
from fmnist_tui.training.config import Hyperparameters, TrainingConfig
from fmnist_tui.training.engine import Engine, Indices
from fmnist_tui.training.events import Alert, Event, Stage
from fmnist_tui.training.recipes import settle

Labels = NDArray[Any]
_UNUSUAL = 3.5
"""Standard deviations by which the class counts of the first images may differ from those of a random sample."""
_SHORT = 3.0
"""Standard deviations by which one class may fall short, if it has half of its expected count."""
_NAMED = 5
"""Classes that an alert names."""
_MISSING = 5.0
"""Expected images of a class among the first ones, from which on having none of them is significant."""


def choose(labels: Labels, limit: int, subset: str) -> tuple[Indices, str]:
    """The sorted indices of `limit` images, fewer than there are, and how they were chosen: "first" or "by_class".

    `subset` says how; "auto" takes the first ones if their classes are distributed about as those of all images. In
    shuffled data they are; of Fashion-MNIST any number of first images passes.
    """
    if subset == "auto":
        subset = "first" if is_fair(labels, limit) else "by_class"
    if subset == "first":
        return np.arange(limit), subset
    return _of_each_class(labels, limit), subset


def is_fair(labels: Labels, limit: int) -> bool:
    """Whether the first `limit` labels could be a random sample of all.

    Tested for all classes together by the log-likelihood ratio (the G-test, whose expectation is the number of classes
    less one), and for each class by how far its count falls short.
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
    """The first images of each class, in proportion to the classes; at least one, if the limit allows it."""
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
"""Steps: commands are read at the end of a log interval, and a CNN's step takes a tenth of a second on a CPU."""
_GPU_SECONDS, _GPU_STEP, _GPU_FLOPS = 0.256, 1e-3, 2e13
"""A log interval ends with waiting for the GPU, so it lasts so long; a step takes a millisecond, or, with a large
network, what its operations take at this speed."""


@dataclass(frozen=True)
class Task:
    """One training: a configuration, the data, and which training images are for training and validation."""

    config: TrainingConfig
    dataset: Dataset
    train_indices: Indices
    validation_indices: Indices
    window: int
    """Steps of a log interval, counted from each epoch's first step; an epoch's last one may be shorter."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches of an epoch; the last one may be smaller."""
        return math.ceil(len(self.train_indices) / self.config.hyperparameters.batch_size)

    @property
    def total_steps(self) -> int:
        """Batches of the whole run."""
        return self.steps_per_epoch * self.config.hyperparameters.epochs

    def with_threads(self, threads: int) -> Task:
        """The same task on another number of CPU threads."""
        return replace(self, config=replace(self.config, threads=threads))


def make_task(config: TrainingConfig, dataset: Dataset, window: int | None = None) -> Task:
    """The task of a configuration whose device is resolved; settings that are left to the data are filled in here.

    Args:
        config: What to train.
        dataset: The data.
        window: Steps of a log interval, if the run already has one; else it is chosen.

    Raises:
        DataError: There are too few images.
    """
    check_enough(len(dataset.train), dataset.source)
    config = settled(config, dataset)
    learnable, chosen = len(dataset.train) - dataset.n_validation, None
    if config.limit is not None and config.limit < learnable:
        chosen, subset = choose(dataset.train.labels[:learnable], config.limit, config.subset)
        config = replace(config, subset=subset)
    train, validation = split_of(dataset, chosen)
    task = Task(config, dataset, train, validation, window or 1)
    return task if window else replace(task, window=_window(task))


def settled(config: TrainingConfig, dataset: Dataset) -> TrainingConfig:
    """The configuration with the hyper-parameters that are left to the data filled in.

    One that was given explicitly, and equals what the recipe gives for this data, doesn't make the recipe modified.
    """
    own, recipe = config.hyperparameters, config.model.recipe(config.recipe)
    pixels, flips = dataset.train.statistics, dataset.flips
    settings = settle(own, pixels, flips=flips)
    modified = config.modified and (settings != settle(recipe, pixels, flips=flips) or bool(config.model_options))
    return replace(config, hyperparameters=settings, modified=modified)


def make_engine(task: Task, *, graph: bool = True) -> Engine:
    """An untrained engine for the task's model and images; imports PyTorch only for models that need it.

    Bounds the BLAS threads of the whole process: their number changes how floating-point sums round.

    Args:
        task: The training.
        graph: Whether steps on an NVIDIA GPU are replayed as a CUDA graph, where they can be; it changes no bit.
    """
    train, classes = task.dataset.train, len(task.dataset.classes)
    return build_engine(task.config, train.images, train.labels, classes, task.train_indices if graph else None)


def build_engine(
    config: TrainingConfig, images: NDArray[np.uint8], labels: Labels, classes: int, trained: Indices | None = None
) -> Engine:
    """`make_engine` without a task.

    Args:
        config: With its device and threads resolved, and its input scale known.
        images: uint8, (n, channels, height, width).
        labels: Unsigned integers, (n,), below `classes`.
        classes: Number of classes.
        trained: The images that will be trained on, if a GPU is to replay steps as a CUDA graph.
    """
    shape: ImageShape = images.shape[1:]
    if not config.model.needs_torch:
        from fmnist_tui.models.dense import DenseNetwork  # loads SciPy's BLAS, which can be bounded only then
        from fmnist_tui.training.numpy_engine import NumpyEngine

        bound_blas_threads(config.threads)
        dense = config.build(shape, classes)
        if not isinstance(dense, DenseNetwork):
            raise TypeError(f"model {config.version} has the engine numpy, but builds a {type(dense).__name__}")
        return NumpyEngine(dense, config.hyperparameters, config.seed, images, labels)
    bound_blas_threads(config.threads)
    from fmnist_tui.training.torch_engine import TorchEngine, prepare, seeded_network

    prepare(config.threads)
    network = seeded_network(partial(config.build, shape, classes), config.seed)
    plain = config.version not in BUILT_IN
    settings, device = config.hyperparameters, config.device
    fused = settings.fused_layers == "on" and (config.fused or not plain)
    engine = TorchEngine(network, settings, config.seed, images, labels, device, plain=plain, fused=fused)
    if trained is not None and device.startswith("cuda"):
        engine.use_graph(trained)
    return engine


def _window(task: Task) -> int:
    window = max(1, round(task.steps_per_epoch / WINDOWS_PER_EPOCH))
    if task.config.model.needs_torch and task.config.device.startswith("cuda"):
        parts = max(1, task.steps_per_epoch // max(window, _gpu_steps(task)))
        return math.ceil(task.steps_per_epoch / parts)
    slow = task.config.model.needs_torch and task.config.device == "cpu"
    return min(window, _CPU_WINDOW) if slow else window


def _gpu_steps(task: Task) -> int:
    """How many steps a GPU probably takes in `_GPU_SECONDS`; measuring would make a repeated run another one."""
    config, dataset = task.config, task.dataset
    table = saved_table(config.model, dataset.shape, len(dataset.classes))
    operations = 2.0 * table.training_macs * config.hyperparameters.batch_size if table else 0.0
    return math.ceil(_GPU_SECONDS / max(_GPU_STEP, operations / _GPU_FLOPS))


def announcements(task: Task, asked: Hyperparameters) -> Iterator[Event]:
    """Lines for a run's log at its first start.

    Args:
        task: What will be trained.
        asked: The hyper-parameters as requested, before those left to the data were filled in.
    """
    if text := augmentation_line(task.config, asked, task.dataset):
        yield Stage(text)
    if task.dataset.note:
        yield Stage(f"data: {task.dataset.note}")
    yield from _limit(task)
    yield from _unseen(task)


def augmentation_line(config: TrainingConfig, asked: Hyperparameters, dataset: Dataset) -> str:
    """How training augments images, and why: "augmentation: flips and shifts"; "" if it doesn't.

    Args:
        config: The task's, settled.
        asked: The hyper-parameters as requested, before those left to the data were filled in.
        dataset: Their data.
    """
    settings, recipe = config.hyperparameters, config.model.recipe(config.recipe)
    mirrored = settings.flip == "on"
    others = [kind for name, kind in _KINDS.items() if getattr(settings, name)]
    if not mirrored and not others:
        return ""
    *first, last = ["flips"] * mirrored + others
    kinds = f"{', '.join(first)} and {last}" if first else last
    if asked.flip != "auto":
        is_usual = mirrored == dataset.flips or asked.flip == recipe.flip
        reason = "" if is_usual else f" (flips are {'on' if mirrored else 'off'}, as requested)"
        return f"augmentation: {kinds}{' only' * (not mirrored)}{reason}"
    if mirrored:
        return f"augmentation: {kinds}"
    return f"augmentation: {kinds} only (flips are off for unknown data; --flip on turns them on)"


_KINDS = {"shift": "shifts", "crop": "crops", "erase": "random erasing", "cutout": "cutout", "mixup": "mixup"}


def _limit(task: Task) -> Iterator[Event]:
    limit, total = task.config.limit, len(task.dataset.train) - task.dataset.n_validation
    if limit is None:
        return
    if limit >= total:
        yield Stage(f"limit: all {grouped(total)} training images (there are no more)")
    elif task.config.subset == "first":
        yield Stage(f"limit: the first {grouped(limit)} of {grouped(total)} training images")
    else:
        message = (
            f"--limit takes {grouped(limit)} of {grouped(total)} training images by class, in proportion: the labels "
            "are sorted or nearly so, and the first images don't represent all classes"
        )
        yield Alert("limit_by_class", message)


def _unseen(task: Task) -> Iterator[Event]:
    """Classes that have test images but no training images: each of their test images will be misclassified."""
    train, test = task.dataset.train.labels[task.train_indices], task.dataset.test.labels
    unseen = np.setdiff1d(test, train)
    if unseen.size and task.config.score_test:
        names = ", ".join(task.dataset.classes[label] for label in unseen[:_NAMED].tolist())
        names += f" and {counted(len(unseen) - _NAMED, 'other class')}" if len(unseen) > _NAMED else ""
        count = int(np.isin(test, unseen).sum())
        yield Alert(
            "unseen_classes", f"no training image of {names}; {counted(count, 'test image')} will be misclassified"
        )
