from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from cpus import on_one_cpu
from leftovers import nothing_left_behind
from waiting import wait_until

from fmnist_tui.paths import state_folder
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.heartbeat import read_heartbeat
from fmnist_tui.runs.lock import is_held
from fmnist_tui.runs.queue.devices import claims_in_use
from fmnist_tui.runs.queue.dispatch import wake
from fmnist_tui.runs.queue.store import Queue, this_queue


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path: Path) -> Iterator[None]:
    """Trainers and dispatchers of a test end with it: they are asked to stop, and given the time."""
    with nothing_left_behind(tmp_path, patience=10.0):
        yield


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of their own for the trainers that the tests start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A runs folder that doesn't exist yet."""
    return tmp_path / "runs"


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """This user's queue, in the test's own folder; whatever waits or trains at the end is ended."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    queue = this_queue(state_folder())
    yield queue
    end_all(queue)


@pytest.fixture
def one_cpu() -> Iterator[None]:
    """Runs with one thread take all CPUs that there are for this process, and nothing else's use slows them down."""
    with on_one_cpu():
        yield


def _can_be_killed(run: RunDirectory) -> bool:
    beat = read_heartbeat(run)
    return not is_held(run) or (beat is not None and beat.pid > 0)


def end_all(queue: Queue) -> None:
    """Empties the queue and kills the trainers that have a device."""
    if not queue.folder.exists():
        return
    with queue.locked():
        queue.write([])
    for claim in claims_in_use(queue).values():
        run = RunDirectory(Path(claim.run))
        wait_until(partial(_can_be_killed, run), "it has a pid, or has ended")
        if is_held(run) and (beat := read_heartbeat(run)):
            os.kill(beat.pid, signal.SIGKILL)
    wake(queue)
