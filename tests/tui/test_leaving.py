from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.dialogs.choice import QuitDialog

from .driving import at_every_size, flat, loaded, notices, until, until_shown
from .samples import held, training, write_run


def commands(run: RunDirectory) -> list[str]:
    """What was asked of the run's trainer."""
    if not run.control.exists():
        return []
    return [json.loads(line)["command"] for line in run.control.read_text().splitlines()]


@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c"])
async def test_without_a_running_run_no_question_is_asked(app: FmnistApp, runs: Path, key: str) -> None:
    write_run(runs)
    async with app.run_test() as pilot:
        await loaded(pilot)
        await pilot.press(key)
        await until(pilot, lambda: not app.is_running, "the app has ended")
    assert app.return_code == 0


@at_every_size
async def test_with_a_running_run_the_question_names_it_once_and_cancelling_changes_nothing(
    app: FmnistApp, runs: Path, size: tuple[int, int]
) -> None:
    run = write_run(runs, log=training(epochs=1))
    with held(run):
        async with app.run_test(size=size) as pilot:
            for keys in (("escape",), ("end", "enter")):
                await pilot.press("q")
                assert len(app.screen_stack) == 2
                for text in (f"Still running: {run.run_id}", "Leave running", "Stop and save; they can be resumed"):
                    assert text in flat(app)
                assert "Cancel" in flat(app)
                await pilot.press(*keys)
                assert len(app.screen_stack) == 1
                assert app.is_running
            for key in ("ctrl+q", "ctrl+c"):
                await pilot.press(key, key, key)
                assert [type(screen) for screen in app.screen_stack].count(QuitDialog) == 1
                await pilot.press("escape")
                assert len(app.screen_stack) == 1
            await pilot.press("question_mark", "ctrl+q")
            await until_shown(pilot, "Still running")  # over the help, too
            assert commands(run) == []


async def test_leaving_it_running_ends_the_app_and_tells_the_trainer_nothing(app: FmnistApp, runs: Path) -> None:
    run = write_run(runs, log=training(epochs=1))
    with held(run):
        async with app.run_test() as pilot:
            await pilot.press("q", "home", "enter")
            await until(pilot, lambda: not app.is_running, "the app has ended")
        assert commands(run) == []
    assert app.return_code == 0


async def test_stopping_asks_every_trainer_to_save_and_ends_the_app(app: FmnistApp, runs: Path) -> None:
    first, second = (write_run(runs, seed=seed, log=training(epochs=1)) for seed in (1, 2))
    done = write_run(runs, seed=3)
    with held(first), held(second):
        async with app.run_test() as pilot:
            await pilot.press("q", "down", "enter")
            await until(pilot, lambda: not app.is_running, "the app has ended")
        assert (commands(first), commands(second), commands(done)) == (["stop-now"], ["stop-now"], [])
    assert app.return_code == 0


async def test_a_run_that_ends_while_it_is_asked_about_is_no_error(
    app: FmnistApp, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_run(runs, log=training(epochs=1))
    with held(run):
        async with app.run_test() as pilot:
            await pilot.press("q")
            monkeypatch.setattr("fmnist_tui.runs.control.is_held", lambda run: False)
            await pilot.press("down", "enter")
            await until(pilot, lambda: not app.is_running, "the app has ended")
    assert app.return_code == 0


async def test_an_unreadable_runs_folder_does_not_block_quitting(
    make_app: Callable[..., FmnistApp], runs: Path
) -> None:
    runs.write_text("a file where the folder should be")
    app = make_app()
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: "can't read the runs folder" in notices(app), "the error is shown")
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running, "the app has ended")
    assert app.return_code == 0
