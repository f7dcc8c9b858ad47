"""Stand-ins for what the trainer is given: an engine with easy arithmetic, a store in memory, scripted commands."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.training.blas_threads import ThreadWatch
from fmnist_tui.training.checkpoint import Checkpoint
from fmnist_tui.training.engine import DeadFractions, Engine, Indices, StepNorms, Tensors, Totals
from fmnist_tui.training.events import Alert, CheckpointSaved, Command, Event
from fmnist_tui.training.snapshots import EpochSnapshot, SnapshotPlan
from fmnist_tui.training.store import DiskFull, Outcome
from fmnist_tui.training.task import Task
from fmnist_tui.training.trainer import train

E = TypeVar("E")


@dataclass(frozen=True)
class Taken:
    """One step, as the engine was asked for it."""

    indices: tuple[int, ...]
    learning_rate: float
    epoch: int
    step: int


@dataclass
class FakeEngine:
    """Each image's loss is its index, and it is answered rightly where its index is even; the "weight" adds up indices.

    `fault` is the (epoch, step) whose loss is not a number; `validation` gives evaluations other totals, in turn.
    """

    fault: tuple[int, int] | None = None
    validation: list[Totals] = field(default_factory=list)
    weight: float = 0.0
    steps: list[Taken] = field(default_factory=list)
    evaluated: list[tuple[int, ...]] = field(default_factory=list)
    predicted: list[int] = field(default_factory=list)
    """Numbers of the images (their first pixel), in the order in which they were predicted."""
    _running: Totals = field(default_factory=Totals)

    @property
    def parameters(self) -> int:
        return 1

    layers = ()
    graph = None

    def expect(self, batches: Sequence[Indices], epoch: int, first: int) -> None:
        """There is nothing to prepare."""

    def measured_step(self, indices: Indices, learning_rate: float, epoch: int, step: int) -> StepNorms:
        self.step(indices, learning_rate, epoch, step)
        return ()

    def evaluate_units(self, indices: Indices) -> tuple[Totals, DeadFractions]:
        return self.evaluate(indices), ()

    def step(self, indices: Indices, learning_rate: float, epoch: int, step: int) -> None:
        self.steps.append(Taken(tuple(indices.tolist()), learning_rate, epoch, step))
        self.weight += learning_rate * float(indices.sum())
        totals = self._totals(indices)
        self._running += replace(totals, nll=0.0, loss=math.nan if (epoch, step) == self.fault else totals.loss)

    def take_totals(self) -> Totals:
        totals, self._running = self._running, Totals()
        return totals

    def evaluate(self, indices: Indices) -> Totals:
        self.evaluated.append(tuple(indices.tolist()))
        return self.validation.pop(0) if self.validation else self._totals(indices)

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """0.91 for class 3, whatever the image."""
        self.predicted += images[:, 0, 0, 0].tolist()
        probabilities = np.full((len(images), 10), 0.01, np.float32)
        probabilities[:, 3] = 0.91
        return probabilities

    def weights(self) -> Tensors:
        return {"weight": np.array([self.weight])}

    def state(self) -> Tensors:
        return self.weights()

    def load_state(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        self.weight = float(tensors["weight"][0])

    def _totals(self, indices: Indices) -> Totals:
        return Totals(float(indices.sum()), 2.0 * len(indices), int((indices % 2 == 0).sum()), len(indices))


@dataclass
class MemoryStore:
    """Keeps every checkpoint and the outcome."""

    checkpoints: list[Checkpoint] = field(default_factory=list)
    outcome: Outcome | None = None
    busy: bool = False
    full: int = 0
    """How many times the disk will be found full."""
    snapshots: list[EpochSnapshot] = field(default_factory=list)
    _news: list[CheckpointSaved | Alert] = field(default_factory=list)

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        step = checkpoint.position.step
        if self.full:
            self._news.append(Alert("checkpoint_failed", f"no checkpoint at step {step}: no room"))
            return
        self.checkpoints.append(checkpoint)
        self._news.append(CheckpointSaved(step))

    def save_snapshot(self, snapshot: EpochSnapshot, plan: SnapshotPlan) -> None:
        self.snapshots = [one for one in self.snapshots if one.epoch < snapshot.epoch] + [snapshot]

    def news(self) -> list[CheckpointSaved | Alert]:
        news, self._news = self._news, []
        return news

    def wait(self) -> None:
        pass

    def save_outcome(self, outcome: Outcome) -> None:
        if self.full:
            self.full -= 1
            raise DiskFull("no room for the result")
        assert self.outcome is None, "a run has one outcome"
        self.outcome = outcome


Script = Callable[[Event], Iterable[Command | None]]
"""What a person asks for on seeing an event; None lets the trainer ask once in vain."""


@dataclass
class Ran:
    """What came of a training."""

    events: list[Event]
    store: MemoryStore

    @property
    def outcome(self) -> Outcome:
        assert self.store.outcome is not None
        return self.store.outcome

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


def nothing(_event: Event) -> Iterable[Command | None]:
    return ()


def drive(
    engine: Engine,
    task: Task,
    script: Script = nothing,
    *,
    start: Checkpoint | None = None,
    store: MemoryStore | None = None,
    until: int | None = None,
    threads: ThreadWatch | None = None,
) -> Ran:
    """Trains to the end, or until an epoch; the trainer next reads the commands that `script` returns for an event."""
    commands: list[Command | None] = []
    ran = Ran([], store or MemoryStore())

    def control() -> Command | None:
        return commands.pop(0) if commands else None

    for event in train(engine, task, control, ran.store, start, until=until, threads=threads):
        ran.events.append(event)
        commands.extend(script(event))
        assert len(ran.events) < 10_000, "this training never ends"
    return ran


def on(kind: type[Event], *commands: Command | None, where: Callable[[Any], bool] = lambda event: True) -> Script:
    """Sends `commands` at the first event of this kind for which `where` holds."""
    asked = False

    def script(event: Event) -> Iterable[Command | None]:
        nonlocal asked
        if asked or not isinstance(event, kind) or not where(event):
            return ()
        asked = True
        return commands

    return script
