"""The training loop, the same for all engines: order of batches, validation, checkpoints, pausing and stopping.

It is a generator of events. The caller logs them: the loop opens no files and knows no screens.
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

from fmnist_tui.models.hyperparameters import learning_rate
from fmnist_tui.text import counted
from fmnist_tui.training import events
from fmnist_tui.training.blas_threads import ThreadWatch
from fmnist_tui.training.checkpoint import Checkpoint, Position
from fmnist_tui.training.dynamics import dynamics_of, measured_steps
from fmnist_tui.training.engine import EVALUATION_BATCH, Engine, Indices, Totals, evaluation_batch
from fmnist_tui.training.events import Command, Control, Event, StageKind
from fmnist_tui.training.metrics import score
from fmnist_tui.training.snapshots import plan_snapshots
from fmnist_tui.training.store import ArtifactStore, DiskFull, Outcome
from fmnist_tui.training.streams import epoch_order
from fmnist_tui.training.task import Task

CHECKPOINT_SECONDS = 30.0
"""Between two checkpoints within an epoch; at the end of an epoch, a third of it."""
_PAUSE_POLL = 0.05
_DISK_FULL_POLL = 1.0


def train(
    engine: Engine,
    task: Task,
    control: Control,
    store: ArtifactStore,
    start: Checkpoint | None = None,
    *,
    exact: bool = True,
    until: int | None = None,
    threads: ThreadWatch | None = None,
) -> Iterator[Event]:
    """Train to the end, or until a command stops the run; the last event is a `RunFinished`.

    Args:
        engine: An untrained model on `task.dataset.train`; its state is replaced if `start` is given.
        task: The configuration and the data.
        control: Polled after every log interval and before every batch of an evaluation.
        store: Saves checkpoints and the outcome.
        start: A checkpoint of the same task to resume from.
        exact: Whether the run resumes bit for bit, for the log.
        until: Save and end, resumable, after this epoch; the schedule stays that of all epochs. None to train them all.
        threads: May reduce the number of CPU threads; None if it is fixed.
    """
    return _Training(engine, task, control, store, start, exact=exact, until=until, threads=threads).run()


class _StopNow(Exception):
    """Leaves the training loop after a command to stop now."""


class _Diverged(Exception):
    """A loss was not finite."""


class _Training:
    """The state of one call of `train`."""

    def __init__(
        self,
        engine: Engine,
        task: Task,
        control: Control,
        store: ArtifactStore,
        start: Checkpoint | None,
        *,
        exact: bool,
        until: int | None,
        threads: ThreadWatch | None,
    ) -> None:
        self._engine = engine
        self._task = task
        self._settings = task.config.hyperparameters
        self._control = control
        self._store = store
        self._start = start
        self._exact = exact
        self._until = math.inf if until is None else until
        self._threads = threads
        self._position = start.position if start else Position()
        self._measured = measured_steps(len(task.train_indices), self._settings.batch_size)
        self._evaluated = evaluation_batch(task.config.device, math.prod(task.dataset.shape))
        self._plan = plan_snapshots(engine, task)
        self._ending = False
        self._paused_seconds = 0.0
        self._saved_at = time.monotonic()

    def run(self) -> Iterator[Event]:
        yield from self._begin()
        try:
            while not self._at_end:
                if self._position.epoch > self._until:
                    yield events.Stage(f"trained until epoch {self._position.epoch - 1}, as requested")
                    raise _StopNow
                yield from self._epoch()
            yield from self._finish()
        except _StopNow:
            yield from self._stop_now()
        except _Diverged as diverged:
            yield from self._wait_for_checkpoint()
            with suppress(_StopNow):  # don't wait for disk space to save the outcome of a diverged run
                yield from self._save_outcome(self._outcome("diverged"))
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
        self._take_snapshot(0)

    @property
    def _at_end(self) -> bool:
        """Whether all epochs are done, they ended early, or a stop was requested."""
        return self._ending or self._is_complete

    @property
    def _is_complete(self) -> bool:
        return self._position.epoch > self._settings.epochs or self._stopped_early

    @property
    def _stopped_early(self) -> bool:
        """Whether validation accuracy hasn't improved for long enough, with epochs left."""
        patience, position = self._settings.patience, self._position
        return 0 < patience <= position.stale_epochs and position.epoch <= self._settings.epochs

    def _epoch(self) -> Iterator[Event]:
        order = epoch_order(self._task.config.seed, self._position.epoch, self._task.train_indices)
        while self._position.epoch_step < self._task.steps_per_epoch:
            yield from self._handle_commands()
            yield from self._train_interval(order)
            if self._due(CHECKPOINT_SECONDS):
                self._start_saving()
        yield from self._validate()
        if self._at_end or self._due(CHECKPOINT_SECONDS / 3):  # at the end in any case, since scoring may fail
            self._start_saving()

    def _train_interval(self, order: Indices) -> Iterator[Event]:
        """Train until the end of the log interval, so that a checkpoint never splits a mean."""
        first = self._position.epoch_step
        end = min(first - first % self._task.window + self._task.window, self._task.steps_per_epoch)
        started = time.perf_counter()
        rate = 0.0
        self._engine.expect([self._batch(order, step) for step in range(first, end)], self._position.epoch, first)
        for epoch_step in range(first, end):
            rate = self._take_step(order, epoch_step)
        totals = self._engine.take_totals()
        seconds = time.perf_counter() - started
        self._advance(end - first, totals, seconds)
        position = self._position
        speed = totals.images / seconds
        yield events.StepMetrics(position.step, position.epoch, totals.mean_loss, totals.accuracy, rate, speed)
        yield from self._check_finite("loss", totals.loss)
        yield from self._store.news()
        if self._threads and (fewer := self._threads.see(speed)):
            self._position = replace(self._position, threads=fewer.threads)
            self._start_saving()
            yield events.Alert("fewer_threads", fewer.text)

    def _take_step(self, order: Indices, epoch_step: int) -> float:
        """Take one engine step; return its learning rate."""
        epoch = self._position.epoch
        done = (epoch - 1) * self._task.steps_per_epoch + epoch_step
        settings, total = self._settings, self._task.total_steps
        rate = learning_rate(settings.schedule, settings.learning_rate, done, total, settings.warm_up)
        batch = self._batch(order, epoch_step)
        if epoch_step in self._measured:
            norms = self._engine.measured_step(batch, rate, epoch, epoch_step)
            self._position = replace(self._position, norms=(*self._position.norms, norms))
        else:
            self._engine.step(batch, rate, epoch, epoch_step)
        return rate

    def _batch(self, order: Indices, epoch_step: int) -> Indices:
        size = self._settings.batch_size
        return order[epoch_step * size : (epoch_step + 1) * size]

    def _advance(self, steps: int, totals: Totals, seconds: float) -> None:
        position = self._position
        self._position = replace(
            position,
            step=position.step + steps,
            epoch_step=position.epoch_step + steps,
            epoch_totals=position.epoch_totals + totals,
            epoch_seconds=position.epoch_seconds + seconds,
            seconds=position.seconds + seconds,
        )

    def _validate(self) -> Iterator[Event]:
        yield events.Stage(StageKind.VALIDATING)
        started = time.perf_counter() - self._paused_seconds
        first, *others = _batches(self._task.validation_indices, self._evaluated, first=EVALUATION_BATCH)
        yield from self._handle_commands()
        totals, dead = self._engine.evaluate_units(first)
        for batch in others:
            yield from self._handle_commands()
            totals += self._engine.evaluate(batch)
        yield from self._check_finite("validation loss", totals.loss + totals.nll)
        seconds = time.perf_counter() - self._paused_seconds - started
        yield self._epoch_event(totals, seconds)
        position, layers = self._position, self._engine.layers
        if layers:
            yield dynamics_of(position.epoch, position.step, layers, position.norms, dead)
        self._take_snapshot(position.epoch)
        self._position = Position(
            epoch=position.epoch + 1,
            step=position.step,
            seconds=position.seconds + seconds,
            best_accuracy=max(totals.accuracy, position.best_accuracy),
            stale_epochs=0 if totals.accuracy > position.best_accuracy else position.stale_epochs + 1,
            threads=position.threads,
        )
        if self._stopped_early:
            epochs = counted(self._settings.patience, "epoch")
            yield events.Stage(f"early stopping: no better validation accuracy for {epochs}")

    def _take_snapshot(self, epoch: int) -> None:
        if epoch in self._plan.epochs:
            self._store.save_snapshot(self._plan.take(self._engine, self._task, epoch), self._plan)

    def _epoch_event(self, validation: Totals, seconds: float) -> Event:
        """The event for the current epoch, with its validation totals and the seconds that validation took."""
        position = self._position
        return events.Epoch(
            position.epoch,
            position.step,
            train_loss=position.epoch_totals.mean_loss,
            train_accuracy=position.epoch_totals.accuracy,
            validation_loss=validation.mean_loss,
            validation_accuracy=validation.accuracy,
            validation_nll=validation.mean_nll,
            seconds=position.epoch_seconds + seconds,
            validation_seconds=seconds,
            is_best=validation.accuracy > position.best_accuracy,
        )

    def _check_finite(self, name: str, value: float) -> Iterator[Event]:
        """Raise an alert and end the run if the value is not finite."""
        if not math.isfinite(value):
            message = f"the {name} became {value} by step {self._position.step}"
            yield events.Alert("non_finite", message)
            raise _Diverged(message)

    def _finish(self) -> Iterator[Event]:
        """Score the test images, once, and save the outcome."""
        outcome = self._outcome("completed" if self._is_complete else "stopped")
        if self._task.config.score_test:
            yield events.Stage(StageKind.SCORING)
            outcome = yield from self._score(outcome)
        yield from self._wait_for_checkpoint()
        yield from self._save_outcome(outcome)
        yield events.RunFinished(outcome.reason, scored=outcome.scores is not None)

    def _save_outcome(self, outcome: Outcome) -> Iterator[Event]:
        """Save the outcome; if the disk is full, wait until there is space, so that no training is lost."""
        alerted = False
        while True:
            try:
                self._store.save_outcome(outcome)
                return
            except DiskFull as error:
                if not alerted:
                    yield events.Alert("no_room", f"{error}; the trainer waits until there is space")
                alerted = True
            end = time.monotonic() + _DISK_FULL_POLL
            while time.monotonic() < end:
                yield from self._handle_commands()
                time.sleep(_PAUSE_POLL)

    def _stop_now(self) -> Iterator[Event]:
        failed = ""
        for event in self._save():
            yield event
            if isinstance(event, events.Alert):
                failed = f"{event.message}; the run resumes from the previous checkpoint, if there is one"
        yield events.RunFinished("stopped", resumable=True, message=failed)

    def _score(self, outcome: Outcome) -> Generator[Event, None, Outcome]:
        test = self._task.dataset.test
        parts = []
        for batch in _batches(np.arange(len(test)), self._evaluated):
            yield from self._handle_commands()
            parts.append(self._engine.predict(test.images[batch]))
        probabilities = np.concatenate(parts)
        return replace(
            outcome, probabilities=probabilities, labels=test.labels, scores=score(probabilities, test.labels)
        )

    def _outcome(self, reason: events.Reason) -> Outcome:
        position = self._position
        weights = None if reason == "diverged" else self._engine.weights()
        early = self._stopped_early and reason == "completed"
        return Outcome(reason, position.epoch - 1, position.step, position.seconds, weights, early_stopped=early)

    def _handle_commands(self) -> Iterator[Event]:
        """Execute the next command, if any; wait here while paused."""
        command = self._control()
        if command is Command.PAUSE:
            started = time.perf_counter()
            yield events.Paused(self._position.step)
            yield from self._save()
            yield from self._pause()
            self._paused_seconds += time.perf_counter() - started
            yield events.Continued(self._position.step)
        elif command is not None:
            yield from self._handle_command(command)

    def _pause(self) -> Iterator[Event]:
        while (command := self._control()) is not Command.CONTINUE:
            if command is None:
                time.sleep(_PAUSE_POLL)
            else:
                yield from self._handle_command(command)
            if command is Command.STOP_AFTER_EPOCH:
                return

    def _handle_command(self, command: Command) -> Iterator[Event]:
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
        """Save a checkpoint and wait until it is written."""
        self._start_saving()
        yield from self._wait_for_checkpoint()

    def _wait_for_checkpoint(self) -> Iterator[Event]:
        self._store.wait()
        yield from self._store.news()


def _batches(indices: Indices, size: int, first: int | None = None) -> Iterator[Indices]:
    """Parts of so many, the first of which has at most `first`."""
    start, end = 0, min(size, first or size)
    while start < len(indices):
        yield indices[start:end]
        start, end = end, end + size
