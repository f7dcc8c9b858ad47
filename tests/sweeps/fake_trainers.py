"""Trainers that train nothing, for tests of what a sweep decides."""

from __future__ import annotations

import json
from contextlib import closing

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import EventLog
from fmnist_tui.runs.fold import read_epochs
from fmnist_tui.runs.queue.submit import Submitted
from fmnist_tui.runs.request import read_request, read_until
from fmnist_tui.sweeps.directory import SweepDirectory
from fmnist_tui.sweeps.jobs import Nothing, take_work
from fmnist_tui.training import events


class FakeTrainers:
    """Trains at once, without training: accuracies follow from the settings.

    Attributes:
        trained: The epochs that were trained, by run.
        failing: Runs' learning rates above this fail; those above twice it diverge.
        dying: How many of the next trainers die without a word after their first epoch.
        preempted: How many of the next trainers save and end after their first epoch.
    """

    def __init__(self) -> None:
        self.trained: list[tuple[str, int]] = []
        self.failing = 10.0
        self.dying = 0
        self.preempted = 0

    def submit(self, runs: list[RunDirectory]) -> Submitted:
        for run in runs:
            self._train(run)
        return Submitted()

    def _train(self, run: RunDirectory) -> None:
        config, until = read_request(run).config, read_until(run)
        settings, done = config.hyperparameters, len(read_epochs(run))
        with closing(EventLog(run.events)) as log:
            log.append(events.Stage("loading data"))
            log.append(events.Resumed(done, 1) if done else events.RunStarted("v0", 9, 1, settings.epochs, 1, 1))
            if settings.learning_rate > self.failing:
                diverged = settings.learning_rate > 2 * self.failing
                log.append(events.RunFinished("diverged" if diverged else "failed", message="as requested"))
                return
            for epoch in range(done + 1, (until or settings.epochs) + 1):
                self.trained.append((run.run_id, epoch))
                accuracy = accuracy_of(settings.learning_rate, settings.momentum, epoch)
                loss = 1.0 - accuracy
                log.append(events.Epoch(epoch, epoch, loss, accuracy, loss, accuracy, loss, 1.0, 0.1, is_best=True))
                if self.dying:
                    self.dying -= 1
                    return
                if self.preempted:
                    self.preempted -= 1
                    log.append(events.RunFinished("stopped", resumable=True))
                    return
            if until is not None and until < settings.epochs:
                log.append(events.RunFinished("stopped", resumable=True))
                return
            score = 0.9 if config.score_test else None
            run.result.write_text(json.dumps({"reason": "completed", "test_accuracy": score, "seed": config.seed}))
            log.append(events.RunFinished("completed", scored=config.score_test))


def accuracy_of(rate: float, momentum: float, epoch: int) -> float:
    """Better for a rate near 0.1 and much momentum, and with each epoch."""
    return round(0.9 - 0.3 * abs(rate - 0.1) - 0.1 * (0.9 - momentum) + 0.005 * epoch, 6)


def work_off(sweep: SweepDirectory) -> None:
    """Does all that there is to do, as a worker does."""
    for _ in range(1000):
        found = take_work(sweep)
        if isinstance(found, Nothing) and found.is_final:
            return
    raise AssertionError("this sweep never ends")
