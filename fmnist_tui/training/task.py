"""From a configuration and the data to something that can be trained: the images, the window, the engine."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from fmnist_tui.data import Dataset, split
from fmnist_tui.data.splitting import check_enough
from fmnist_tui.training.blas_threads import bound_blas_threads
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.engine import Engine, Indices
from fmnist_tui.training.recipes import hyperparameters, settle
from fmnist_tui.training.subset import choose

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
