"""Our engines, stepped as the trainer steps them, without events, log and checkpoints."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from benchmarks.spec import Spec
from fmnist_tui.data import Dataset, load
from fmnist_tui.models.hyperparameters import learning_rate
from fmnist_tui.paths import cache_folder
from fmnist_tui.training.blas_threads import ThreadWatch, fewer_threads
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.engine import EVALUATION_BATCH, Indices
from fmnist_tui.training.recipes import configure
from fmnist_tui.training.streams import epoch_order
from fmnist_tui.training.task import Task, make_engine, make_task

ENDLESS = 10_000
"""Epochs that nobody waits for the end of."""


def images_of(spec: Spec) -> Dataset:
    """As a trainer loads them."""
    return load(spec.data, cache_folder())


def read_config(spec: Spec) -> TrainingConfig:
    """v0 tuned; v3 with the origin's recipe, whose mathematics are those of the plain loop. Batches as asked."""
    version = spec.name.partition(" ")[0]
    recipe = "tuned" if version == "v0" else "origin"
    changes = {"epochs": ENDLESS, "batch_size": spec.batch_size}
    return configure(version, recipe, changes, device="cpu", threads=spec.threads, limit=spec.limit)


class Bare:
    """An engine and the order of its batches."""

    def __init__(self, spec: Spec) -> None:
        self._task = make_task(read_config(spec), images_of(spec))
        self._engine = make_engine(self._task)
        self._places = _places(self._task)

    def turn(self, amount: int) -> None:
        """So many steps; the losses are fetched at windows' ends, as the trainer does it."""
        settings, window = self._task.config.hyperparameters, self._task.window
        for _ in range(amount):
            epoch, epoch_step, batch = next(self._places)
            done = (epoch - 1) * self._task.steps_per_epoch + epoch_step
            rate = learning_rate(settings.schedule, settings.learning_rate, done, self._task.total_steps)
            self._engine.step(batch, rate, epoch, epoch_step)
            if (epoch_step + 1) % window == 0 or epoch_step + 1 == self._task.steps_per_epoch:
                self._engine.take_totals()


class Watched(Bare):
    """With as many threads as are fastest at the time, as a run has that names no number."""

    def __init__(self, spec: Spec) -> None:
        found = fewer_threads(spec.threads)
        super().__init__(replace(spec, threads=found.threads if found else spec.threads))
        self._watch = ThreadWatch(found.threads if found else spec.threads)

    def turn(self, amount: int) -> None:
        """So many steps, a window at a time."""
        for done in range(0, amount, self._task.window):
            begun, steps = time.perf_counter(), min(self._task.window, amount - done)
            super().turn(steps)
            self._watch.see(steps * self._task.config.hyperparameters.batch_size / (time.perf_counter() - begun))


class Validation:
    """An engine that evaluates images."""

    def __init__(self, spec: Spec) -> None:
        self._task = make_task(read_config(spec), images_of(spec))
        self._engine = make_engine(self._task)

    def turn(self, amount: int) -> None:
        """So many images, in the trainer's batches."""
        indices = self._task.train_indices
        for first in range(0, amount, EVALUATION_BATCH):
            self._engine.evaluate(indices[first : min(amount, first + EVALUATION_BATCH)])


def _places(task: Task) -> Iterator[tuple[int, int, Indices]]:
    """Each step's epoch, its number within it and its images."""
    size = task.config.hyperparameters.batch_size
    for epoch in range(1, ENDLESS):
        order = epoch_order(task.config.seed, epoch, task.train_indices)
        for epoch_step in range(task.steps_per_epoch):
            yield epoch, epoch_step, order[epoch_step * size : (epoch_step + 1) * size]
