from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from fmnist_tui.errors import RunError
from fmnist_tui.runs.control import send_command
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.lock import acquire, holding
from fmnist_tui.runs.resume import DataMoved, check_resumable
from fmnist_tui.training.events import Command, Event, Paused, Queued, RunFinished, Stage

from .logs import STARTED, step, write_log


@pytest.mark.parametrize(
    "end",
    [
        [],
        [STARTED, step(5)],
        [RunFinished("stopped", resumable=True)],
        [RunFinished("failed", resumable=True, message="no data")],
        [RunFinished("diverged"), Stage("loading data")],
    ],
)
def test_a_run_that_has_something_left_to_do_can_go_on(run: RunDirectory, end: list[Event]) -> None:
    write_log(run, *end)
    check_resumable(run)


@pytest.mark.parametrize(
    ("end", "line"),
    [
        (RunFinished("completed", scored=True), "is finished; start a new one with: fmnist-tui train v0"),
        (RunFinished("stopped", scored=True), "is finished; start a new one with: fmnist-tui train v0"),
        (
            RunFinished("diverged"),
            "diverged, and resuming would replay the divergence; start a new run with a lower --lr",
        ),
    ],
)
def test_a_run_that_has_nothing_left_to_do_cannot_go_on(run: RunDirectory, end: RunFinished, line: str) -> None:
    write_log(run, STARTED, step(5), end)
    with pytest.raises(RunError, match=f"^run {run.run_id} {line}$"):
        check_resumable(run)


def test_a_run_with_a_trainer_cannot_go_on(run: RunDirectory) -> None:
    with holding(acquire(run)):
        write_log(run, STARTED, step(5), Paused(5))
        with pytest.raises(RunError, match=f"is paused; watch it with: fmnist-tui attach {run.run_id}$"):
            check_resumable(run)


def test_a_run_that_waits_on_another_host_is_taken_out_of_its_queue_first(run: RunDirectory) -> None:
    write_log(run, Queued("cuda", host="gpu01", user="alice", queue="/home/alice/queue"))
    stop = f"fmnist-tui stop {run.run_id}, then resume it"
    with pytest.raises(RunError, match=f"is queued; it waits for a device of gpu01; to train it here: {stop}$"):
        check_resumable(run)
    send_command(run, Command.STOP_NOW)
    check_resumable(run)


def test_a_run_whose_images_are_gone_cannot_go_on(run: RunDirectory, tmp_path: Path) -> None:
    run.request.write_text(json.dumps({"data": f"{tmp_path}/gone"}))
    write_log(run, STARTED, step(5), RunFinished("stopped", resumable=True))
    with pytest.raises(DataMoved, match=f"^there is no folder {tmp_path}/gone; give their folder with: "):
        check_resumable(run)
    check_resumable(run, "demo")
    check_resumable(run)


def test_a_run_that_needs_pytorch_cannot_go_on_without(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunDirectory(runs / "v3-20260101-120000-00ff")
    check_resumable(run)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(RunError, match=f"^run {run.run_id} can't be resumed: v3 needs PyTorch; install it: "):
        check_resumable(run)
