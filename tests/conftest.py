from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import BinaryIO

import pytest
from threadpoolctl import threadpool_limits

from fmnist_tui.data import demo

gc.set_threshold(100_000, 50, 50)
"""Hundreds of apps come and go: at its usual pace the collector takes an eighth of the suite's time."""

sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
"""Hundreds of processes import the package: without bytecode on disk each compiles it again."""


signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
"""A suite started in the background may ignore these signals, and the processes it starts would inherit that."""


def pytest_collection_finish() -> None:
    """Hide everything imported so far from the garbage collector, and limit numeric libraries to one thread.

    What was imported stays to the end. Two threads of BLAS or PyTorch beside busy workers mostly wait for each other.
    """
    gc.freeze()
    threadpool_limits(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def pytest_sessionfinish() -> None:
    """Hide what the tests left as well: pytest collects garbage five times before it exits."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def nothing_of_the_user_in_the_environment() -> Iterator[None]:
    """Neither folders nor a size: GNU readline, which pytest imports, exports its own to the workers."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("COLUMNS", "LINES", "FMNIST_TUI_DATA", "FMNIST_TUI_RUNS"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def demo_set_is_drawn_once() -> Iterator[None]:
    """Nearly every app loads it, and drawing takes a sixth of a second; its arrays are read-only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "draw", cache(demo.draw))
        yield


@pytest.fixture(scope="session", autouse=True)
def session_queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs that several tests share are queued apart from those of the user who runs the suite."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture
def blank_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save blank figures, for tests of the files alone: drawing the figures of one run takes two seconds."""
    blank = {"png": b"\x89PNG\r\n\x1a\n", "svg": b"<svg/>"}

    def save_blank(_: object, file: BinaryIO, *, format: str, **_settings: object) -> None:  # noqa: A002
        file.write(blank[format])

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", save_blank)


@pytest.fixture(scope="session")
def queues(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of their own for the tests' queues: pytest looks through all of its folders to number the next one."""
    return tmp_path_factory.mktemp("queues")


@pytest.fixture(autouse=True)
def own_queue(queues: Path) -> Iterator[None]:
    """Each user has one queue per host: tests that run in parallel must not wait for each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", mkdtemp(dir=queues))
        yield
