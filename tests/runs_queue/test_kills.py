"""Trainers, dispatchers and those who ask are killed while many runs wait; the result shows no trace of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from leftovers import has_ended
from runs.trainers import SHORT_V0, assert_undisturbed, finish, request
from waiting import wait_until

from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.runs.heartbeat import read_heartbeat
from fmnist_tui.runs.queue.devices import claims_in_use
from fmnist_tui.runs.queue.dispatch import dispatcher_in, revive
from fmnist_tui.runs.queue.store import Queue
from fmnist_tui.runs.queue.submit import submit
from fmnist_tui.runs.request import read_request
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.events import Resumed, RunStarted

SEEDS = 2
ASK = """
import sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, "tests")
from runs.trainers import SHORT_V0, request
from fmnist_tui.runs.queue.submit import submit

first, last = int(sys.argv[2]), int(sys.argv[3])
made = [request(Path(sys.argv[1]), replace(SHORT_V0, seed=number % 2)) for number in range(first, last)]
submit(made)
print("submitted", flush=True)
input()
"""


def trainers(queue: Queue) -> Iterator[psutil.Process]:
    for claim in claims_in_use(queue).values():
        beat = read_heartbeat(RunDirectory(Path(claim.run)))
        with suppress(psutil.NoSuchProcess):
            if beat and beat.pid and claim.run in (process := psutil.Process(beat.pid)).cmdline():
                yield process


def dispatchers(queue: Queue) -> Iterator[psutil.Process]:
    with suppress(OSError):
        handle = os.open(queue.dispatcher_lock, os.O_RDONLY)
        pid, _ = dispatcher_in(handle)
        os.close(handle)
        with suppress(psutil.NoSuchProcess):
            if pid and str(queue.folder) in (process := psutil.Process(pid)).cmdline():
                yield process


def kill_some(queue: Queue, chance: np.random.Generator) -> None:
    """A trainer, the dispatcher, or both at one moment."""
    what = chance.integers(3)
    victims = [*(trainers(queue) if what != 1 else ()), *(dispatchers(queue) if what != 0 else ())]
    for victim in victims:
        with suppress(psutil.NoSuchProcess):
            victim.suspend()
    for victim in victims:
        with suppress(psutil.NoSuchProcess):
            victim.kill()


def let_all_end(runs: Path, queue: Queue) -> None:
    """Resumes what was interrupted, as often as it takes, and waits until all have ended."""
    while left := [run for run in list_runs(runs) if status_of(run) is not Status.FINISHED]:
        lost = [run for run in reversed(left) if status_of(run) is Status.INTERRUPTED]
        if lost:
            assert not submit(lost).failed
        revive(queue)
        time.sleep(0.2)


def survive(runs: Path, queue: Queue, count: int, seed: int, slots: int = 1) -> None:
    chance = np.random.default_rng(seed)
    references = [request(runs.parent / "references", replace(SHORT_V0, seed=number)) for number in range(SEEDS)]
    assert [finish(run) for run in references] == [0] * SEEDS

    command = [sys.executable, "-c", ASK, str(runs)]
    half = count // 2
    with subprocess.Popen([*command, "0", str(half)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asking:
        assert asking.stdout
        asking.stdout.readline()
        asking.kill()
    with subprocess.Popen([*command, str(half), str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asking:
        wait_until(lambda: len(list_runs(runs)) > half, "the second one began")
        time.sleep(chance.uniform(0.0, 0.3))
        asking.kill()  # somewhere in the middle of it
    made = list_runs(runs)[::-1]
    for run in list(made):
        if not run.request.exists():  # killed between the folder and the request
            shutil.rmtree(run.path)
            made.remove(run)

    for _ in range(count // 2):
        time.sleep(chance.uniform(0.1, 1.5))
        assert len(claims_in_use(queue)) <= slots
        kill_some(queue, chance)
        if chance.random() < 0.5:
            revive(queue)  # as any command does
    let_all_end(runs, queue)

    assert list_runs(runs)[::-1] == made
    for run in made:
        reference = references[read_request(run).config.seed]
        assert_undisturbed(run, reference)
        assert run.model.read_bytes() == reference.model.read_bytes()
        assert not list(run.path.rglob("*.tmp"))
    assert queue.read() == ()
    wait_until(lambda: all(has_ended(process.pid) for process in dispatchers(queue)), "the last dispatcher ended")
    if slots == 1:
        begun = [first_start(run) for run in made[:half] if was_never_killed(run)]
        assert begun == sorted(begun)


def was_never_killed(run: RunDirectory) -> bool:
    begins = [one for one in LogReader(run.events) if isinstance(one.event, RunStarted | Resumed)]
    return len(begins) == 1 and begins[0].attempt == 1


def first_start(run: RunDirectory) -> float:
    return next(one.time for one in LogReader(run.events) if isinstance(one.event, RunStarted))


@pytest.mark.slow
def test_six_waiting_runs_survive_kills_of_all_who_look_after_them(runs: Path, queue: Queue, one_cpu: None) -> None:
    survive(runs, queue, 6, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_forty_waiting_runs_survive_kills_of_all_who_look_after_them(runs: Path, queue: Queue, one_cpu: None) -> None:
    survive(runs, queue, 40, seed=2)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_forty_waiting_runs_survive_kills_with_two_slots(
    runs: Path, queue: Queue, one_cpu: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All who queue runs read the number of slots from the user's settings."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    settings = tmp_path / "config" / "fmnist-tui" / "settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("[queue]\ncpu_slots = 2\n")
    survive(runs, queue, 40, seed=3, slots=2)
