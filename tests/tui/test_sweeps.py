"""The Sweeps screen, on sweeps whose trainers train nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sweeps.fake_trainers import FakeTrainers, work_off
from textual.widgets import DataTable

from fmnist_tui.models.registry import get_model
from fmnist_tui.paths import AppPaths
from fmnist_tui.sweeps import jobs, start
from fmnist_tui.sweeps.directory import SweepDirectory
from fmnist_tui.sweeps.jobs import take_work
from fmnist_tui.sweeps.space import parse_space
from fmnist_tui.sweeps.start import SweepRequest, request_sweep
from fmnist_tui.sweeps.sweep import SweepStatus, read_sweep
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.sweeps import plots, texts
from fmnist_tui.tui.themes import THEMES
from fmnist_tui.tui.widgets.chart import Chart

from .driving import AnyPilot, at_every_size, flat, notices, text_in, until, until_shown, widget

Maker = Callable[..., FmnistApp]


@pytest.fixture(autouse=True)
def trainers(monkeypatch: pytest.MonkeyPatch) -> FakeTrainers:
    fake = FakeTrainers()
    monkeypatch.setattr(jobs, "submit", fake.submit)

    def start_workers(sweep: SweepDirectory, *_: object, **__: object) -> list[Any]:
        work_off(sweep)
        return []

    monkeypatch.setattr(start, "start_workers", start_workers)
    return fake


def make(runs: Path, **asked: Any) -> SweepDirectory:
    request = {"trials": 9, "halving": True, "workers": 1, **asked}
    given = {"lr": "log:1e-3:1", "momentum": "0,0.9"}
    config: dict[str, Any] = {"recipe": "tuned", "changes": {"epochs": 9}, "limit": 100, "threads": 1}
    folders = AppPaths(runs, "demo", runs.parent / "cache")
    return request_sweep(SweepRequest(**{"model": "v0", "given": given, **request}), folders, **config)[0]


def rows(pilot: AnyPilot, table: str) -> list[list[str]]:
    found = widget(pilot, table, DataTable)
    return [[str(cell).strip() for cell in found.get_row_at(row)] for row in range(found.row_count)]


async def open_sweeps(pilot: AnyPilot) -> None:
    await pilot.pause()
    await pilot.app.run_action("go('sweeps')")


async def test_sweeps_are_listed_and_the_winner_is_retrained(runs: Path, app: FmnistApp) -> None:
    done, begun, damaged = make(runs), make(runs), make(runs)
    work_off(done)
    take_work(begun)
    damaged.sweep_json.write_text("{")
    async with app.run_test(size=(120, 36)) as pilot:
        await open_sweeps(pilot)
        await until(pilot, lambda: len(rows(pilot, "#sweeps")) == 3, "the sweeps are listed")
        assert [row[2][2:] for row in rows(pilot, "#sweeps")] == ["unreadable", "interrupted", "finished"]
        await until_shown(pilot, "can't be used; start a new one")
        await pilot.press("t")
        assert "There is no winner yet" in notices(app)
        await pilot.press("down", "s")
        assert "This sweep isn't running" in notices(app)
        assert len(rows(pilot, "#trials")) == 1
        await pilot.press("down")
        await until(pilot, lambda: len(rows(pilot, "#trials")) == 9, "the trials are listed")
        sweep = read_sweep(done)
        assert [int(row[0].split()[0]) for row in rows(pilot, "#trials")] == [row.number for row in sweep.ranked]
        assert rows(pilot, "#trials")[0][0].endswith("★")
        assert "Winner: trial" in text_in(pilot, "#summary")
        assert text_in(pilot, "#ladder").endswith("epoch 9 1 trial")
        assert widget(pilot, "#first_setting", Chart).axis_label == "learning_rate, log axis"
        await pilot.press("n")
        assert widget(pilot, "#first_setting", Chart).axis_label == "momentum"
        await pilot.press("r")
        assert "This sweep is finished: nothing to resume" in notices(app)
        await pilot.press("t", "enter")
        await until(
            pilot, lambda: len(read_sweep(done).retrained) == 6, "the winner is retrained with three more seeds"
        )
        await until_shown(pilot, "Retrained with 6 seeds (1, 2, 3, 4, 5, 6): test accuracy 90.00%")
        await pilot.press("up", "r")
        await until(pilot, lambda: rows(pilot, "#sweeps")[1][2][2:] == "finished", "the other one was resumed")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: pilot.app.current_mode == "training", "its best trial is on the Training screen")


@at_every_size
async def test_trials_and_plots_share_a_small_terminal(runs: Path, make_app: Maker, size: tuple[int, int]) -> None:
    work_off(make(runs))
    app = make_app(ascii_only=True)
    async with app.run_test(size=size) as pilot:
        await open_sweeps(pilot)
        await until_shown(pilot, "Winner: trial")
        if size[0] < 112:
            await pilot.press("v")
        await until_shown(pilot, "Validation accuracy")
        assert not widget(pilot, "#sweeps", DataTable).show_horizontal_scrollbar, "the whole table is seen"
        assert flat(app).isascii()


async def test_without_sweeps_the_screen_says_how_to_start_one(app: FmnistApp) -> None:
    async with app.run_test() as pilot:
        await open_sweeps(pilot)
        await until_shown(pilot, "No sweeps yet.")
        widget(pilot, "#sweeps", DataTable).focus()
        await pilot.press("pagedown", "n", "v", "s", "r", "t")
        assert "fmnist-tui sweep v0 --set lr=log:1e-3:1" in flat(pilot.app)


def test_a_sweep_that_waits_for_slurm_says_why(runs: Path) -> None:
    sweep = replace(read_sweep(make(runs)), status=SweepStatus.PENDING, reason="Priority")
    assert texts.list_row(sweep, THEMES[0])[2].plain.endswith(" pending")
    assert texts.summary(sweep).plain.startswith("pending: Priority")


def test_a_logarithmic_search_has_a_logarithmic_axis_and_words_have_ticks_of_their_own() -> None:
    space = parse_space(
        get_model("v0"), {"learning_rate": "log:1e-3:1", "momentum": "0:0.9", "schedule": "constant,cosine"}
    )
    rate, momentum, schedule = (plots.accuracy_axes(one, THEMES[0]) for one in space.dimensions)
    assert [text for _, text in rate.x_ticks] == ["0.001", "0.01", "0.1", "1"]
    assert momentum.x_ticks == ()
    assert [text for _, text in schedule.x_ticks] == ["constant", "cosine"]
    assert rate.x_range is not None
    assert rate.x_range[0] == pytest.approx(-3.12)
