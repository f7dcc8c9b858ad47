from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fmnist_tui.training.events import Paused, Stage
from fmnist_tui.tui.app import FmnistApp

from .driving import at_every_size, loaded, notices, until, until_shown
from .samples import held, training, write_run

Maker = Callable[..., FmnistApp]


@at_every_size
async def test_the_app_opens_on_the_running_run(app: FmnistApp, runs: Path, size: tuple[int, int]) -> None:
    running = write_run(runs, "v3", log=training("v3", epochs=1), seed=1)
    queued = write_run(runs, "v2", seed=2, log=[Stage("waiting for cpu")])
    with held(running), held(queued):
        async with app.run_test(size=size, notifications=True) as pilot:
            await until(pilot, lambda: app.current_mode == "training", "the Training screen is opened")
            await until_shown(pilot, "epoch 2 of 4", "running")
            assert app.followed is not None
            assert app.followed.run == running, "not the newer one, which waits"
            assert notices(app) == ""


async def test_who_has_pressed_a_key_stays_there_and_is_told_of_running_runs(app: FmnistApp, runs: Path) -> None:
    paused = write_run(runs, "v1", seed=1, log=[*training("v1", epochs=1), Paused(50)])
    queued = write_run(runs, "v2", seed=2, log=[Stage("waiting for cpu")])
    app.is_touched = True  # before it reads the runs folder
    with held(paused), held(queued):
        async with app.run_test(notifications=True) as pilot:
            await until(pilot, lambda: "v1 is paused, epoch 2 of 10: press 3" in notices(app), "it is announced")
            assert "v2 is queued" in notices(app)
            assert app.current_mode == "dataset"


async def test_interrupted_runs_are_counted_and_can_be_resumed_by_the_keys_that_are_named(
    app: FmnistApp, runs: Path
) -> None:
    write_run(runs, log=training(epochs=1))
    write_run(runs, seed=1)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: "1 interrupted run: press 3, then r to resume" in notices(app), "it is announced")
        await pilot.press("3")
        await until_shown(pilot, "! interrupted: r resumes it")


async def test_several_interrupted_runs_are_one_line(app: FmnistApp, runs: Path) -> None:
    for seed in range(3):
        write_run(runs, seed=seed, log=training(epochs=1))
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: notices(app).startswith("3 interrupted runs: press 3"), "it is announced")


async def test_without_waiting_runs_there_is_no_notice(app: FmnistApp, runs: Path) -> None:
    write_run(runs)
    async with app.run_test(notifications=True) as pilot:
        await loaded(pilot)
        await pilot.pause(0.3)
        assert notices(app) == ""


async def test_a_run_to_attach_to_is_shown_at_once_without_a_notice(make_app: Maker, runs: Path) -> None:
    wanted = write_run(runs, seed=1)
    live = write_run(runs, seed=2, log=training(epochs=1))
    with held(live):
        app = make_app(attach=wanted)
        async with app.run_test(notifications=True) as pilot:
            await until_shown(pilot, "seed 1", "✓ finished")
            await pilot.pause(0.3)
            assert app.followed is not None
            assert app.followed.run == wanted
            assert notices(app) == ""
