from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fmnist_tui.runs.directory import RunDirectory, RunError
from fmnist_tui.runs.lock import acquire, holding
from fmnist_tui.runs.resuming import check_resumable
from fmnist_tui.training.events import Event, Paused, RunFinished, Stage

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
        (RunFinished("diverged"), "diverged and would do so again; train anew with a lower --lr"),
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


def test_a_run_that_needs_pytorch_cannot_go_on_without(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunDirectory(runs / "v3-20260101-120000-00ff")
    check_resumable(run)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(RunError, match=f"^run {run.run_id} can't go on: v3 needs PyTorch; install it: "):
        check_resumable(run)
