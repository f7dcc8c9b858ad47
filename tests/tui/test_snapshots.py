"""One picture of each screen and state, compared with the one that was looked at and accepted.

After a change that is meant: `pytest -n0 tests/tui/test_snapshots.py --snapshot-update`, and look at the pictures.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

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
SIZE = (80, 24)

LIVE = [*training(epochs=2), *map(window, range(2 * STEPS + 1, 2 * STEPS + 30))]
PAUSED = [*LIVE, Paused(2 * STEPS + 29)]
DIVERGED: list[Event] = [
    *training(epochs=1),
    Alert("non_finite", "the validation loss is not finite"),
    RunFinished("diverged", message="the validation loss is not finite: try a lower learning rate"),
]


@pytest.fixture
def looks_right(snap_compare: Compare) -> Check:
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


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param(["right"], "1 ", id="images"),
        pytest.param(["enter"], "v: values", id="large"),
        pytest.param(["enter", "v"], "  0   0   0", id="numbers"),
        pytest.param(["a"], "class means", id="means"),
        pytest.param(["u"], "original", id="augmented"),
    ],
)
def test_the_dataset_screen(make_app: Maker, looks_right: Check, keys: Sequence[str], expected: str) -> None:
    async def ready(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await pilot.press(*keys)
        await until_shown(pilot, " ".join(expected.split()))

    looks_right(make_app(), ready)


def test_the_dataset_screen_without_data(
    make_app: Maker, looks_right: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def ready(pilot: Pilot[None]) -> None:
        await until_shown(pilot, "there is no folder nowhere", "r tries again")

    looks_right(make_app("nowhere"), ready)


@pytest.mark.parametrize("fault", [False, True], ids=["story", "fault"])
def test_the_models_screen(make_app: Maker, looks_right: Check, monkeypatch: pytest.MonkeyPatch, fault: bool) -> None:
    monkeypatch.setattr(forecast, "matrix_peak", lambda: 1e11)
    monkeypatch.setattr(forecast, "device_names", lambda machine: {"cpu": "2 CPUs, a processor"})

    async def ready(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await pilot.press("2", "end")
        await until_shown(pilot, "v4 Residual · PyTorch")
        await until(pilot, lambda: "a processor" in text_in(pilot, "#forecast"), "the time is shown")
        if fault:
            await type_into(pilot, "#epochs", "0")
            await pilot.press("enter", "t")
            await until(pilot, lambda: text_in(pilot, "#fault"), "the error is shown")

    looks_right(make_app(), ready)


def test_the_training_screen_without_a_run(make_app: Maker, looks_right: Check) -> None:
    async def ready(pilot: Pilot[None]) -> None:
        await pilot.press("3")
        await until_shown(pilot, "No run yet")

    looks_right(make_app(), ready)


@pytest.mark.parametrize("log", [pytest.param([], id="finished"), pytest.param(DIVERGED, id="diverged")])
def test_the_training_screen(make_app: Maker, runs: Path, looks_right: Check, log: list[Event]) -> None:
    looks_right(make_app(attach=write_run(runs, log=log)), is_drawn)


@pytest.mark.parametrize("log", [pytest.param(LIVE, id="live"), pytest.param(PAUSED, id="paused")])
def test_the_training_screen_with_a_trainer(make_app: Maker, runs: Path, looks_right: Check, log: list[Event]) -> None:
    run = write_run(runs, log=log)
    with held(run):
        looks_right(make_app(attach=run), is_drawn_while_running)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param("q", "Leave running", id="quit"),
        pytest.param("s", "Keep running", id="stop"),
        pytest.param("o", "of 10, scored", id="runs"),
        pytest.param("question_mark", "Pause the run", id="help"),
        pytest.param("ctrl+p", "Cursor (c)", id="palette"),
    ],
)
def test_what_opens_over_a_screen(
    make_app: Maker, runs: Path, looks_right: Check, monkeypatch: pytest.MonkeyPatch, key: str, expected: str
) -> None:
    monkeypatch.setattr(run_actions, "logout_note", lambda: "")
    write_run(runs, "v1")
    run = write_run(runs, seed=1, log=LIVE)

    async def ready(pilot: Pilot[None]) -> None:
        await is_drawn_while_running(pilot)
        await pilot.press(key)
        await until_shown(pilot, expected)

    with held(run):
        looks_right(make_app(attach=run), ready)


def test_the_results_screen_without_a_run(make_app: Maker, looks_right: Check) -> None:
    async def ready(pilot: Pilot[None]) -> None:
        await pilot.press("4")
        await until_shown(pilot, "No eligible runs")

    looks_right(make_app(), ready)


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


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param([], "yours, mean and 95% CI", id="overview"),
        pytest.param(["c", "c"], "v1 tuned", id="recipes"),
        pytest.param(["m"], "Total gain from v0 to v3", id="summary"),
        pytest.param(["u"], "Validation NLL", id="curves"),
        pytest.param(["r"], "newest first", id="runs"),
        pytest.param(["b"], "80-87%", id="calibration"),
    ],
)
def test_the_results_screen(
    make_app: Maker, compared: list[RunDirectory], looks_right: Check, keys: Sequence[str], expected: str
) -> None:
    async def ready(pilot: Pilot[None]) -> None:
        await pilot.press("4")
        await until_shown(pilot, "v0 to v4, recipe")
        await pilot.press(*keys)
        await until_shown(pilot, expected)

    looks_right(make_app(), ready)


def test_why_cnns(make_app: Maker, compared: list[RunDirectory], looks_right: Check) -> None:
    keep_analyses(compared)

    async def ready(pilot: Pilot[None]) -> None:
        await pilot.press("5")
        await until_shown(pilot, "your runs")

    looks_right(make_app(), ready)
