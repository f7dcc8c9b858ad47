"""What a signal to the command that follows a training does to the training."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from cpus import on_one_cpu
from waiting import PATIENCE, wait_until

from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.fold import read_snapshot
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.events import CheckpointSaved, Epoch, RunStarted, StepMetrics, StopRequested

from .commands import ENDLESS, SHORT, Outcome, call, finish, first, learned, newest, started, wait_for_status
from .conftest import Fmnist

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]

SLOW_TO_SAVE = """
import time
from fmnist_tui.runs import run_writer as keeper

keeper.write_checkpoint = lambda *_: time.sleep(600)
"""

INTERRUPTED_AT_ONCE = """
import os, signal
from fmnist_tui.runs.queue import dispatch

launch = dispatch.launch

def launch_and_interrupt(*arguments):
    process = launch(*arguments)
    os.kill(os.getpid(), signal.SIGINT)
    return process

dispatch.launch = launch_and_interrupt
"""


@pytest.fixture
def slow_to_save(tmp_path: Path) -> dict[str, str]:
    """An environment in which no checkpoint is ever written to its end."""
    return with_a_start_of_its_own(tmp_path, SLOW_TO_SAVE)


def with_a_start_of_its_own(folder: Path, program: str) -> dict[str, str]:
    """An environment in which every Python runs this program first."""
    (folder / "sitecustomize.py").write_text(program)
    before = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(folder), before]))}


@pytest.mark.parametrize(("number", "status"), [SIGNALS[0], pytest.param(*SIGNALS[1], marks=pytest.mark.slow)])
def test_a_training_stopped_by_a_signal_resumes_as_if_uninterrupted(
    fmnist: Fmnist, finished: RunDirectory, runs: Path, number: signal.Signals, status: int
) -> None:
    with started("train", *SHORT, "--runs", runs) as process:
        run = newest(runs)
        first(run, Epoch)
        process.send_signal(number)
        outcome = finish(process)
    assert_saved(run, outcome, status)
    again = fmnist("resume", "last", "--in-app", "--runs", runs)
    assert (again.status, again.err) == (0, "")
    assert again.lines[-2] == f"{run.run_id}  completed"
    assert learned(run) == learned(finished)


@pytest.mark.parametrize(("number", "status"), [SIGNALS[0], pytest.param(*SIGNALS[1], marks=pytest.mark.slow)])
def test_a_signal_saves_a_run_that_the_command_drives_itself(runs: Path, number: signal.Signals, status: int) -> None:
    with started("train", *ENDLESS, "--in-app", "--runs", runs) as process:
        run = newest(runs)
        first(run, StepMetrics)
        process.send_signal(number)
        outcome = finish(process)
    assert_saved(run, outcome, status)


def assert_saved(run: RunDirectory, outcome: Outcome, status: int) -> None:
    assert (outcome.status, outcome.err) == (status, "")
    assert outcome.lines[-2:] == [
        f"{run.run_id}  stop requested: now",
        f"{run.run_id}  stopped: saved, can be resumed",
    ]
    assert status_of(run) is Status.STOPPED
    assert not run.result.exists()
    assert list(run.checkpoints.glob("step-*"))


def test_a_signal_reaches_the_queued_runs_too(runs: Path) -> None:
    with on_one_cpu(), started("train", *ENDLESS, "--threads", "0", "--seeds", "2", "--runs", runs) as process:
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        assert any(line.endswith("  waiting for cpu\n") for line in lines)
        process.send_signal(signal.SIGTERM)
        assert finish(process).status == 143
    assert [status_of(run) for run in list_runs(runs)] == [Status.STOPPED] * 2


@pytest.mark.parametrize("mode", [[], pytest.param(["--in-app"], marks=pytest.mark.slow)], ids=["process", "in-app"])
def test_a_second_sigint_ends_at_once_even_while_saving(
    runs: Path, slow_to_save: dict[str, str], mode: list[str]
) -> None:
    with started("train", *ENDLESS, *mode, "--runs", runs, **slow_to_save) as process:
        run = newest(runs)
        first(run, StepMetrics)
        process.send_signal(signal.SIGINT)
        first(run, StopRequested)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 130
    wait_for_status(run, Status.INTERRUPTED)


def test_a_lost_terminal_ends_the_follower_alone(runs: Path, finished: RunDirectory) -> None:
    with started("train", *SHORT, "--runs", runs) as process:
        run = newest(runs)
        first(run, Epoch)
        process.send_signal(signal.SIGHUP)
        outcome = finish(process)
    assert outcome.status == -signal.SIGHUP
    assert outcome.err == ""
    assert status_of(run) is Status.RUNNING
    wait_for_status(run, Status.FINISHED)
    assert learned(run) == learned(finished)


def test_a_follower_that_is_killed_leaves_its_run_alone(fmnist: Fmnist, runs: Path) -> None:
    with started("train", *ENDLESS, "--runs", runs) as process:
        run = newest(runs)
        first(run, StepMetrics)
        process.kill()
        process.wait(PATIENCE)
    assert status_of(run) is Status.RUNNING
    assert fmnist("stop", "last", "--now", "--runs", runs).status == 0
    wait_for_status(run, Status.STOPPED)


def test_an_interrupt_before_anything_has_begun_leaves_no_trainer_behind(runs: Path, tmp_path: Path) -> None:
    environment = with_a_start_of_its_own(tmp_path, INTERRUPTED_AT_ONCE)
    outcome = call("train", *ENDLESS, "--runs", runs, **environment)
    (run,) = list_runs(runs)
    lives = status_of(run).has_trainer
    if lives:
        os.kill(first(run, RunStarted).pid, signal.SIGKILL)
    assert not lives
    assert (outcome.status, outcome.err) == (130, "")
    assert status_of(run) in (Status.INTERRUPTED, Status.STOPPED)


def test_of_a_run_that_the_command_drives_sigusr1_saves_and_goes_on_and_a_lost_terminal_saves_and_ends(
    runs: Path,
) -> None:
    with started("train", *ENDLESS, "--in-app", "--runs", runs) as process:
        run = newest(runs)
        first(run, StepMetrics)
        process.send_signal(signal.SIGUSR1)
        saved = first(run, CheckpointSaved)
        wait_until(lambda: read_snapshot(run).step > saved.step, "it went on")
        process.send_signal(signal.SIGHUP)
        finish(process)
    assert status_of(run) is Status.STOPPED
    assert read_snapshot(run).saved_step == read_snapshot(run).step
