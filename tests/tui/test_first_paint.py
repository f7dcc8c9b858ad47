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
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.dataset import loading

from .driving import PATIENCE, part, text_in, until, until_shown
from .samples import write_idx

SLOW = ("torch", "scipy", "matplotlib", "sklearn")
LATER = ("plotext", "psutil")
"""What the first screen doesn't need."""

IMPORTING = """
import sys
import fmnist_tui.tui.app
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
"""


@pytest.mark.parametrize(("code", "unwanted"), [(IMPORTING, SLOW + LATER), (MOUNTING, SLOW)], ids=["import", "mount"])
def test_the_app_is_painted_without_a_slow_library(tmp_path: Path, code: str, unwanted: tuple[str, ...]) -> None:
    report = f"\nprint([name for name in {unwanted} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code + report, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "COLUMNS": "80", "LINES": "24"},
    )
    assert done.stdout.strip() == "[]"


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
