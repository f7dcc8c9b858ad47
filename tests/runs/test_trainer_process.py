from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fmnist_tui.runs.control import send_command
from fmnist_tui.runs.lock import acquire
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.events import CheckpointSaved, Command, Paused, RunFinished, StepMetrics, StopRequested

from .trainers import ENDLESS_V0, PATIENCE, SHORT_V0, Watch, checkpoint_steps, finish, request, running

SLOW_TO_SAVE = """
import sys, time
from fmnist_tui.runs import trainer_process
from fmnist_tui.runs import run_writer as keeper

keeper.write_checkpoint = lambda *_: time.sleep(600)
sys.exit(trainer_process.main(sys.argv[1:]))
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_sigint_and_sigterm_save_and_end(runs: Path, number: signal.Signals, status: int) -> None:
    run = request(runs, ENDLESS_V0)
    with running(run) as trainer:
        watch = Watch(run)
        watch.next(StepMetrics)
        trainer.send_signal(number)
        assert watch.next(StopRequested).how == "now"
        saved = watch.next(CheckpointSaved)
        assert watch.next(RunFinished) == RunFinished("stopped", resumable=True)
        assert trainer.wait(PATIENCE) == status
    assert checkpoint_steps(run) == [saved.step]
    assert status_of(run) is Status.STOPPED
    assert run.train_log.read_text() == ""


def test_what_could_not_be_saved_is_not_reported_as_saved(runs: Path) -> None:
    run = request(runs, ENDLESS_V0)
    run.checkpoints.write_text("a file in the way")
    with running(run) as trainer:
        watch = Watch(run)
        watch.next(StepMetrics)
        trainer.send_signal(signal.SIGTERM)
        assert watch.next(RunFinished).message.startswith("no checkpoint at step ")
        assert trainer.wait(PATIENCE) == 1


def test_a_trainer_whose_folder_is_gone_ends(runs: Path) -> None:
    run = request(runs, ENDLESS_V0)
    with running(run) as trainer:
        Watch(run).next(StepMetrics)
        run.path.rename(runs / "elsewhere")
        assert trainer.wait(PATIENCE) == 1


def test_a_run_whose_lock_was_removed_is_saved_and_left_to_the_next_trainer(runs: Path) -> None:
    run = request(runs, ENDLESS_V0)
    with running(run) as trainer:
        Watch(run).next(StepMetrics)
        run.lock.unlink()
        assert trainer.wait(PATIENCE) == 0
    assert status_of(run) is Status.STOPPED
    assert len(checkpoint_steps(run)) == 1
    assert "was removed" in run.train_log.read_text()


def test_temporary_files_of_a_trainer_that_was_killed_are_swept(runs: Path) -> None:
    run = request(runs, SHORT_V0)
    for name in ("model.safetensors", "predictions.npz", "result.json", "run.json"):
        (run.path / f".{name}.123-456.tmp").write_text("half")
    assert finish(run) == 0
    assert not list(run.path.glob(".*"))


def test_sigterm_ends_a_paused_run_too(runs: Path) -> None:
    run = request(runs, ENDLESS_V0)
    with running(run) as trainer:
        watch = Watch(run)
        send_command(run, Command.PAUSE)
        watch.next(Paused)
        trainer.send_signal(signal.SIGTERM)
        assert trainer.wait(PATIENCE) == 143
    assert status_of(run) is Status.STOPPED


def test_a_lost_terminal_is_no_reason_to_stop_and_sigusr1_saves_and_goes_on(runs: Path) -> None:
    run = request(runs, ENDLESS_V0)
    with running(run) as trainer:
        watch = Watch(run)
        watch.next(StepMetrics)
        trainer.send_signal(signal.SIGHUP)
        trainer.send_signal(signal.SIGUSR1)
        saved = watch.next(CheckpointSaved)
        assert watch.next(StepMetrics).step > saved.step
        assert trainer.poll() is None
        assert checkpoint_steps(run) == [saved.step]


def test_a_second_sigint_ends_a_trainer_that_is_still_saving(runs: Path) -> None:
    run = request(runs, ENDLESS_V0)
    lock = acquire(run)
    command = [sys.executable, "-c", SLOW_TO_SAVE, str(run.path), str(lock), "0"]
    with subprocess.Popen(command, pass_fds=(lock,)) as trainer:
        os.close(lock)
        watch = Watch(run)
        watch.next(StepMetrics)
        trainer.send_signal(signal.SIGINT)
        watch.next(StopRequested)
        assert trainer.poll() is None
        trainer.send_signal(signal.SIGINT)
        assert trainer.wait(PATIENCE) == 130
    assert status_of(run) is Status.INTERRUPTED


def test_a_trainer_process_imports_pytorch_only_when_it_needs_it() -> None:
    check = "import sys, fmnist_tui.runs.trainer_process; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
