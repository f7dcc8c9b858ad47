"""Whether a module that is not built in has the same gradients in our layers as in PyTorch's."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from fmnist_tui.training.engine import Tensors, Totals
from fmnist_tui.training.streams import epoch_order
from fmnist_tui.training.task import Task, build_engine
from fmnist_tui.training.torch_engine import TorchEngine

_ROUNDING = 1e-3
"""Of the gradient's norm: float32 has seven digits; a network of a hundred layers lost three of them."""


def without_fused_layers(task: Task) -> Task:
    """The same task in PyTorch's own layers."""
    settings = replace(task.config.hyperparameters, fused_layers="off")
    return replace(task, config=replace(task.config, hyperparameters=settings))


def fused_layers_agree(task: Task) -> bool:
    """Whether the first step's loss and gradients are the same but for rounding in our layers and in PyTorch's.

    Args:
        task: A custom model's, on the CPU, with device and threads resolved; its engine is built twice.
    """
    config, classes = task.config, len(task.dataset.classes)
    chosen = epoch_order(config.seed, 1, task.train_indices)[: config.hyperparameters.batch_size]
    images, labels = task.dataset.train.images[chosen], task.dataset.train.labels[chosen]
    found = []
    for one in (task, without_fused_layers(task)):
        engine = build_engine(one.config, images, labels, classes)
        if not isinstance(engine, TorchEngine):
            return True
        try:
            found.append(engine.gradients(np.arange(len(chosen))))
        except RuntimeError:
            return False
    return _agree(*found)


def _agree(ours: tuple[Totals, Tensors], theirs: tuple[Totals, Tensors]) -> bool:
    if ours[1].keys() != theirs[1].keys() or not math.isclose(ours[0].loss, theirs[0].loss, rel_tol=_ROUNDING):
        return False
    difference = sum(float(np.square(ours[1][name] - theirs[1][name]).sum()) for name in theirs[1])
    return difference <= _ROUNDING**2 * sum(float(np.square(value).sum()) for value in theirs[1].values())
