from __future__ import annotations

import json
from pathlib import Path

import psutil
import pytest

from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.lock import is_held
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.events import RunStarted, StepMetrics

from .commands import ENDLESS, SHORT, TINY, call, finish, first, learned, newest, started
from .conftest import Fmnist


def test_the_command_itself_trains_and_starts_no_process(fmnist: Fmnist, runs: Path) -> None:
    with started("train", *ENDLESS, "--in-app", "--runs", runs) as process:
        run = newest(runs)
        assert first(run, RunStarted).pid == process.pid
        assert psutil.Process(process.pid).children() == []
        assert fmnist("stop", "last", "--now", "--runs", runs).status == 0
        outcome = finish(process)
    assert (outcome.status, outcome.err) == (0, "")
    assert status_of(run) is Status.STOPPED
    assert not run.train_log.exists()


@pytest.mark.slow
def test_it_learns_the_same_as_a_separate_process(finished: RunDirectory, runs: Path) -> None:
    outcome = call("train", *SHORT, "--in-app", "--json", "--runs", runs)
    assert (outcome.status, outcome.err) == (0, "")
    run = newest(runs)
    assert learned(run) == learned(finished)
    printed = [json.loads(line) for line in outcome.lines]
    assert {line.pop("run") for line in printed} == {run.run_id}
    assert printed == [json.loads(line) for line in run.events.read_text().splitlines()]


def test_if_one_of_several_runs_fails_all_are_released_and_the_reason_is_printed(
    fmnist: Fmnist, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise MemoryError("no memory")

    monkeypatch.setattr("fmnist_tui.runs.worker.run_training", broken)
    outcome = fmnist("train", "v0", *TINY, "--seeds", "3", "--in-app", "--runs", runs)
    assert outcome.status == 1
    assert outcome.complaint.startswith("MemoryError: no memory")
    assert [is_held(run) for run in list_runs(runs)] == [False] * 3


def test_it_dies_with_the_command_and_is_then_interrupted(runs: Path) -> None:
    with started("train", *ENDLESS, "--in-app", "--runs", runs) as process:
        run = newest(runs)
        first(run, StepMetrics)
        process.kill()
        finish(process)
    assert status_of(run) is Status.INTERRUPTED
