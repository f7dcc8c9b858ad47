"""The errors screen while images, predictions or the run itself are missing or slow to load."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builtin_names import SPAN
from textual.widgets import DataTable

from fmnist_tui.analysis.error_report import error_report
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.errors import screen as errors
from fmnist_tui.tui.errors.screen import ErrorsScreen
from fmnist_tui.tui.results.screen import ResultsScreen
from fmnist_tui.tui.widgets.images import Picture

from .demo_runs import dataset, write_demo_run
from .driving import (
    at_every_size,
    flat,
    loaded,
    notices,
    part,
    shown,
    text_in,
    until,
    until_shown,
    widget,
)
from .samples import write_run
from .test_errors_screen import compare_all, two

Maker = Callable[..., FmnistApp]


@at_every_size
async def test_where_the_app_has_other_images_the_numbers_are_shown_alone(
    app: FmnistApp, runs: Path, size: tuple[int, int]
) -> None:
    write_run(runs, "v3", wrong=150)
    async with app.run_test(size=size) as pilot:
        await loaded(pilot)
        await pilot.press("4")
        await until_shown(pilot, f"{SPAN}, recipe tuned")
        await pilot.press("w")
        await until_shown(pilot, "85.00%, 150 of 1,000 wrong")
        await pilot.press("g")
        await until_shown(
            pilot, "The images are not available (the app has loaded demo): numbers only.", "1 of 150, image 0"
        )
        assert not widget(pilot, "Picture", Picture).display
        assert "✗ Trouser" in part(pilot, "_Facts")
        assert "✓ T-shirt/top" in part(pilot, "_Facts")
        assert "Ankle boot" in part(pilot, "_Facts")
        assert "m ASCII" not in flat(app)
        await pilot.press("g")
        await until_shown(pilot, "No run of another version is compared on these images")


async def test_without_any_images_too_and_they_come_when_they_are_there(
    make_app: Maker, runs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    two(runs)
    app = make_app("nowhere")
    async with app.run_test() as pilot:
        await compare_all(pilot)
        await pilot.press("w")
        await until_shown(pilot, "20 of 500 wrong")
        await pilot.press("g")
        await until_shown(pilot, "The images are not loaded: numbers only.", "image 13")
        app.dataset = dataset()
        await until(pilot, lambda: "▀" in part(pilot, "Picture"), "the image is drawn")
        assert "numbers only" not in shown(app)


@at_every_size
async def test_a_run_without_predictions_shows_what_to_do(app: FmnistApp, runs: Path, size: tuple[int, int]) -> None:
    write_demo_run(runs, "v3", seed=1, wrong=20).predictions.unlink()
    async with app.run_test(size=size) as pilot:
        await pilot.press("4")
        await until_shown(pilot, "No eligible runs")
        await pilot.press("r")
        await until(pilot, lambda: widget(pilot, "#all_runs", DataTable).row_count, "the run is listed")
        await pilot.press("w")
        wanted = "can't be shown: no predictions.npz; retrain it without --no-test"
        await until(pilot, lambda: wanted in notices(app), "a toast shows what to do")
        assert isinstance(app.screen, ResultsScreen)


async def test_without_a_run_w_shows_what_to_do(app: FmnistApp) -> None:
    async with app.run_test(notifications=True) as pilot:
        await pilot.press("4")
        await until_shown(pilot, "No eligible runs")
        await pilot.press("w")
        await until(pilot, lambda: "press 2 and train" in notices(app), "the advice is shown")
        assert isinstance(app.screen, ResultsScreen)


async def test_a_slow_reading_does_not_hold_the_screen_up_and_may_be_left(
    app: FmnistApp, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two(runs)
    waiting = threading.Event()

    def slow(*arguments: Any) -> Any:
        waiting.wait(20)
        return error_report(*arguments)

    monkeypatch.setattr(errors, "error_report", slow)
    async with app.run_test() as pilot:
        await compare_all(pilot)
        await pilot.press("w")
        await until_shown(pilot, "Reading the predictions ...")
        await pilot.press("v", "g", "right", "enter", "escape")
        assert isinstance(app.screen, ResultsScreen)
        await pilot.press("w")
        assert isinstance(app.screen, ErrorsScreen)
        waiting.set()
        await until_shown(pilot, "20 of 500 wrong")
        assert "Results" in text_in(pilot, "Nav")
