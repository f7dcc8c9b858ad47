"""A run's folder may contain anything: no command hangs on it, and no other run is hidden."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fmnist_tui.runs.directory import RunDirectory

from .commands import copy_of
from .conftest import Fmnist

FILES = ["run.json", "request.json", "events.jsonl", "result.json", "label.json", "lock", "heartbeat", "train.log"]


def huge(path: Path) -> None:
    """A terabyte that takes no space."""
    path.touch()
    os.truncate(path, 1 << 40)


THINGS: dict[str, Callable[[Path], None]] = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a huge file": huge,
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("thing", THINGS.values(), ids=THINGS)
def test_lists_are_printed_whatever_is_in_place_of_a_file(
    fmnist: Fmnist, finished: RunDirectory, runs: Path, thing: Callable[[Path], None]
) -> None:
    copy_of(finished, runs)
    for number, name in enumerate(FILES):
        run = copy_of(finished, runs, f"v0-20250101-000000-000{number}")
        (run.path / name).unlink(missing_ok=True)
        thing(run.path / name)
        shown = fmnist("show", run.run_id, "--runs", runs)
        assert (shown.status, shown.err) == (0, "")
    listed = fmnist("runs", "--runs", runs)
    assert (listed.status, len(listed.lines), listed.err) == (0, 2 + len(FILES), "")
    compared = fmnist("results", "--format", "json", "--runs", runs).json
    reasons = {run["run"]: run["reason"] for run in compared["excluded"]}
    assert reasons["v0-20250101-000000-0000"] == "run.json is damaged"
    assert reasons["v0-20250101-000000-0003"] == "result.json is damaged"


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", ["events.jsonl", "lock", "train.log"])
def test_a_run_whose_log_or_lock_is_a_pipe_is_not_waited_for(
    fmnist: Fmnist, finished: RunDirectory, runs: Path, name: str
) -> None:
    run = copy_of(finished, runs)
    (run.path / name).unlink(missing_ok=True)
    os.mkfifo(run.path / name)
    if name == "train.log":
        run.events.unlink()
    outcome = fmnist("resume", "last", "--runs", runs)
    assert outcome.status == 1
    assert outcome.complaint
    assert fmnist("attach", "last", "--runs", runs).status == 0
