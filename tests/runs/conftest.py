from __future__ import annotations

import fcntl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from leftovers import nothing_left_behind
from sharing import made_once

from fmnist_tui.runs.control import send_command
from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.events import CheckpointSaved, Command, Epoch, RunFinished, StepMetrics

from .reads import Reads
from .trainers import SHORT_V0, SHORT_V3, Watch, finish, request, running


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of their own for the trainers that the tests start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path: Path, cache: None) -> Iterator[None]:
    """Fails a test that leaves a process, a thread (a heartbeat, too) or a held lock, if only for a moment."""
    threads = set(threading.enumerate())
    with nothing_left_behind(tmp_path):
        yield
    left = [f"thread {thread.name}" for thread in set(threading.enumerate()) - threads]
    left += [f"lock {path}" for path in (*tmp_path.rglob("lock"), *tmp_path.rglob("*.lock")) if _is_locked(path)]
    assert not left


def _is_locked(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A runs folder that doesn't exist yet."""
    return tmp_path / "runs"


@pytest.fixture
def run(runs: Path) -> RunDirectory:
    """An empty run folder."""
    run = RunDirectory(runs / "v0-20260101-120000-00ff")
    run.path.mkdir(parents=True)
    return run


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """Counts what the test reads of logs."""
    return Reads(monkeypatch)


@pytest.fixture(scope="session")
def finished_v0(tmp_path_factory: pytest.TempPathFactory, cache: None) -> RunDirectory:
    """SHORT_V0, trained undisturbed in a process of its own."""
    return _finished(tmp_path_factory, SHORT_V0)


@pytest.fixture(scope="session")
def finished_v3(tmp_path_factory: pytest.TempPathFactory, cache: None) -> RunDirectory:
    """SHORT_V3, trained undisturbed in a process of its own."""
    return _finished(tmp_path_factory, SHORT_V3)


def _finished(factory: pytest.TempPathFactory, config: TrainingConfig) -> RunDirectory:
    def train(runs: Path) -> None:
        assert finish(request(runs, config)) == 0

    (run,) = list_runs(made_once(factory, f"finished-{config.version}", train))
    return run


@pytest.fixture(scope="session")
def stopped_v0(tmp_path_factory: pytest.TempPathFactory, cache: None) -> RunDirectory:
    """SHORT_V0, stopped in its second epoch, with two checkpoints. Tests go on from copies of it."""
    (run,) = list_runs(made_once(tmp_path_factory, "stopped-v0", _train_and_stop))
    return run


def _train_and_stop(runs: Path) -> None:
    run = request(runs, SHORT_V0)
    with running(run) as trainer:
        watch = Watch(run)
        watch.next(Epoch)
        send_command(run, Command.SAVE)
        watch.next(CheckpointSaved)
        watch.next(StepMetrics)
        send_command(run, Command.STOP_NOW)
        assert watch.next(RunFinished).resumable
        assert trainer.wait() == 0
