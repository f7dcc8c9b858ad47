"""Whether a model can be resumed bit for bit: a step is repeated from a saved state, by a newly built network."""

from __future__ import annotations

import numpy as np

from fmnist_tui.training.engine import Engine, Tensors, Totals
from fmnist_tui.training.streams import epoch_order
from fmnist_tui.training.task import Task, build_engine

_CALM = 1e-3
"""The learning rate: large enough to change all bits that depend on anything, small enough not to diverge."""


def replays_exactly(task: Task) -> bool:
    """Whether parameters, buffers and optimiser are all that a step depends on.

    A network takes a step, is evaluated, and takes another step. A second, newly built network takes that other step
    from the state in between, as a resumed run would. Both compute on the first images of the run, with the run's
    random draws; the run's own engine is not involved.

    Args:
        task: With device and threads resolved; its engine is built twice, with two batches of images.
    """
    size = task.config.hyperparameters.batch_size
    order = epoch_order(task.config.seed, 1, task.train_indices)
    chosen = order[: 2 * size]
    train, classes = task.dataset.train, len(task.dataset.classes)
    first, second = (build_engine(task.config, train.images[chosen], train.labels[chosen], classes) for _ in range(2))
    batch = np.arange(min(size, len(chosen)))
    rest = np.arange(len(chosen))[size:] if len(chosen) > size else batch
    first.step(batch, _CALM, 1, 0)
    first.evaluate(batch)
    first.take_totals()
    second.load_state(first.state())
    return _same(_after_step(first, rest), _after_step(second, rest))


def _after_step(engine: Engine, batch: np.ndarray[tuple[int], np.dtype[np.int64]]) -> tuple[Tensors, Totals]:
    engine.step(batch, _CALM, 1, 1)
    return engine.state(), engine.take_totals()


def _same(one: tuple[Tensors, Totals], other: tuple[Tensors, Totals]) -> bool:
    tensors, others = one[0], other[0]
    same = tensors.keys() == others.keys() and all(
        tensors[name].dtype == others[name].dtype and tensors[name].tobytes() == others[name].tobytes()
        for name in tensors
    )
    return same and repr(one[1]) == repr(other[1])
