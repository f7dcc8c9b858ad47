from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch
from full_disk import space_for

from fmnist_tui.host.node import host_name
from fmnist_tui.runs import worker
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.fold import read_snapshot
from fmnist_tui.runs.in_app import InAppRun
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training import devices
from fmnist_tui.training.events import Alert, Resumed, RunFinished
from fmnist_tui.training.recipes import configure

from .logs import STARTED, step, write_log
from .trainers import change, events_of, finish, one_line, request

TINY_V0 = configure("v0", "tuned", {"epochs": 1}, limit=200, threads=1)
TINY_V1 = configure("v1", "tuned", {"epochs": 1}, limit=20, threads=1)


def test_a_run_that_fails_says_why_in_one_line_and_by_its_exit_status(runs: Path, tmp_path: Path) -> None:
    run = request(runs, TINY_V0)
    change(run.request, lambda record: record.update(data=str(tmp_path / "nowhere")))
    assert finish(run) == 1
    (finished,) = (event for event in events_of(run) if isinstance(event, RunFinished))
    assert str(tmp_path / "nowhere") in one_line(finished)
    assert status_of(run) is Status.FAILED
    assert run.train_log.read_text() == ""


def test_a_run_without_a_request_says_so(run: RunDirectory) -> None:
    assert "request.json is missing or damaged" in one_line(InAppRun(run).train())


def test_v0_is_not_trained_on_a_gpu(runs: Path) -> None:
    run = request(runs, replace(TINY_V0, device="cuda"))
    assert one_line(InAppRun(run).train()).startswith("v0 uses NumPy and trains on the CPU only: ")
    assert not run.run_json.exists()


def test_an_unexpected_error_is_reported_in_one_line_with_its_details_in_the_log(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(task: object, **options: object) -> None:
        raise ZeroDivisionError("by\nnought")

    monkeypatch.setattr(worker, "make_engine", broken)
    run = request(runs, TINY_V0)
    message = one_line(InAppRun(run).train())
    assert message.startswith("ZeroDivisionError: ")
    assert str(run.train_log) in message
    assert "Traceback" in run.train_log.read_text()


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB. GPU 0"),
            "out of memory: CUDA out of memory",
        ),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
            "out of memory: [enforce",
        ),
        (MemoryError(), "out of memory: of this machine"),
        (
            RuntimeError("CUDA error: no kernel image is available\nCompile"),
            "the GPU failed: CUDA error: no kernel image",
        ),
    ],
)
def test_a_memory_or_gpu_error_is_reported_with_what_to_do(
    runs: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, line: str
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr("fmnist_tui.training.numpy_engine.NumpyEngine.step", broken)
    message = one_line(InAppRun(request(runs, TINY_V0)).train())
    assert message.startswith(line)
    assert ("start a new run with a smaller --batch-size" in message) is line.startswith("out of memory")
    assert ("--device cpu" in message) is line.startswith("the GPU")


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (None, "v1 needs PyTorch; install it: pip install torch"),
        (OSError("libcudart.so: cannot open"), "PyTorch is broken (libcudart.so: cannot open); reinstall it"),
    ],
)
def test_a_pytorch_that_is_missing_or_broken_is_one_line(
    runs: Path, monkeypatch: pytest.MonkeyPatch, fault: OSError | None, line: str
) -> None:
    def broken(_: str) -> None:
        raise fault or ImportError

    module = ModuleType("devices")
    module.__dict__["__getattr__"] = broken
    monkeypatch.setitem(sys.modules, "fmnist_tui.training.devices", module)
    if fault is None:
        monkeypatch.setitem(sys.modules, "torch", None)
    assert one_line(InAppRun(request(runs, TINY_V1)).train()).startswith(line)


def test_a_gpu_that_is_left_out_is_an_alert(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "count_gpus", lambda: (0, "CUDA initialization: the driver is too old"))
    run = request(runs, TINY_V1)
    assert InAppRun(run).train().reason == "completed"
    (alert,) = (event for event in events_of(run) if isinstance(event, Alert))
    assert alert.message.startswith(
        "training on the CPU: CUDA initialization: the driver is too old; run `fmnist-tui doctor`"
    )


def test_an_unexpected_error_is_reported_too_where_its_details_cannot_be_written(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(task: object, **options: object) -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr(worker, "make_engine", broken)
    run = request(runs, TINY_V0)
    run.train_log.mkdir()
    assert one_line(InAppRun(run).train()).startswith("ZeroDivisionError: by nought")
    assert status_of(run) is Status.FAILED


def test_a_run_that_was_killed_before_it_saved_anything_says_that_it_starts_again(runs: Path) -> None:
    run = request(runs, TINY_V0)
    write_log(run, STARTED, step(1))
    assert InAppRun(run).train().reason == "completed"
    alert = Alert("no_checkpoint", "no checkpoint was saved, so training starts over from the first epoch")
    assert [event for event in events_of(run) if isinstance(event, Alert)] == [alert]


def test_a_run_that_diverges_is_distinguished_from_one_that_failed(runs: Path) -> None:
    wild = configure("v0", "tuned", {"epochs": 2, "learning_rate": 100.0, "schedule": "constant"}, threads=1)
    run = request(runs, wild)
    assert finish(run) == 1
    finished = read_snapshot(run).finished
    assert finished
    assert (finished.reason, finished.scored) == ("diverged", False)
    assert [event.kind for event in events_of(run) if isinstance(event, Alert)] == ["non_finite"]
    result = json.loads(run.result.read_text())
    assert (result["reason"], result["test_accuracy"]) == ("diverged", None)
    assert not run.model.exists()
    assert not run.predictions.exists()
    assert status_of(run) is Status.FAILED


def test_a_run_without_a_test_is_saved_without_predictions(runs: Path) -> None:
    run = request(runs, replace(TINY_V0, score_test=False))
    assert InAppRun(run).train() == RunFinished("completed", scored=False)
    assert json.loads(run.result.read_text())["test_accuracy"] is None
    assert run.model.exists()
    assert not run.predictions.exists()


def test_a_run_that_cannot_save_checkpoints_goes_on_with_an_alert(runs: Path) -> None:
    run = request(runs, TINY_V0)
    run.checkpoints.write_text("no folder")
    assert InAppRun(run).train() == RunFinished("completed", scored=True)
    (alert,) = (event for event in events_of(run) if isinstance(event, Alert))
    assert alert == Alert("checkpoint_failed", "no checkpoint at step 3: File exists")
    assert status_of(run) is Status.FINISHED


def test_a_run_that_could_not_keep_its_outcome_can_go_on_to_do_so(runs: Path) -> None:
    run = request(runs, TINY_V0)
    run.model.mkdir()
    assert one_line(InAppRun(run).train()).endswith(f"then: fmnist-tui resume {run.run_id}")
    assert not run.result.exists()
    assert status_of(run) is Status.FAILED
    run.model.rmdir()
    assert InAppRun(run).train() == RunFinished("completed", scored=True)
    assert Resumed(3, os.getpid(), host_name(), "cpu", 1) in events_of(run)
    assert json.loads(run.result.read_text())["steps"] == 3


def test_a_run_whose_log_has_no_space_is_trained_and_saved_all_the_same(runs: Path) -> None:
    run = request(runs, TINY_V0)
    run.events.write_bytes(b"\n" * 4_000_000)  # longer than any other file of the run
    with space_for(4_000_300):
        assert InAppRun(run).train() == RunFinished("completed", scored=True)
    assert json.loads(run.result.read_text())["steps"] == 3
    assert run.events.stat().st_size == 4_000_300
    assert not any(isinstance(event, RunFinished) for event in events_of(run))
    assert status_of(run) is Status.INTERRUPTED
    assert InAppRun(run).train() == RunFinished("completed", scored=True)
    assert status_of(run) is Status.FINISHED


def test_a_run_whose_log_cannot_be_opened_says_so(runs: Path) -> None:
    run = request(runs, TINY_V0)
    run.events.mkdir()
    message = f"can't write {run.events} (Is a directory); fix that, then: fmnist-tui resume {run.run_id}"
    assert one_line(InAppRun(run).train()) == message
    assert run.train_log.read_text() == f"{message}\n"
