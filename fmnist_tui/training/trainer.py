"""The one training loop, for both engines: order of batches, validation, checkpoints, pausing and stopping.

It is a generator of events. Whoever drives it writes them down; it opens no file and knows no screen.
"""

from __future__ import annotations

import math
import os
import socket
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import replace

import numpy as np

from fmnist_tui.training import events
from fmnist_tui.training.checkpoint import Checkpoint, Position
from fmnist_tui.training.commands import Command, Control
from fmnist_tui.training.engine import EVALUATION_BATCH, Engine, Indices, Totals
from fmnist_tui.training.events import Event
from fmnist_tui.training.metrics import score
from fmnist_tui.training.schedules import learning_rate
from fmnist_tui.training.store import DiskFull, Outcome, Store
from fmnist_tui.training.streams import epoch_order
from fmnist_tui.training.task import Task

CHECKPOINT_SECONDS = 30.0
"""Between two checkpoints within an epoch; at an epoch's end a third of it suffices."""
_PAUSE_POLL = 0.05
_ROOM_POLL = 1.0


def train(
    engine: Engine, task: Task, control: Control, store: Store, start: Checkpoint | None = None, *, exact: bool = True
) -> Iterator[Event]:
    """Trains to the end, or until told to stop; the last event is a `RunFinished`.

    Args:
        engine: An untrained model on `task.dataset.train`; its state is replaced where `start` is given.
        task: What to train on, and how.
        control: Polled at every window's end and before every batch of an evaluation.
        store: Where checkpoints and the outcome go.
        start: A checkpoint of the same task to go on from.
        exact: Whether it resumes bit for bit, for the log.
    """
    return _Training(engine, task, control, store, start, exact=exact).run()


class _StopNow(Exception):
    """Leaves the loops from wherever the wish was heard."""


class _Diverged(Exception):
    """A window's loss was not finite."""


class _Training:
    """The state of one `train`: its position, and what was asked of it."""

    def __init__(
        self, engine: Engine, task: Task, control: Control, store: Store, start: Checkpoint | None, *, exact: bool
    ) -> None:
        self._engine = engine
        self._task = task
        self._settings = task.config.hyperparameters
        self._control = control
        self._store = store
        self._start = start
        self._exact = exact
        self._position = start.position if start else Position()
        self._ending = False
        self._paused_seconds = 0.0
        self._saved_at = time.monotonic()

    def run(self) -> Iterator[Event]:
        yield from self._begin()
        try:
            while not self._at_end:
                yield from self._epoch()
            yield from self._finish()
        except _StopNow:
            yield from self._stop_now()
        except _Diverged as diverged:
            yield from self._saved()
            with suppress(_StopNow):  # nobody has to wait for room for the outcome of a run that is lost
                yield from self._keep(self._outcome("diverged"))
            yield events.RunFinished("diverged", message=str(diverged))

    def _begin(self) -> Iterator[Event]:
        host, device, threads = socket.gethostname(), self._task.config.device, self._task.config.threads
        if self._start:
            self._engine.load_state(self._start.tensors)
            yield events.Resumed(self._position.step, os.getpid(), host, device, threads, self._exact)
            return
        yield events.RunStarted(
            self._task.config.version,
            self._task.total_steps,
            self._task.steps_per_epoch,
            self._settings.epochs,
            self._engine.parameters,
            os.getpid(),
            host,
            device,
            threads,
            self._exact,
        )

    @property
    def _at_end(self) -> bool:
        """Whether the last epoch has been trained, or the last one before a stop."""
        return self._ending or self._position.epoch > self._settings.epochs

    def _epoch(self) -> Iterator[Event]:
        order = epoch_order(self._task.config.seed, self._position.epoch, self._task.train_indices)
        while self._position.epoch_step < self._task.steps_per_epoch:
            yield from self._obey()
            yield from self._window(order)
            if self._due(CHECKPOINT_SECONDS):
                self._start_saving()
        yield from self._validate()
        if self._at_end or self._due(CHECKPOINT_SECONDS / 3):  # at the end for all that may go wrong after it
            self._start_saving()

    def _window(self, order: Indices) -> Iterator[Event]:
        """Steps until the next window's end, so that a checkpoint never splits a mean."""
        first = self._position.epoch_step
        until = min(first - first % self._task.window + self._task.window, self._task.steps_per_epoch)
        begun = time.perf_counter()
        rate = 0.0
        for epoch_step in range(first, until):
            rate = self._take_step(order, epoch_step)
        totals = self._engine.take_totals()
        seconds = time.perf_counter() - begun
        self._advance(until - first, totals, seconds)
        here = self._position
        speed = totals.images / seconds
        yield events.Step(here.step, here.epoch, totals.mean_loss, totals.accuracy, rate, speed)
        yield from self._check_finite("loss", totals.loss)
        yield from self._store.news()

    def _take_step(self, order: Indices, epoch_step: int) -> float:
        """One engine step; returns its learning rate."""
        size = self._settings.batch_size
        epoch = self._position.epoch
        done = (epoch - 1) * self._task.steps_per_epoch + epoch_step
        rate = learning_rate(self._settings.schedule, self._settings.learning_rate, done, self._task.total_steps)
        self._engine.step(order[epoch_step * size : (epoch_step + 1) * size], rate, epoch, epoch_step)
        return rate

    def _advance(self, steps: int, totals: Totals, seconds: float) -> None:
        here = self._position
        self._position = replace(
            here,
            step=here.step + steps,
            epoch_step=here.epoch_step + steps,
            epoch_totals=here.epoch_totals + totals,
            epoch_seconds=here.epoch_seconds + seconds,
            seconds=here.seconds + seconds,
        )

    def _validate(self) -> Iterator[Event]:
        yield events.Stage(events.VALIDATING)
        begun = time.perf_counter() - self._paused_seconds
        totals = Totals()
        for batch in _batches(self._task.validation_indices):
            yield from self._obey()
            totals += self._engine.evaluate(batch)
        yield from self._check_finite("validation loss", totals.loss + totals.nll)
        seconds = time.perf_counter() - self._paused_seconds - begun
        yield self._epoch_ended(totals, seconds)
        here = self._position
        self._position = Position(
            epoch=here.epoch + 1,
            step=here.step,
            seconds=here.seconds + seconds,
            best_accuracy=max(totals.accuracy, here.best_accuracy),
        )

    def _epoch_ended(self, validation: Totals, seconds: float) -> Event:
        """What is told of the epoch, with its validation, which took so many seconds."""
        here = self._position
        return events.Epoch(
            here.epoch,
            here.step,
            train_loss=here.epoch_totals.mean_loss,
            train_accuracy=here.epoch_totals.accuracy,
            validation_loss=validation.mean_loss,
            validation_accuracy=validation.accuracy,
            validation_nll=validation.mean_nll,
            seconds=here.epoch_seconds + seconds,
            validation_seconds=seconds,
            is_best=validation.accuracy > here.best_accuracy,
        )

    def _check_finite(self, name: str, value: float) -> Iterator[Event]:
        """Ends the run where training went wrong beyond repair."""
        if not math.isfinite(value):
            message = f"the {name} became {value} by step {self._position.step}"
            yield events.Alert("non_finite", message)
            raise _Diverged(message)

    def _finish(self) -> Iterator[Event]:
        """Scores the test images, once, and keeps the outcome."""
        outcome = self._outcome("completed" if self._position.epoch > self._settings.epochs else "stopped")
        if self._task.config.score_test:
            yield events.Stage(events.SCORING)
            outcome = yield from self._scored(outcome)
        yield from self._saved()
        yield from self._keep(outcome)
        yield events.RunFinished(outcome.reason, scored=outcome.scores is not None)

    def _keep(self, outcome: Outcome) -> Iterator[Event]:
        """Keeps the outcome; on a full disk it waits for room, so that no training is lost."""
        told = False
        while True:
            try:
                self._store.save_outcome(outcome)
                return
            except DiskFull as error:
                if not told:
                    yield events.Alert("no_room", f"{error}; the trainer waits until there is room")
                told = True
            until = time.monotonic() + _ROOM_POLL
            while time.monotonic() < until:
                yield from self._obey()
                time.sleep(_PAUSE_POLL)

    def _stop_now(self) -> Iterator[Event]:
        failed = ""
        for event in self._save():
            yield event
            if isinstance(event, events.Alert):
                failed = f"{event.message}; goes on from the checkpoint before, if there is one"
        yield events.RunFinished("stopped", resumable=True, message=failed)

    def _scored(self, outcome: Outcome) -> Generator[Event, None, Outcome]:
        test = self._task.dataset.test
        parts = []
        for batch in _batches(np.arange(len(test))):
            yield from self._obey()
            parts.append(self._engine.predict(test.images[batch]))
        probabilities = np.concatenate(parts)
        return replace(
            outcome, probabilities=probabilities, labels=test.labels, scores=score(probabilities, test.labels)
        )

    def _outcome(self, reason: events.Reason) -> Outcome:
        here = self._position
        weights = None if reason == "diverged" else self._engine.weights()
        return Outcome(reason, here.epoch - 1, here.step, here.seconds, weights)

    def _obey(self) -> Iterator[Event]:
        """Does what was asked since the last call, and waits here while paused."""
        command = self._control()
        if command is Command.PAUSE:
            begun = time.perf_counter()
            yield events.Paused(self._position.step)
            yield from self._save()
            yield from self._pause()
            self._paused_seconds += time.perf_counter() - begun
            yield events.Continued(self._position.step)
        elif command is not None:
            yield from self._obey_other(command)

    def _pause(self) -> Iterator[Event]:
        while (command := self._control()) is not Command.CONTINUE:
            if command is None:
                time.sleep(_PAUSE_POLL)
            else:
                yield from self._obey_other(command)
            if command is Command.STOP_AFTER_EPOCH:
                return

    def _obey_other(self, command: Command) -> Iterator[Event]:
        if command is Command.SAVE:
            yield from self._save()
        elif command is Command.STOP_AFTER_EPOCH:
            yield events.StopRequested("after-epoch")
            self._ending = True
        elif command is Command.STOP_NOW:
            yield events.StopRequested("now")
            raise _StopNow

    def _due(self, seconds: float) -> bool:
        return not self._store.busy and time.monotonic() - self._saved_at >= seconds

    def _start_saving(self) -> None:
        self._store.save_checkpoint(Checkpoint(self._position, self._engine.state()))
        self._saved_at = time.monotonic()

    def _save(self) -> Iterator[Event]:
        """Saves and waits until it is done."""
        self._start_saving()
        yield from self._saved()

    def _saved(self) -> Iterator[Event]:
        self._store.wait()
        yield from self._store.news()


def _batches(indices: Indices) -> Iterator[Indices]:
    for first in range(0, len(indices), EVALUATION_BATCH):
        yield indices[first : first + EVALUATION_BATCH]
