from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from leftovers import has_ended
from waiting import wait_until

from fmnist_tui.errors import RunError
from fmnist_tui.runs import heartbeat, worker
from fmnist_tui.runs.control import send_command
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.in_app import InAppRun
from fmnist_tui.runs.launch import launch
from fmnist_tui.runs.lock import is_held
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.events import Command, Paused, RunFinished, RunStarted, StepMetrics

from .trainers import (
    ENDLESS_V0,
    FILES,
    SHORT_V0,
    SHORT_V3,
    Watch,
    assert_undisturbed,
    checkpoint_steps,
    learning,
    request,
    running,
    weights_differ,
)

PARENT = """
import sys, time
from pathlib import Path
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.launch import launch

print(launch(RunDirectory(Path(sys.argv[1]))).pid, flush=True)
time.sleep(600)
"""


def drive_in_a_thread(run: RunDirectory) -> RunFinished:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(InAppRun(run).train).result()


# A process of its own


def test_a_trainer_lives_in_a_session_of_its_own_and_is_never_without_its_lock(runs: Path) -> None:
    run = request(runs, ENDLESS_V0)
    with running(run) as trainer:
        assert os.getsid(trainer.pid) == trainer.pid != os.getsid(0)
        while not run.events.exists() or b'"step"' not in run.events.read_bytes():
            assert is_held(run)
        assert json.loads(run.heartbeat.read_text())["pid"] == trainer.pid
        assert status_of(run) is Status.RUNNING


def test_a_trainer_outlives_the_process_that_started_it(runs: Path) -> None:
    run = request(runs, ENDLESS_V0)
    with subprocess.Popen([sys.executable, "-c", PARENT, str(run.path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        watch = Watch(run)
        assert watch.next(RunStarted).pid == pid
        parent.kill()
    watch.new()
    watch.next(StepMetrics)
    assert status_of(run) is Status.RUNNING
    send_command(run, Command.STOP_AFTER_EPOCH)
    assert watch.next(RunFinished).scored
    wait_until(lambda: has_ended(pid), "the trainer ended")
    assert status_of(run) is Status.FINISHED


def test_a_second_trainer_is_refused(runs: Path) -> None:
    run = request(runs, ENDLESS_V0)
    with running(run):
        for start in (launch, InAppRun):
            with pytest.raises(RunError, match=f"^run {run.run_id} is already being trained; watch it"):
                start(run)
        Watch(run).next(StepMetrics)


def test_a_trainer_that_cannot_be_started_leaves_the_run_free(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(
        RunError,
        match=r"^can't start a trainer for .* \(No such file or directory\); fix that, then: fmnist-tui resume",
    ):
        launch(run)
    assert not is_held(run)


def test_a_runs_folder_may_be_given_relative_to_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = request(Path("runs"), ENDLESS_V0)
    with running(run) as trainer:
        wait_until(lambda: run.events.exists() or trainer.poll(), "the trainer found its folder, or gave up")
    assert run.events.exists()


# In a thread of this process


def test_a_run_that_waits_for_another_in_the_app_gives_signs_of_life_until_it_is_let_go(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)
    run = request(runs, ENDLESS_V0)
    waiting = InAppRun(run)
    first = run.heartbeat.read_bytes()
    wait_until(lambda: run.heartbeat.read_bytes() != first, "the heartbeat was refreshed")
    assert status_of(run) is Status.RUNNING
    waiting.close()
    assert not is_held(run)


def test_a_run_whose_training_breaks_is_let_go(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> RunFinished:
        raise MemoryError

    monkeypatch.setattr(worker, "run_training", broken)
    run = request(runs, ENDLESS_V0)
    with pytest.raises(MemoryError):
        InAppRun(run).train()
    assert not is_held(run)


def test_v0_learns_the_same_in_the_app_and_in_a_process(runs: Path, finished_v0: RunDirectory) -> None:
    run = request(runs, SHORT_V0)
    assert drive_in_a_thread(run) == RunFinished("completed", scored=True)
    assert_undisturbed(run, finished_v0)
    assert {path.name for path in run.path.iterdir()} == FILES - {"train.log"}


@pytest.mark.slow
def test_v3_learns_the_same_in_the_app_and_in_a_process(runs: Path, finished_v3: RunDirectory) -> None:
    run = request(runs, SHORT_V3)
    assert drive_in_a_thread(run) == RunFinished("completed", scored=True)
    assert learning(run) == learning(finished_v3)
    assert not weights_differ(run, finished_v3)


def test_a_run_in_the_app_hears_the_app_and_the_control_file(runs: Path) -> None:
    run = request(runs, ENDLESS_V0)
    in_app = InAppRun(run)
    watch = Watch(run)
    with ThreadPoolExecutor(1) as pool:
        driving = pool.submit(in_app.train)
        watch.next(StepMetrics)
        in_app.inbox.put(Command.PAUSE)
        paused = watch.next(Paused)
        assert status_of(run) is Status.PAUSED
        send_command(run, Command.STOP_NOW)
        assert driving.result() == RunFinished("stopped", resumable=True)
    assert checkpoint_steps(run) == [paused.step]
    assert status_of(run) is Status.STOPPED
