"""Whatever ends a training early, the command that follows it reports it in one line on standard error."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
from pathlib import Path

import psutil
import pytest

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.config import ConfigError
from fmnist_tui.training.events import RunFinished, RunStarted

from .commands import ENDLESS, TINY, call, copy_of, edit, finish, first, newest, started
from .conftest import Fmnist
from .idx import labels, sample


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the command's checks, as if data or device had gone after them."""
    monkeypatch.setattr("fmnist_tui.runs.start.check_startable", lambda *_, **__: ((1, 28, 28), 10))


@pytest.mark.parametrize("how", [[], ["--detach"], ["--in-app"]], ids=" ".join)
def test_missing_data_is_reported_before_a_run_is_created(fmnist: Fmnist, runs: Path, how: list[str]) -> None:
    outcome = fmnist("train", "v0", "v1", "--data", "nowhere", *how, "--runs", runs)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.complaint.startswith(f"there is no folder {Path.cwd() / 'nowhere'}; ")
    assert not runs.exists()


def test_a_missing_device_is_reported_before_a_run_is_created(
    fmnist: Fmnist, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(wanted: str, precision: str) -> None:
        raise ConfigError(f"no {wanted}")

    monkeypatch.setattr("fmnist_tui.runs.start._check_device", refuse)
    outcome = fmnist("train", "all", *TINY, "--device", "cuda:9", "--runs", runs)
    assert (outcome.status, outcome.complaint) == (1, "no cuda:9")
    assert not runs.exists()


def test_without_pytorch_v0_is_trained_and_the_others_are_refused(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['torch'] = None")
    where = {"PYTHONPATH": str(tmp_path)}
    refused = call("train", "all", *TINY, "--runs", runs, **where)
    assert (refused.status, refused.out) == (1, "")
    assert refused.complaint.startswith("v1 needs PyTorch; install it: pip install torch (")
    assert not runs.exists()
    trained = call("train", "v0", *TINY, "--runs", runs, **where)
    assert (trained.status, trained.err) == (0, "")
    assert status_of(newest(runs)) is Status.FINISHED


@pytest.mark.usefixtures("unchecked")
def test_a_failed_training_prints_the_reason_in_one_line_with_json_too(fmnist: Fmnist, runs: Path) -> None:
    for options in ([], ["--json"]):
        outcome = fmnist("train", "v0", "--data", "nowhere", *options, "--in-app", "--runs", runs)
        assert outcome.status == 1
        assert status_of(newest(runs)) is Status.FAILED
        assert "there is no folder" in outcome.complaint
    assert json.loads(outcome.lines[-1])["reason"] == "failed"


def test_an_error_in_a_built_in_network_has_the_file_and_the_line(
    fmnist: Fmnist, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fmnist_tui.models import residual_cnn

    monkeypatch.setattr(residual_cnn, "Convolution", lambda inputs, outputs, size: None)
    outcome = fmnist("train", "v4", *TINY, "--in-app", "--runs", runs)
    assert re.search(r"failed: fmnist_tui/models/residual_cnn\.py:\d+: TypeError: .* 'padding' \(", outcome.complaint)


def test_a_broken_file_is_named_before_a_run_is_created(runs: Path, tmp_path: Path) -> None:
    folder = sample().put("train-labels-idx1-ubyte", labels(*[7] * 59)).write(tmp_path / "data")
    outcome = call("train", "v0", "--data", folder, "--runs", runs)
    assert outcome.status == 1
    assert not runs.exists()
    assert "train-labels-idx1-ubyte" in outcome.complaint


def test_a_diverged_training_fails_and_is_not_resumed(fmnist: Fmnist, runs: Path) -> None:
    wild = ("--recipe", "origin", "--lr", "100")
    outcome = call("train", "v0", "--data", "demo", *wild, "--threads", "1", "--in-app", "--runs", runs)
    assert first(newest(runs), RunFinished).reason == "diverged"
    again = fmnist("resume", "last", "--runs", runs)
    assert again.status == 1
    assert "diverged, and resuming would replay the divergence; start a new run with a lower --lr" in again.complaint
    assert outcome.status == 1
    assert "loss became nan" in outcome.complaint


def test_overflowing_numbers_print_no_warning(runs: Path) -> None:
    outcome = call("train", "v0", *TINY, "--epochs", "50", "--lr", "100", "--in-app", "--runs", runs)
    assert newest(runs).result.exists()
    assert "Warning" not in outcome.err


def test_a_trainer_that_is_killed_leaves_a_line_that_names_resume(runs: Path) -> None:
    with started("train", *ENDLESS, "--runs", runs) as process:
        run = newest(runs)
        os.kill(first(run, RunStarted).pid, signal.SIGKILL)
        outcome = finish(process)
    assert outcome.status == 1
    assert status_of(run) is Status.INTERRUPTED
    assert run.run_id in outcome.complaint
    assert "resume" in outcome.complaint


def test_a_trainer_that_does_not_start_is_an_error(fmnist: Fmnist, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    outcome = fmnist("train", *ENDLESS, "--runs", runs)
    assert outcome.status == 1
    assert newest(runs).run_id in outcome.complaint


def test_a_resumed_trainer_that_does_not_start_is_an_error_too(
    fmnist: Fmnist, finished: RunDirectory, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copy_of(finished, runs)
    *begun, _ = run.events.read_text().splitlines(keepends=True)
    end = '{"event":"run_finished","reason":"stopped","resumable":true,"time":1,"seq":0}\n'
    run.events.write_text("".join([*begun, end]))
    assert status_of(run) is Status.STOPPED
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    assert fmnist("resume", "last", "--runs", runs).status == 1


def test_a_runs_folder_that_cannot_be_written_is_one_line(fmnist: Fmnist, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    outcome = fmnist("train", *ENDLESS, "--runs", tmp_path / "file")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.complaint == (
        f"can't write to {tmp_path / 'file'} (Not a directory); choose another folder with --runs"
    )


def test_a_runs_folder_that_is_a_link_to_nowhere_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "unplugged")
    with started("train", *ENDLESS, "--detach", "--runs", tmp_path / "link") as process:
        gone, _ = psutil.wait_procs([psutil.Process(process.pid)], timeout=5)
        assert gone, "the command goes round in circles"
        assert "can't write to" in finish(process).complaint


def test_a_damaged_request_is_one_line(fmnist: Fmnist, finished: RunDirectory, runs: Path) -> None:
    run = RunDirectory(runs / finished.run_id)
    run.path.mkdir(parents=True)
    run.request.write_bytes(finished.request.read_bytes())
    edit(run.request, hyperparameters=None)
    outcome = fmnist("resume", "last", "--in-app", "--runs", runs)
    assert outcome.status == 1
    assert status_of(run) is Status.FAILED
    assert str(run.request) in outcome.complaint
