"""Results that take seconds to produce are produced once per session and shared by all workers."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.in_app import InAppRun
from fmnist_tui.runs.request import request_run
from fmnist_tui.training.recipes import configure


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return the folder of this name, filled by `make` in the first worker that asks; the others wait for it.

    Tests must not change its contents.
    """
    base = factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, done = root / name, root / f"{name}.done"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a worker that failed at it
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def three_short_epochs(factory: pytest.TempPathFactory) -> RunDirectory:
    """A real run of v0 on the demo set; tests look at copies of it."""

    def train(runs: Path) -> None:
        config = configure("v0", "tuned", {"epochs": 3, "batch_size": 16}, seed=7, threads=1)
        assert InAppRun(request_run(runs, config, "demo")).train().reason == "completed"

    (run,) = list_runs(made_once(factory, "three-short-epochs", train))
    return run
