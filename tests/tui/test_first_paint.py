"""What the first paint waits for: neither slow libraries nor data."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from fmnist_tui.data import load
from fmnist_tui.runs.follower import Follower
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.dataset import loading
from fmnist_tui.tui.dataset.screen import DatasetScreen

from .driving import PATIENCE, part, text_in, until, until_shown
from .samples import write_idx, write_run

SLOW = ("torch", "scipy", "matplotlib", "sklearn")
LATER = (
    *SLOW,
    *("email", "msgspec", "numpy", "PIL", "plotext", "psutil", "pynvml", "safetensors"),
    *(f"fmnist_tui.{name}" for name in ("analysis", "api", "data", "doctor", "inspection", "report", "sweeps")),
    *("fmnist_tui.runs.directory", "fmnist_tui.runs.run", "fmnist_tui.runs.status", "fmnist_tui.training"),
    *("fmnist_tui.models.registry", "fmnist_tui.models.spec", "fmnist_tui.host.machine", "fmnist_tui.tui.dialogs"),
    *(f"fmnist_tui.tui.{name}" for name in ("models", "palette", "results", "run_actions", "run_monitor", "training")),
)
"""What is imported only after the first frame."""

PAINTING = """
import asyncio, sys
from pathlib import Path
import fmnist_tui.__main__, fmnist_tui.cli.app
from fmnist_tui.paths import AppPaths
from fmnist_tui.tui.app import FmnistApp

FmnistApp._load = lambda app: print(*sys.modules)  # the first that is done once the frame is painted

async def first_frame():
    async with FmnistApp(AppPaths(Path(sys.argv[1]), "demo", Path(sys.argv[1]))).run_test():
        pass

asyncio.run(first_frame())
"""

MOUNTING = """
import asyncio, sys, threading
from pathlib import Path
from fmnist_tui.paths import AppPaths
from fmnist_tui.tui.app import FmnistApp

async def first_paint():
    app = FmnistApp(AppPaths(Path(sys.argv[1]), "demo", Path(sys.argv[1])))
    async with app.run_test() as pilot:
        await pilot.press("2", "3", "1")

asyncio.run(first_paint())
print(*sys.modules)
"""


def test_the_first_frame_waits_for_no_module_that_it_does_not_need(tmp_path: Path) -> None:
    imported = modules_after(PAINTING, tmp_path)
    assert "fmnist_tui.tui.dataset.screen" in imported
    assert [name for name in imported if f"{name}.".startswith(tuple(f"{one}." for one in LATER))] == []


def test_the_first_screens_need_no_slow_library(tmp_path: Path) -> None:
    assert [name for name in modules_after(MOUNTING, tmp_path) if name in SLOW] == []


def modules_after(code: str, folder: Path) -> list[str]:
    """What is imported, by what the code prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "COLUMNS": "80", "LINES": "24"},
    )
    return done.stdout.split()


async def test_a_screen_has_the_classes_of_its_size_before_it_is_styled(app: FmnistApp) -> None:
    async with app.run_test(size=(80, 24)):
        screen = DatasetScreen()
        assert screen.classes >= {"-normal", "-compact"}


async def test_a_log_is_read_once_the_screen_is_painted(
    make_app: Callable[..., FmnistApp], runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(attach=write_run(runs))
    painted: list[bool] = []
    monkeypatch.setattr(Follower, "follow", lambda *_: painted.append(app._dom_ready))
    async with app.run_test() as pilot:
        assert app.current_mode == "training"
        await until(pilot, lambda: painted == [True], "the log is read")


async def test_slow_data_does_not_block_the_app(
    make_app: Callable[..., FmnistApp], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    arrived = threading.Event()
    monkeypatch.setattr(loading, "load", lambda *given: arrived.wait(PATIENCE) and load(*given))
    app = make_app(str(write_idx(tmp_path / "data", [0, 1, 2], [3, 4])))
    try:
        async with app.run_test() as pilot:
            await until_shown(pilot, "Loading the images ...")
            await pilot.press("t", "n", "m", "enter", "2")
            await until_shown(pilot, "v0 Dense network by hand")
            await pilot.press("4")
            await until_shown(pilot, "No eligible runs")
            await pilot.press("1")
            await until_shown(pilot, "Loading the images ...")
            arrived.set()
            await until(pilot, lambda: "train: 1-3 of 3" in text_in(pilot, "#caption"), "the images are there")
            await until(pilot, lambda: "class 2" in part(pilot, "Thumbnails"), "they are drawn")
    finally:
        arrived.set()
