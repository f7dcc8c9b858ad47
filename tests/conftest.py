from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from functools import cache
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
"""What starts the suite in the background may ignore them, and those that the tests start would inherit that."""


def pytest_collection_finish() -> None:
    """Sets up what was imported: out of the garbage collector's view, as it stays to the end, and on one thread.

    Two threads of BLAS or PyTorch beside busy workers spend most of their time waiting for each other.
    """
    gc.freeze()
    threadpool_limits(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def pytest_sessionfinish() -> None:
    """The same for what the tests leave: pytest collects five times before it ends."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def no_size_in_the_environment() -> Iterator[None]:
    """GNU readline, which pytest imports, exports its own size to the workers: terminals of others must not see it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("COLUMNS", "LINES"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def the_demo_set_is_drawn_once() -> Iterator[None]:
    """Nearly every app loads it, and to draw it takes a sixth of a second; nobody can write into its arrays."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "draw", cache(demo.draw))
        yield


@pytest.fixture(scope="session", autouse=True)
def a_queue_for_what_tests_share(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs that are trained once for many tests never touch the queue of whoever runs the suite."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture
def blank_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are saved blank, where only their files matter: to draw those of one run takes two seconds."""
    blank = {"png": b"\x89PNG\r\n\x1a\n", "svg": b"<svg/>"}

    def save_blank(_: object, file: BinaryIO, *, format: str, **_settings: object) -> None:  # noqa: A002
        file.write(blank[format])

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", save_blank)


@pytest.fixture(autouse=True)
def a_queue_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """There is one queue for each user and host: tests that run side by side must not wait for each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
