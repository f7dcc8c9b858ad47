from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fmnist_tui.paths import AppPaths
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import EventLog
from fmnist_tui.runs.fold import read_epochs
from fmnist_tui.runs.queue.submit import Submitted
from fmnist_tui.runs.request import read_request, read_until
from fmnist_tui.sweeps import jobs
from fmnist_tui.sweeps.directory import SweepDirectory
from fmnist_tui.sweeps.jobs import Nothing, take_work
from fmnist_tui.sweeps.start import SweepRequest, request_sweep
from fmnist_tui.training import events

MakeSweep = Callable[..., SweepDirectory]


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of their own for the trainers that the tests start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def folders(tmp_path: Path) -> AppPaths:
    return AppPaths(tmp_path / "runs", "demo", tmp_path / "cache")


@pytest.fixture
def make_sweep(folders: AppPaths) -> MakeSweep:
    """Creates a sweep of v0 on the demo set: halving over 9 epochs, 9 trials, unless asked otherwise."""

    def make(epochs: int = 9, limit: int | None = 100, **asked: Any) -> SweepDirectory:
        given = {"lr": "log:1e-3:1", "momentum": "0:0.9"}
        request = SweepRequest(**{"model": "v0", "given": given, "trials": 9, "halving": True, "workers": 1, **asked})
        config = {"recipe": "tuned", "changes": {"epochs": epochs}, "limit": limit, "threads": 1}
        return request_sweep(request, folders, **config)[0]

    return make


class FakeTrainers:
    """Trains at once, without training: accuracies follow from the settings.

    Attributes:
        trained: The epochs that were trained, by run.
        failing: Runs' learning rates above this fail; those above twice it diverge.
        dying: How many of the next trainers die without a word after their first epoch.
    """

    def __init__(self) -> None:
        self.trained: list[tuple[str, int]] = []
        self.failing = 10.0
        self.dying = 0

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
                log.append(events.RunFinished("diverged" if diverged else "failed", message="as it was told"))
                return
            for epoch in range(done + 1, (until or settings.epochs) + 1):
                self.trained.append((run.run_id, epoch))
                accuracy = accuracy_of(settings.learning_rate, settings.momentum, epoch)
                loss = 1.0 - accuracy
                log.append(events.Epoch(epoch, epoch, loss, accuracy, loss, accuracy, loss, 1.0, 0.1, is_best=True))
                if self.dying:
                    self.dying -= 1
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


@pytest.fixture
def trainers(monkeypatch: pytest.MonkeyPatch) -> FakeTrainers:
    fake = FakeTrainers()
    monkeypatch.setattr(jobs, "submit", fake.submit)
    return fake


def work_off(sweep: SweepDirectory) -> None:
    """Does all that there is to do, as a worker does."""
    for _ in range(1000):
        found = take_work(sweep)
        if isinstance(found, Nothing) and found.is_final:
            return
    raise AssertionError("this sweep never ends")
