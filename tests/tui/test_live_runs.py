"""Real trainers, started, watched and steered from the screens."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from cpus import on_one_cpu

from fmnist_tui.files import read_json
from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.fold import Snapshot, read_snapshot
from fmnist_tui.runs.launch import launch
from fmnist_tui.runs.request import request_run
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.recipes import configure
from fmnist_tui.tui.app import FmnistApp

from .driving import TRAINER_PATIENCE, AnyPilot, flat, notices, text_in, type_into, until

Maker = Callable[..., FmnistApp]
ENDLESS = "9999"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Runs that ask for all CPUs take one thread, which is quicker than two beside other tests."""
    with on_one_cpu():
        yield


async def train_v0(pilot: AnyPilot, epochs: str, *, in_app: bool = False) -> RunDirectory:
    """Fills in the form and starts the training, by keys; goes to the training screen."""
    await pilot.press("2")
    for field, value in (("epochs", epochs), ("limit", "400")):
        await type_into(pilot, f"#{field}", value)
    if in_app:
        pilot.app.screen.query_one("#in_app").focus()
        await pilot.press("enter", "end", "enter")
    pilot.app.screen.query_one("#versions").focus()
    await pilot.press("t")
    await pilot.pause()
    if len(pilot.app.screen_stack) > 1:  # it asks before a start that takes over ten minutes
        await pilot.press("enter")
    await pilot.press("3")
    assert isinstance(pilot.app, FmnistApp)
    runs = pilot.app.runs
    await until(pilot, lambda: list_runs(runs), "there is a run")
    return list_runs(runs)[0]


async def until_headline(pilot: AnyPilot, expected: str) -> None:
    """Waits until the training screen's headline ends with the text."""
    await until(
        pilot,
        lambda: text_in(pilot, "#headline").endswith(expected),
        f"the headline ends with {expected}",
        TRAINER_PATIENCE,
    )


async def until_read(pilot: AnyPilot, run: RunDirectory, holds: Callable[[Snapshot], object], what: str) -> None:
    """Waits until the snapshot of the run's log meets the condition."""
    await until(pilot, lambda: holds(read_snapshot(run)), what, TRAINER_PATIENCE)


async def status_is(run: RunDirectory, status: Status) -> None:
    """Waits until the run has this status."""
    end = time.monotonic() + TRAINER_PATIENCE
    while status_of(run) is not status:
        assert time.monotonic() < end, f"{run.run_id} is {status_of(run)}"
        await asyncio.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("in_app", [False, True], ids=["process", "in-app"])
async def test_a_run_from_the_form_is_trained_to_its_end_and_shown(app: FmnistApp, runs: Path, in_app: bool) -> None:
    async with app.run_test(notifications=True) as pilot:
        run = await train_v0(pilot, "20", in_app=in_app)
        await until_headline(pilot, "finished")
        await until(pilot, lambda: "TEST ACCURACY" in flat(app), "its score is shown")
        await until(pilot, lambda: f"{run.run_id}: finished" in notices(app), "its end is announced")
        assert f"Started {run.run_id}" in notices(app)
        assert "100% completed, scored: press 4 to compare it" in flat(app)
        await pilot.press("4", "r")
        await until(pilot, lambda: run.run_id in flat(app), "it is listed")
    snapshot, result = read_snapshot(run), read_json(run.result)
    assert snapshot.started is not None
    assert (snapshot.started.pid == os.getpid()) is in_app
    assert [epoch.epoch for epoch in snapshot.epochs] == list(range(1, 21))
    assert result is not None
    assert result["test_accuracy"] > 0.5


async def test_a_running_run_is_paused_continued_and_ended_after_its_epoch(app: FmnistApp, runs: Path) -> None:
    async with app.run_test(notifications=True) as pilot:
        run = await train_v0(pilot, ENDLESS)
        await until_headline(pilot, "running")
        await pilot.press("space")
        await until_headline(pilot, "paused")
        held_at = read_snapshot(run).step
        await pilot.pause(0.3)
        assert read_snapshot(run).step == held_at
        await pilot.press("space")
        await until_headline(pilot, "running")
        await until_read(pilot, run, lambda now: now.step > held_at, "it goes on")
        await pilot.press("s")
        assert f"Stop {run.run_id}?" in flat(app)
        await pilot.press("enter")
        await until_headline(pilot, ", scored")
    result = read_json(run.result)
    assert result is not None
    assert result["reason"] == "stopped"
    assert result["test_accuracy"] is not None


async def test_a_run_stopped_now_is_resumed_where_it_was_and_its_whole_curve_shown(app: FmnistApp, runs: Path) -> None:
    async with app.run_test(notifications=True) as pilot:
        run = await train_v0(pilot, ENDLESS)
        await until_headline(pilot, "running")
        await until_read(pilot, run, lambda now: now.epochs, "an epoch has ended")
        await pilot.press("s", "down", "enter")
        await until_headline(pilot, "stopped")
        await until(pilot, lambda: f"{run.run_id}: stopped" in notices(app), "the end is announced")
        stopped_at = read_snapshot(run).step
        assert not run.result.exists()
        await pilot.press("r")
        await until_headline(pilot, "running")
        await until_read(pilot, run, lambda now: now.step > stopped_at, "it goes on")
        resumed = read_snapshot(run)
        assert resumed.resumed_at_step == stopped_at
        assert app.followed is not None
        assert app.followed.snapshot.curve.step[0] == resumed.curve.step[0]
        await pilot.press("s", "down", "enter")
        await until_headline(pilot, "stopped")
        await until(pilot, lambda: notices(app).count(f"{run.run_id}: stopped") == 2, "both ends were announced")


@pytest.mark.slow
async def test_a_stop_can_be_thought_better_of(app: FmnistApp, runs: Path) -> None:
    async with app.run_test(notifications=True) as pilot:
        run = await train_v0(pilot, ENDLESS)
        await until_headline(pilot, "running")
        await pilot.press("s", "escape", "s", "end", "enter")
        step = read_snapshot(run).step
        await until_read(pilot, run, lambda now: now.step > step, "it goes on")
        assert not run.control.exists()
        await pilot.press("q", "down", "enter")
        await until(pilot, lambda: not app.is_running, "the app has ended")
    assert app.return_code == 0
    await status_is(run, Status.STOPPED)


@pytest.mark.slow
async def test_a_second_app_finds_a_running_run_with_its_whole_curve(app: FmnistApp, runs: Path) -> None:
    config = configure("v0", "tuned", {"epochs": 9999}, threads=1)
    run = request_run(runs, config, "demo")
    trainer = launch(run)
    try:
        await status_is(run, Status.RUNNING)
        async with app.run_test(notifications=True) as pilot:
            await until(pilot, lambda: app.current_mode == "training", "the app opens on it", TRAINER_PATIENCE)
            await until_headline(pilot, "running")
            await until(pilot, lambda: app.followed and len(app.followed.snapshot.curve) > 50, "it grows")
            assert app.followed is not None
            assert app.followed.snapshot.curve.step[0] == read_snapshot(run).curve.step[0]
            await pilot.press("q", "home", "enter")
            await until(pilot, lambda: not app.is_running, "the app has ended")
        assert trainer.poll() is None
        assert status_of(run) is Status.RUNNING
    finally:
        trainer.terminate()
        trainer.wait(TRAINER_PATIENCE)


@pytest.mark.slow
async def test_the_form_trains_in_the_app_and_starts_no_process(app: FmnistApp, runs: Path) -> None:
    async with app.run_test(notifications=True) as pilot:
        run = await train_v0(pilot, ENDLESS, in_app=True)
        await until_headline(pilot, "running")
        assert psutil.Process().children() == []
        await pilot.press("q")
        assert "in-app runs are saved and end" in flat(app)
        await pilot.press("enter")
        await until(pilot, lambda: not app.is_running, "the app has ended")
    await status_is(run, Status.STOPPED)
    snapshot = read_snapshot(run)
    assert snapshot.saved_step == snapshot.step > 0


@pytest.mark.slow
async def test_an_in_app_run_takes_the_same_commands(app: FmnistApp, runs: Path) -> None:
    async with app.run_test(notifications=True) as pilot:
        run = await train_v0(pilot, ENDLESS, in_app=True)
        await until_headline(pilot, "running")
        await pilot.press("space")
        await until_headline(pilot, "paused")
        await pilot.press("space")
        await until_headline(pilot, "running")
        await pilot.press("s", "enter")
        await until_headline(pilot, ", scored")
        assert not [thread for thread in threading.enumerate() if thread.name == "heartbeat"]
    assert read_json(run.result) is not None
