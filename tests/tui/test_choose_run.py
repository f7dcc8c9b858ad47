from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import OptionList

from fmnist_tui.files import write_json
from fmnist_tui.training.events import RunFinished, Stage
from fmnist_tui.tui import app_state
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.training.choose_run import ChooseRunDialog

from .driving import (
    AnyPilot,
    at_every_size,
    drawn,
    flat,
    open_run_list,
    part,
    text_in,
    until,
    until_shown,
    widget,
)
from .samples import held, training, write_log, write_run

Maker = Callable[..., FmnistApp]


def listed(pilot: AnyPilot) -> list[str]:
    """The runs in the list."""
    return [str(option.id) for option in widget(pilot, "OptionList", OptionList).options]


async def test_another_run_can_be_chosen_running_ones_first_or_none(make_app: Maker, runs: Path) -> None:
    old, new = write_run(runs, seed=1), write_run(runs, "v1", seed=2)
    live = write_run(runs, seed=0, log=training(epochs=1))
    with held(live):
        app = make_app(attach=new)
        async with app.run_test() as pilot:
            await until_shown(pilot, "v1 Convolutions", "seed 2", "✓ finished")
            await pilot.press("o", "escape")
            assert len(app.screen_stack) == 1
            await until_shown(pilot, "v1 Convolutions", "seed 2")
            await open_run_list(pilot)
            assert listed(pilot) == [live.run_id, new.run_id, old.run_id]
            assert "running" in part(pilot, "OptionList").splitlines()[0]
            await pilot.press("down", "down", "enter")
            await until_shown(pilot, "v0 Dense network by hand", "seed 1", "✓ finished")
            await until(pilot, lambda: drawn(part(pilot, "#loss")), "its curve is drawn")


async def test_the_open_list_follows_the_runs_and_keeps_the_highlighted_one(
    make_app: Maker, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_state, "_LOOK_SECONDS", 0.05)
    live, old = write_run(runs, seed=2, log=training(epochs=1)), write_run(runs, seed=1)
    app = make_app(attach=old)
    async with app.run_test() as pilot:
        await pilot.press("3")
        with held(live):
            await open_run_list(pilot)
            await pilot.press("down")
            write_log(live, training(epochs=2))
            await until(pilot, lambda: "running, epoch 3/30" in part(pilot, "OptionList"), "its progress is listed")
            new = write_run(runs, seed=3)
            await until(pilot, lambda: listed(pilot) == [live.run_id, new.run_id, old.run_id], "the new one is listed")
        await until(pilot, lambda: listed(pilot)[0] == new.run_id, "the other one has ended")
        highlighted = widget(pilot, "OptionList", OptionList).highlighted_option
        assert highlighted is not None
        assert highlighted.id == old.run_id


async def test_an_empty_list_of_runs_shows_what_to_do(app: FmnistApp) -> None:
    async with app.run_test() as pilot:
        await pilot.press("3")
        await open_run_list(pilot)
        assert "No runs yet: press 2 and train a model" in flat(app)
        await pilot.press("enter")
        assert isinstance(app.screen, ChooseRunDialog)
        await pilot.press("escape")
        assert len(app.screen_stack) == 1


@at_every_size
async def test_the_list_of_runs_shows_label_status_and_accuracy(
    make_app: Maker, runs: Path, size: tuple[int, int]
) -> None:
    write_json(
        write_run(runs, wrong=125, log=[*training(), RunFinished("stopped", scored=True)]).label, {"name": "mine"}
    )
    write_run(runs, "v1", seed=1, log=training("v1", epochs=3))
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await pilot.press("3")
        await open_run_list(pilot)
        for expected in ("87.50%", "stopped after epoch 4 of 30, scored", "mine", "interrupted 3/10"):
            assert expected in text_in(pilot, "OptionList")


async def test_another_runs_curve_can_be_overlaid_and_removed_once_there_is_one(make_app: Maker, runs: Path) -> None:
    run = write_run(runs, seed=1)
    app = make_app(attach=run)
    async with app.run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "✓ finished")
        await open_run_list(pilot, "v")
        assert "No other run has a curve yet" in flat(app)
        await pilot.press("escape")

        other = write_run(runs, "v1", seed=2)
        write_run(runs, "v2", seed=3, log=[Stage("loading data")])
        await open_run_list(pilot, "v")
        await until(pilot, lambda: listed(pilot) == [other.run_id], "it is there")
        assert "Overlay which run's curve?" in flat(app)
        assert listed(pilot) == [other.run_id]
        await pilot.press("enter")
        await until(pilot, lambda: " v1" in text_in(pilot, "#accuracy"), "it is drawn and named")
        assert "Loss (binary cross-entropy)" in text_in(pilot, "#loss")
        await open_run_list(pilot, "v")
        await pilot.press("enter")
        await until(pilot, lambda: " v1" not in text_in(pilot, "#accuracy"), "it is gone")
