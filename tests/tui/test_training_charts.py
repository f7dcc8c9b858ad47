from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from msgspec.structs import replace
from rich.text import Text
from textual.events import MouseDown, MouseMove, MouseScrollUp, MouseUp
from textual.geometry import Region

from fmnist_tui.models.looks import look_of
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.training.events import Event, RunFinished
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.widgets.chart import Chart
from fmnist_tui.tui.widgets.drawing import draw

from .driving import AnyPilot, drawn, open_run_list, part, until, until_shown, widget
from .samples import STEPS, started, training, window, write_run

Maker = Callable[..., FmnistApp]


def constant(value: float) -> list[Event]:
    """A training whose loss and accuracy have this value and never change."""
    return [*training(epochs=0), *(replace(window(step, value), accuracy=value) for step in range(1, STEPS))]


async def test_a_wide_terminal_shows_loss_and_accuracy_side_by_side(make_app: Maker, runs: Path) -> None:
    app = make_app(attach=write_run(runs))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn")
        assert drawn(part(pilot, "#accuracy"))
        for name, title in (("#loss", "Loss (binary cross-entropy)"), ("#accuracy", "Accuracy")):
            heading = part(pilot, name).splitlines()[0]
            assert title in heading
            assert "╍ training  ━ validation  ★ best" in heading or name == "#loss"
            assert part(pilot, name).splitlines()[-1].count("epoch") == 1


async def test_a_narrow_terminal_shows_the_other_chart_of_a_finished_run_at_a_key(make_app: Maker, runs: Path) -> None:
    app = make_app(attach=write_run(runs))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn")
        await pilot.press("a")
        await until(pilot, lambda: drawn(part(pilot, "#accuracy")), "the accuracy is drawn")
        assert not widget(pilot, "#loss", Chart).display
        await pilot.press("c")
        await until_shown(pilot, "step 100, epoch 2: loss")
        await pilot.press("left")
        await until_shown(pilot, "step 97, epoch 2: loss")
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
        await open_run_list(pilot)
        await pilot.press("home", "enter")
        await until(pilot, lambda: "0.74" in part(pilot, "#loss"), "the other run's loss is drawn")
        if shown_by == "a key":
            await pilot.press("a")
        else:
            await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: "74%" in part(pilot, "#accuracy"), "the other run's accuracy is drawn")


async def test_g_draws_the_loss_on_a_logarithmic_axis_and_back(make_app: Maker, runs: Path) -> None:
    app = make_app(attach=write_run(runs))
    async with app.run_test() as pilot:
        await until(pilot, lambda: drawn(part(pilot, "#loss")) and "%" in part(pilot, "#progress"), "the loss is drawn")
        await pilot.pause()
        linear = part(pilot, "#loss")
        await pilot.press("g")
        assert "Loss (binary cross-entropy), log axis by epoch" in part(pilot, "#loss")
        assert drawn(part(pilot, "#loss"))
        await pilot.press("g")
        assert part(pilot, "#loss") == linear


LOSSES = {
    "one point": [0.5],
    "nothing but NaN": [math.nan] * 30,
    "infinities": [1.0, math.inf, 0.5, -math.inf],
    "nothing above zero": [0.0, -1.0],
    "zeros and below": [0.0, 1.0, -1.0, 0.0],
    "as small as numbers get": [5e-324, 1e-320],
    "as large as numbers get": [1e308, -1e308, 1e-308, 1.0],
    "no point": [],
}
"""No two of the same length in a row, as the app shows one after the other."""


async def test_no_loss_ends_the_app(make_app: Maker, runs: Path) -> None:
    logs: dict[RunDirectory, list[float]] = {}
    for number, losses in enumerate(LOSSES.values()):
        run = RunDirectory(runs / f"v0-20260102-00000{number}-00ff")
        logs[started(run, *(window(step, loss) for step, loss in enumerate(losses, start=1)))] = losses
    app = make_app(attach=next(iter(logs)))
    async with app.run_test() as pilot:
        for (run, losses), what in zip(logs.items(), LOSSES, strict=True):
            app.follow(run)
            await until_shown(pilot, f"step {len(losses)} of {STEPS}")
            for _ in range(3):
                await pilot.press("g")
                await pilot.resize_terminal(*((81, 25) if app.size.width == 80 else (80, 24)))
            assert app.is_running, what
            assert part(pilot, "#loss").strip() or not any(map(math.isfinite, losses)), what


async def test_an_infinite_loss_in_a_log_written_elsewhere_is_no_error(make_app: Maker, run: RunDirectory) -> None:
    started(run, window(1), window(2))
    text = run.events.read_text()
    run.events.write_text(text.replace(f'"loss":{window(2).loss}', '"loss":Infinity'))
    app = make_app(attach=run)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "training" in part(pilot, "#loss"), "the other window is drawn")
        assert app.is_running


async def test_a_storm_of_resizes_leaves_a_chart_of_the_last_size(make_app: Maker, runs: Path) -> None:
    app = make_app(attach=write_run(runs))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn")
        for size in ((60, 18), (250, 70), (1, 1), (5, 3), (30, 60), (200, 4), (80, 24), (12, 12), (112, 30)):
            await pilot.resize_terminal(*size)
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn again")
        chart = widget(pilot, "#loss", Chart)
        assert chart.outer_size.width == 56
        assert max(map(len, part(pilot, "#loss").splitlines())) <= 56


async def test_a_chart_that_nothing_happens_to_is_not_built_again(
    make_app: Maker, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []

    def counting(*arguments: Any) -> list[Text]:
        built.append(arguments)
        return draw(*arguments)

    monkeypatch.setattr("fmnist_tui.tui.widgets.chart.draw", counting)
    app = make_app(attach=write_run(runs))
    async with app.run_test() as pilot:
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn")
        await pilot.pause(0.7)
        count = len(built)
        await pilot.pause(1.5)
        assert len(built) == count


async def test_the_mouse_zooms_and_drags_both_charts(make_app: Maker, runs: Path) -> None:
    app = make_app(attach=write_run(runs))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn")
        loss, accuracy = widget(pilot, "#loss", Chart), widget(pilot, "#accuracy", Chart)
        whole = loss.axes.x_range
        x, y = loss.region.x + loss.region.width // 2, loss.region.y + 5

        def mouse(kind: Any, x: int, buttons: int = 0) -> None:
            app.post_message(kind(None, x, y, 0, 0, buttons, False, False, False, screen_x=x, screen_y=y))

        for _ in range(2):
            mouse(MouseScrollUp, x)
        await until(pilot, lambda: loss.axes.x_range != whole, "it is zoomed in")
        await pilot.pause()
        zoomed = loss.axes.x_range
        assert accuracy.axes.x_range == zoomed
        mouse(MouseDown, x, 1)
        mouse(MouseMove, x + 10, 1)
        mouse(MouseUp, x + 10)
        await until(pilot, lambda: loss.axes.x_range != zoomed, "it is moved")
        assert loss.axes.x_range is not None
        assert zoomed is not None
        assert loss.axes.x_range[0] < zoomed[0], "dragged to the right, earlier steps come into view"
        await pilot.press("0")
        assert loss.axes.x_range == whole


async def test_curves_have_the_colour_for_the_theme(make_app: Maker, runs: Path) -> None:
    app = make_app(attach=write_run(runs))
    async with app.run_test() as pilot:
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn")
        for theme in ("lab-light", "lab-dark", "ansi-dark", "dracula"):
            app.theme = theme
            await pilot.pause()
            colour = look_of("v0").colour(dark=app.current_theme.dark)
            await until(pilot, partial(drawn_in, pilot, colour), f"{theme} is used")


def drawn_in(pilot: AnyPilot, colour: str) -> bool:
    """Whether the validation loss has this colour."""
    return widget(pilot, "#loss", Chart).series[-1].colour == colour


async def test_only_the_cells_that_change_are_painted(make_app: Maker, runs: Path) -> None:
    app = make_app(attach=write_run(runs))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn")
        chart = widget(pilot, "#loss", Chart)
        painted: list[Region] = []
        with mock.patch.object(chart, "refresh", lambda *regions: painted.extend(regions)):
            chart.series = chart.series
            await pilot.pause()
            assert painted == []
            last = chart.series[1]
            chart.series = (*chart.series[:1], last.on(last.x[:-1], last.y[:-1]), *chart.series[2:])
            await pilot.pause()
        assert 0 < sum(region.area for region in painted) < 0.1 * chart.size.area
