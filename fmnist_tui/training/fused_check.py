"""Whether a module that is not built in has the same gradients in shared passes and in another memory layout."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from fmnist_tui.training.engine import Tensors, Totals
from fmnist_tui.training.streams import epoch_order
from fmnist_tui.training.task import Task, build_engine
from fmnist_tui.training.torch_engine import TorchEngine

_ROUNDING = 1e-2
"""Of the gradient's norm: where a sum of float32 numbers rounds to the other side of a ReLU's zero, it jumps."""


def check_fused_layers(task: Task) -> Task:
    """The task of a custom model, noting whether its first step's loss and gradients are the same but for rounding.

    Args:
        task: With device and threads resolved; on a CPU its engine is built twice, unless fused layers are off.
    """
    config = task.config
    if config.device != "cpu" or config.hyperparameters.fused_layers == "off":
        return task
    fused = replace(task, config=replace(config, fused=True))
    ours, theirs = _gradients(fused), _gradients(replace(task, config=replace(config, fused=False)))
    return fused if ours and theirs and _agree(ours, theirs) else task


def _gradients(task: Task) -> tuple[Totals, Tensors] | None:
    config, train = task.config, task.dataset.train
    chosen = epoch_order(config.seed, 1, task.train_indices)[: config.hyperparameters.batch_size]
    engine = build_engine(config, train.images[chosen], train.labels[chosen], len(task.dataset.classes))
    if not isinstance(engine, TorchEngine):
        return None
    try:
        with _without_dropout(engine.scored_network):
            return engine.gradients(np.arange(len(chosen)))
    except RuntimeError:  # such as that of `view`, which doesn't work in every memory layout
        return None


@contextmanager
def _without_dropout(network: nn.Module) -> Iterator[None]:
    """Masks are drawn in the order of memory, so they would be others in another layout."""
    layers = [layer for layer in network.modules() if isinstance(layer, _DropoutNd)]
    rates = [layer.p for layer in layers]
    for layer in layers:
        layer.p = 0.0
    try:
        yield
    finally:
        for layer, rate in zip(layers, rates, strict=True):
            layer.p = rate


def _agree(ours: tuple[Totals, Tensors], theirs: tuple[Totals, Tensors]) -> bool:
    if ours[1].keys() != theirs[1].keys() or not math.isclose(ours[0].loss, theirs[0].loss, rel_tol=_ROUNDING):
        return False
    difference = sum(float(np.square(ours[1][name] - theirs[1][name]).sum()) for name in theirs[1])
    return difference <= _ROUNDING**2 * sum(float(np.square(value).sum()) for value in theirs[1].values())
