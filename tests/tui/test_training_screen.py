from __future__ import annotations

import asyncio
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from runs.trainers import copy_of
from textual.widget import Widget

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.run import read_run
from fmnist_tui.training.events import Alert, Paused, RunFinished, Stage, StopRequested
from fmnist_tui.tui.app import FmnistApp

from .driving import at_every_size, drawn, flat, notices, open_run_list, part, until, until_shown
from .samples import held, started, training, window, write_log, write_run

Maker = Callable[..., FmnistApp]


@at_every_size
async def test_without_a_run_it_shows_what_to_do(app: FmnistApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        await pilot.press("3")
        await until_shown(pilot, "Press 2, choose a model, and t trains it")
        assert "In a shell: fmnist-tui train v0" in flat(app)


async def test_keys_that_need_a_run_do_nothing_without_one(app: FmnistApp) -> None:
    async with app.run_test() as pilot:
        await pilot.press("3", "space", "s", "r", "g", "a")
        assert len(app.screen_stack) == 1
        assert "No run yet" in flat(app)


@at_every_size
async def test_a_finished_run_shows_its_curve_its_end_and_its_numbers(
    make_app: Maker, runs: Path, finished_v0: RunDirectory, size: tuple[int, int]
) -> None:
    run = copy_of(finished_v0, runs)
    app = make_app(attach=run)
    async with app.run_test(size=size) as pilot:
        await until_shown(pilot, "finished")
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the curve is drawn")
        score = read_run(run).test_accuracy
        assert score is not None
        for expected in ("✓ finished", "100% completed, scored: press 4 to compare it", "VAL ACC", "BEST"):
            assert expected in flat(app)
        assert f"TEST ACCURACY {100 * score:.2f}%" in flat(app), "the number that matters when it is over"
        assert "95% CI" in flat(app)


async def test_what_a_run_is_called_fits_its_frame_whatever_the_width(make_app: Maker, runs: Path) -> None:
    app = make_app(attach=write_run(runs, "v0"))
    async with app.run_test(size=(100, 36)) as pilot:
        await until_shown(pilot, "scored")
        for width in range(80, 100):
            await pilot.resize_terminal(width, 36)
            await until(pilot, lambda: "finished ─" in part(pilot, "#run"), f"its status is whole at {width}")


async def test_what_a_run_does_before_its_first_step_is_named(make_app: Maker, run: RunDirectory) -> None:
    write_log(run, [Stage("importing PyTorch")])
    with held(run):
        app = make_app(attach=run)
        async with app.run_test() as pilot:
            await until_shown(pilot, "● importing PyTorch")
            await until(pilot, lambda: "importing PyTorch" in part(pilot, "#loss"), "the empty chart shows it too")


async def test_a_paused_and_a_stopping_run_are_called_so(make_app: Maker, run: RunDirectory) -> None:
    with held(run):
        app = make_app(attach=started(run, window(1), Paused(1)))
        async with app.run_test() as pilot:
            await until_shown(pilot, "‖ paused")
            started(run, window(1), StopRequested("after-epoch"), window(2))
            await open_run_list(pilot)
            await pilot.press("enter")
            await until_shown(pilot, "running, stopping after this epoch")


async def test_a_run_that_was_ended_early_shows_its_last_epoch(make_app: Maker, runs: Path) -> None:
    app = make_app(attach=write_run(runs, log=[*training(epochs=2), RunFinished("stopped", scored=True)]))
    async with app.run_test() as pilot:
        await until(pilot, lambda: flat(app).count("stopped after epoch 2 of 4, scored") >= 2, "it is shown")


async def test_the_log_shows_all_alerts_and_grows(make_app: Maker, run: RunDirectory) -> None:
    alerts = [Alert("checkpoint_failed", f"trouble {number}") for number in range(3)]
    app = make_app(attach=started(run, window(1), *alerts))
    async with app.run_test() as pilot:
        await until_shown(pilot, "3 alerts (l shows all), the newest: trouble 2")
        await pilot.press("l")
        await until_shown(pilot, *(f"alert trouble {number}" for number in range(3)))
        started(run, window(1), *alerts, RunFinished("stopped", resumable=True))
        await until_shown(pilot, "stopped, nothing is saved")
        await pilot.press("l")
        assert len(app.screen_stack) == 1


async def test_alerts_and_a_divergence_are_shown(make_app: Maker, run: RunDirectory) -> None:
    expected = "the loss became nan within the 4 steps up to 8"
    app = make_app(
        attach=started(
            run,
            window(4),
            window(8, math.nan),
            Alert("non_finite", expected),
            RunFinished("diverged", message=expected),
        )
    )
    async with app.run_test() as pilot:
        await until_shown(pilot, "✗ failed", "diverged")
        assert expected in flat(app)


@pytest.mark.parametrize("key", ["space", "s"])
async def test_a_run_without_a_trainer_takes_no_command(make_app: Maker, runs: Path, key: str) -> None:
    run = write_run(runs)
    app = make_app(attach=run)
    async with app.run_test(notifications=True) as pilot:
        await until_shown(pilot, "finished")
        await pilot.press(key)
        await until(pilot, lambda: "nothing to" in notices(app), "it is shown")
        assert len(app.screen_stack) == 1
        assert not run.control.exists()


async def test_resuming_a_finished_run_is_refused_with_a_reason(make_app: Maker, runs: Path) -> None:
    run = write_run(runs)
    app = make_app(attach=run)
    async with app.run_test(notifications=True) as pilot:
        await until_shown(pilot, "finished")
        await pilot.press("r")
        assert f"run {run.run_id} is finished; start a new one with: fmnist-tui train" in notices(app)


async def test_a_full_disk_is_reported_until_there_is_space(
    make_app: Maker, run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_log(run, training(epochs=1))
    free = [0]
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free[0]))
    with held(run):
        async with make_app(attach=run).run_test() as pilot:
            await until_shown(pilot, "Disk full: training continues")
            free[0] = 10**9
            await until(pilot, lambda: "Disk full" not in flat(pilot.app), "there is room again")


async def test_after_the_run_that_is_shown_was_deleted_another_one_is_shown_however_long_that_takes(
    make_app: Maker, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compose_again = Widget.recompose

    async def take_a_while(widget: Widget) -> None:
        await asyncio.sleep(0.5)
        await compose_again(widget)
        await asyncio.sleep(0.5)

    monkeypatch.setattr(Widget, "recompose", take_a_while)
    other, run = write_run(runs, "v0"), write_run(runs, "v3", seed=1)
    app = make_app(attach=run)
    async with app.run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "TEST ACCURACY")
        await until_shown(pilot, other.run_id.removeprefix("v0-"))
        shutil.rmtree(run.path)
        app.monitor.look()
        await until(pilot, lambda: app.followed is not None and app.followed.run == other, "the other one is followed")
        await asyncio.sleep(1.5)
        await until(pilot, lambda: other.run_id in part(pilot, "#run"), "it is named")
        assert "TEST ACCURACY" in part(pilot, "#run")
        assert other.run_id.removeprefix("v0-") in part(pilot, "RunStrip")
        assert drawn(part(pilot, "#loss"))
