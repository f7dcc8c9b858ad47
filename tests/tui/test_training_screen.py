from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import OptionList

from fmnist_tui.files import write_json
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.training.events import Alert, Event, Paused, RunFinished, RunStarted, Stage, StopRequested
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.screens.choose_run import ChooseRunScreen
from fmnist_tui.tui.widgets.chart import Chart

from .driving import at_every_size, flat, notices, part, until, until_shown, widget, words_in
from .samples import EPOCHS, STEPS, copy_of, held, training, window, write_log, write_run

Maker = Callable[..., FmnistApp]
BRAILLE = range(0x2801, 0x2900)


def drawn(text: str) -> bool:
    """Whether a curve stands there."""
    return sum(ord(letter) in BRAILLE for letter in text) > 20


def started(run: RunDirectory, *events: Event) -> RunDirectory:
    """The run, with these events in its log after the first one."""
    write_log(run, [RunStarted("v0", EPOCHS * STEPS, STEPS, EPOCHS, 1, 1), *events])
    return run


def constant(value: float) -> list[Event]:
    """A training whose loss and accuracy have this value and never change."""
    return [*training(epochs=0), *(replace(window(step, value), accuracy=value) for step in range(1, STEPS))]


@pytest.fixture
def run(runs: Path) -> RunDirectory:
    """A run that has not told anything yet."""
    run = RunDirectory(runs / "v0-20260102-000000-00ff")
    run.path.mkdir(parents=True)
    return run


@at_every_size
async def test_without_a_run_it_says_what_to_do(app: FmnistApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        await pilot.press("3")
        await until_shown(pilot, "No run yet. Press 2, choose a version and train it")
        assert "or start one with: fmnist-tui train v0" in flat(app)


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
        assert f"v0 Dense network by hand {run.run_id} finished" in flat(app)
        assert flat(app).count("100%") == 2
        assert "epoch 3 of 3, step 113 of 113" in flat(app)
        assert "step 339 of 339" in flat(app)
        for words in ("validation 0.", "best", "ended: completed", "press 4 for the results"):
            assert words in flat(app)


async def test_a_wide_terminal_shows_loss_and_accuracy_side_by_side(make_app: Maker, runs: Path) -> None:
    app = make_app(attach=write_run(runs))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn")
        assert drawn(part(pilot, "#accuracy"))
        assert "loss" in part(pilot, "#loss").splitlines()[0]
        assert "accuracy" in part(pilot, "#accuracy").splitlines()[0]
        assert "windows" in part(pilot, "#loss")


async def test_a_narrow_terminal_shows_the_other_chart_of_a_finished_run_at_a_key(make_app: Maker, runs: Path) -> None:
    app = make_app(attach=write_run(runs))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn")
        await pilot.press("a")
        await until(pilot, lambda: drawn(part(pilot, "#accuracy")), "the accuracy is drawn")
        assert not widget(pilot, "#loss", Chart).display
        await pilot.press("a")
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn again")


async def test_a_finished_runs_second_chart_is_drawn_when_the_terminal_grows(make_app: Maker, runs: Path) -> None:
    app = make_app(attach=write_run(runs))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn")
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: drawn(part(pilot, "#accuracy")), "the accuracy is drawn")


@pytest.mark.parametrize("shown_by", ["a key", "a resize"])
async def test_the_hidden_chart_is_of_the_run_that_was_chosen_last(make_app: Maker, runs: Path, shown_by: str) -> None:
    low = write_run(runs, seed=1, log=[*constant(0.24), RunFinished("completed")])
    write_run(runs, seed=2, log=[*constant(0.74), RunFinished("completed")])
    app = make_app(attach=low)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "0.24" in part(pilot, "#loss"), "the first run's loss is drawn")
        await pilot.press("o", "home", "enter")
        await until(pilot, lambda: "0.74" in part(pilot, "#loss"), "the other run's loss is drawn")
        if shown_by == "a key":
            await pilot.press("a")
        else:
            await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: "0.74" in part(pilot, "#accuracy"), "the other run's accuracy is drawn")


async def test_g_draws_the_loss_on_a_logarithmic_axis_and_back(make_app: Maker, runs: Path) -> None:
    app = make_app(attach=write_run(runs))
    async with app.run_test() as pilot:
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn")
        linear = part(pilot, "#loss")
        await pilot.press("g")
        assert "loss (log)" in part(pilot, "#loss")
        assert drawn(part(pilot, "#loss"))
        await pilot.press("g")
        assert part(pilot, "#loss") == linear


LOSSES = {
    "one point": [0.5],
    "one value": [0.5] * 30,
    "nothing but NaN": [math.nan] * 30,
    "NaN in between": [1.0, math.nan, 0.5, math.nan, 0.24],
    "infinities": [1.0, math.inf, 0.5, -math.inf],
    "zeros and below": [0.0, 1.0, -1.0, 0.0],
    "nothing above zero": [0.0, -1.0],
    "as large as numbers get": [1e308, -1e308, 1e-308, 1.0],
    "as small as numbers get": [5e-324, 1e-320],
    "no point": [],
}


@pytest.mark.parametrize("losses", LOSSES.values(), ids=LOSSES.keys())
async def test_no_loss_ends_the_app(make_app: Maker, run: RunDirectory, losses: list[float]) -> None:
    app = make_app(attach=started(run, *(window(step, loss) for step, loss in enumerate(losses, start=1))))
    async with app.run_test() as pilot:
        await until_shown(pilot, f"step {len(losses)} of {STEPS}")
        for _ in range(3):
            await pilot.press("g")
            await pilot.resize_terminal(*((81, 25) if app.size.width == 80 else (80, 24)))
        assert app.is_running
        assert part(pilot, "#loss").strip() or not any(map(math.isfinite, losses))


async def test_an_infinite_loss_in_a_log_written_elsewhere_is_no_error(make_app: Maker, run: RunDirectory) -> None:
    started(run, window(1), window(2))
    text = run.events.read_text()
    run.events.write_text(text.replace(f'"loss":{window(2).loss}', '"loss":Infinity'))
    app = make_app(attach=run)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "windows" in part(pilot, "#loss"), "the other window is drawn")
        assert app.is_running


async def test_a_storm_of_resizes_leaves_a_chart_of_the_last_size(make_app: Maker, runs: Path) -> None:
    app = make_app(attach=write_run(runs))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn")
        for size in ((60, 18), (250, 70), (1, 1), (5, 3), (30, 60), (200, 4), (80, 24), (12, 12), (112, 30)):
            await pilot.resize_terminal(*size)
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn again")
        chart = widget(pilot, "#loss", Chart)
        assert chart.size.width == 56
        assert max(map(len, part(pilot, "#loss").splitlines())) <= 56


async def test_a_chart_that_nothing_happens_to_is_not_built_again(
    make_app: Maker, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    build = Chart._build

    def counting(chart: Chart, *arguments: Any) -> str:
        built.append(chart.id)
        return build(chart, *arguments)

    monkeypatch.setattr(Chart, "_build", counting)
    app = make_app(attach=write_run(runs))
    async with app.run_test() as pilot:
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn")
        await pilot.pause(0.7)
        count = len(built)
        await pilot.pause(1.5)
        assert len(built) == count


async def test_what_a_run_does_before_its_first_step_is_named(make_app: Maker, run: RunDirectory) -> None:
    write_log(run, [Stage("importing PyTorch")])
    with held(run):
        app = make_app(attach=run)
        async with app.run_test() as pilot:
            await until_shown(pilot, f"{run.run_id} importing PyTorch")
            await until(pilot, lambda: "importing PyTorch" in part(pilot, "#loss"), "the empty chart says it too")


async def test_a_paused_and_a_stopping_run_are_called_so(make_app: Maker, run: RunDirectory) -> None:
    with held(run):
        app = make_app(attach=started(run, window(1), Paused(1)))
        async with app.run_test() as pilot:
            await until_shown(pilot, f"{run.run_id} paused")
            started(run, window(1), StopRequested("after-epoch"), window(2))
            await pilot.press("o", "enter")
            await until_shown(pilot, "live, stopping (after-epoch)")


async def test_alerts_and_a_divergence_are_shown(make_app: Maker, run: RunDirectory) -> None:
    words = "the loss became nan within the 4 steps up to 8"
    app = make_app(
        attach=started(
            run, window(4), window(8, math.nan), Alert("non_finite", words), RunFinished("diverged", message=words)
        )
    )
    async with app.run_test() as pilot:
        await until_shown(pilot, "failed", "ended: diverged")
        assert words in flat(app)


async def test_another_run_can_be_chosen_live_ones_first(make_app: Maker, runs: Path) -> None:
    old, new = write_run(runs, seed=1), write_run(runs, "v1", seed=2)
    live = write_run(runs, seed=0, log=training(epochs=1))
    with held(live):
        app = make_app(attach=new)
        async with app.run_test() as pilot:
            await until_shown(pilot, f"v1 Convolutions {new.run_id} finished")
            await pilot.press("o")
            options = [str(option.prompt).split()[0] for option in app.screen.query_one(OptionList).options]
            assert options == [live.run_id, new.run_id, old.run_id]
            assert "live" in part(pilot, "OptionList").splitlines()[0]
            await pilot.press("down", "down", "enter")
            await until_shown(pilot, f"v0 Dense network by hand {old.run_id} finished")
            await until(pilot, lambda: drawn(part(pilot, "#loss")), "its curve is drawn")


async def test_the_list_of_runs_can_be_left_as_it_was(make_app: Maker, runs: Path) -> None:
    run = write_run(runs, seed=1)
    write_run(runs, seed=2)
    app = make_app(attach=run)
    async with app.run_test() as pilot:
        await until_shown(pilot, run.run_id)
        await pilot.press("o", "escape")
        assert run.run_id in flat(app)
        assert len(app.screen_stack) == 1


async def test_an_empty_list_of_runs_says_what_to_do(app: FmnistApp) -> None:
    async with app.run_test() as pilot:
        await pilot.press("3", "o")
        assert "no runs yet: press 2 and train a version" in flat(app)
        await pilot.press("enter")
        assert isinstance(app.screen, ChooseRunScreen)
        await pilot.press("escape")
        assert len(app.screen_stack) == 1


@at_every_size
async def test_the_list_of_runs_shows_label_status_and_accuracy(
    make_app: Maker, runs: Path, size: tuple[int, int]
) -> None:
    write_json(write_run(runs, wrong=125).label, {"name": "my best"})
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await pilot.press("3", "o")
        for words in ("finished", "4/30", "87.50%", "my best"):
            assert words in words_in(pilot, "OptionList")


@pytest.mark.parametrize("key", ["space", "s"])
async def test_a_run_without_a_trainer_takes_no_command(make_app: Maker, runs: Path, key: str) -> None:
    run = write_run(runs)
    app = make_app(attach=run)
    async with app.run_test(notifications=True) as pilot:
        await until_shown(pilot, "finished")
        await pilot.press(key)
        assert len(app.screen_stack) == 1
        assert not run.control.exists()


async def test_a_finished_run_cannot_be_resumed_and_says_so(make_app: Maker, runs: Path) -> None:
    run = write_run(runs)
    app = make_app(attach=run)
    async with app.run_test(notifications=True) as pilot:
        await until_shown(pilot, "finished")
        await pilot.press("r")
        assert f"run {run.run_id} is finished; start a new one with: fmnist-tui train" in notices(app)
