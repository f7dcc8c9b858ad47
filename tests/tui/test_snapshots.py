"""One picture of each screen and state, compared with the one that was looked at and accepted.

After a change that is meant: `pytest -n0 tests/tui/test_snapshots.py --snapshot-update`, and look at the pictures.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest
from builtin_names import SPAN
from msgspec.structs import replace
from textual.pilot import Pilot

from fmnist_tui.models.registry import all_models
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.training.events import Alert, Epoch, Event, Paused, RunFinished
from fmnist_tui.tui import run_actions
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.models import forecast

from .driving import drawn, loaded, part, text_in, type_into, until, until_shown
from .samples import STEPS, held, keep_analyses, training, window, write_run

Maker = Callable[..., FmnistApp]
Compare = Callable[..., bool]
Ready = Callable[[Pilot[None]], Awaitable[None]]
Check = Callable[[FmnistApp, Ready], None]
Picture = Callable[[Pilot[None], str], Awaitable[None]]
Pictures = Sequence[tuple[str, list[str], str]]
SIZE = (80, 24)

LIVE = [*training(epochs=2), *map(window, range(2 * STEPS + 1, 2 * STEPS + 30))]
PAUSED = [*LIVE, Paused(2 * STEPS + 29)]
DIVERGED: list[Event] = [
    *training(epochs=1),
    Alert("non_finite", "the validation loss is not finite"),
    RunFinished("diverged", message="the validation loss is not finite: try a lower learning rate"),
]


@pytest.fixture
def is_right(snap_compare: Compare) -> Check:
    """Compares the app's picture, once it is ready."""

    def compare(app: FmnistApp, ready: Ready) -> None:
        assert snap_compare(app, terminal_size=SIZE, run_before=ready)

    return compare


async def is_drawn(pilot: Pilot[None]) -> None:
    """The training screen shows its curve and how far it is; nothing is announced any more."""
    await until(pilot, lambda: drawn(part(pilot, "#loss")) and "%" in part(pilot, "#progress"), "it is drawn")
    pilot.app.clear_notifications()
    await pilot.pause()


async def is_drawn_while_running(pilot: Pilot[None]) -> None:
    """The same of a run that has a trainer: it is named at the top."""
    await until(pilot, lambda: "v0" in part(pilot, "#running"), "it is named at the top")
    await until(pilot, lambda: "seed" in text_in(pilot, "#run"), "its recipe and seed are read")
    await is_drawn(pilot)


async def test_the_dataset_screen(make_app: Maker, looks_right: Picture) -> None:
    pictures: Pictures = (
        ("images", ["right"], "1 "),
        ("large", ["left", "enter"], "v: values"),
        ("numbers", ["v"], "  0   0   0"),
        ("means", ["v", "escape", "a"], "class means"),
        ("augmented", ["a", "u"], "original"),
    )
    async with make_app().run_test(size=SIZE, notifications=True) as pilot:
        await loaded(pilot)
        for name, keys, expected in pictures:
            await pilot.press(*keys)
            await until_shown(pilot, " ".join(expected.split()))
            await looks_right(pilot, name)


def test_the_dataset_screen_without_data(
    make_app: Maker, is_right: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def ready(pilot: Pilot[None]) -> None:
        await until_shown(pilot, "there is no folder nowhere", "r tries again")

    is_right(make_app("nowhere"), ready)


@pytest.mark.parametrize("fault", [False, True], ids=["story", "fault"])
def test_the_models_screen(make_app: Maker, is_right: Check, monkeypatch: pytest.MonkeyPatch, fault: bool) -> None:
    monkeypatch.setattr(forecast, "matrix_peak", lambda: 1e11)
    monkeypatch.setattr(forecast, "device_names", lambda machine: {"cpu": "2 CPUs, a processor"})

    async def ready(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await pilot.press("2")
        await until_shown(pilot, "v0 Dense network by hand")
        await pilot.press("end")
        last = all_models()[-1]
        await until_shown(pilot, f"{last.name} {last.title} · {last.framework}")
        await until(pilot, lambda: "a processor" in text_in(pilot, "#forecast"), "the time is shown")
        if fault:
            await type_into(pilot, "#epochs", "0")
            await pilot.press("enter", "t")
            await until(pilot, lambda: text_in(pilot, "#fault"), "the error is shown")

    is_right(make_app(), ready)


def test_the_training_screen_without_a_run(make_app: Maker, is_right: Check) -> None:
    async def ready(pilot: Pilot[None]) -> None:
        await pilot.press("3")
        await until_shown(pilot, "No run yet")

    is_right(make_app(), ready)


@pytest.mark.parametrize("log", [pytest.param([], id="finished"), pytest.param(DIVERGED, id="diverged")])
def test_the_training_screen(make_app: Maker, runs: Path, is_right: Check, log: list[Event]) -> None:
    is_right(make_app(attach=write_run(runs, log=log)), is_drawn)


@pytest.mark.parametrize("log", [pytest.param(LIVE, id="live"), pytest.param(PAUSED, id="paused")])
def test_the_training_screen_with_a_trainer(make_app: Maker, runs: Path, is_right: Check, log: list[Event]) -> None:
    run = write_run(runs, log=log)
    with held(run):
        is_right(make_app(attach=run), is_drawn_while_running)


async def test_what_opens_over_a_screen(
    make_app: Maker, runs: Path, looks_right: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_actions, "logout_note", lambda: "")
    write_run(runs, "v1")
    run = write_run(runs, seed=1, log=LIVE)
    pictures = (
        ("quit", "q", "Leave running"),
        ("stop", "s", "Keep running"),
        ("runs", "o", "of 10, scored"),
        ("help", "question_mark", "Pause the run"),
        ("palette", "ctrl+p", "Cursor (c)"),
    )
    with held(run):
        async with make_app(attach=run).run_test(size=SIZE, notifications=True) as pilot:
            await is_drawn_while_running(pilot)
            for name, key, expected in pictures:
                await pilot.press(key)
                await until_shown(pilot, expected)
                await looks_right(pilot, name)
                await pilot.press("escape")


def test_the_results_screen_without_a_run(make_app: Maker, is_right: Check) -> None:
    async def ready(pilot: Pilot[None]) -> None:
        await pilot.press("4")
        await until_shown(pilot, "No eligible runs")

    is_right(make_app(), ready)


@pytest.fixture
def compared(runs: Path) -> list[RunDirectory]:
    """Runs of all versions, two of the last, and one of the other recipe."""
    of_tuned = [
        write_run(runs, version, seed=seed, wrong=150 - 20 * seed, log=completed(version, 0.2 * seed))
        for seed, version in enumerate(("v0", "v1", "v2", "v3", "v3"))
    ]
    return [*of_tuned, write_run(runs, "v0", seed=9, recipe="origin")]


def completed(version: str, better: float) -> list[Event]:
    """A whole log whose validation is so much better than v0's."""
    log = [
        replace(event, validation_nll=event.validation_nll - better / 4) if isinstance(event, Epoch) else event
        for event in training(version)
    ]
    return [*log, RunFinished("completed", scored=True)]


async def test_the_results_screen(make_app: Maker, compared: list[RunDirectory], looks_right: Picture) -> None:
    pictures: Pictures = (
        ("overview", [], "yours, mean and 95% CI"),
        ("recipes", ["c", "c"], "v1 tuned"),
        ("summary", ["c", "m"], "Total gain from v0 to v3"),
        ("curves", ["u"], "Validation NLL"),
        ("runs", ["r"], "0.1 MB"),
        ("calibration", ["b"], "80-87%"),
    )
    async with make_app().run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("4")
        await until_shown(pilot, f"{SPAN}, recipe")
        for name, keys, expected in pictures:
            await pilot.press(*keys)
            await until_shown(pilot, expected)
            await looks_right(pilot, name)


def test_why_cnns(make_app: Maker, compared: list[RunDirectory], is_right: Check) -> None:
    keep_analyses(compared)

    async def ready(pilot: Pilot[None]) -> None:
        await pilot.press("5")
        await until_shown(pilot, "your runs")

    is_right(make_app(), ready)
