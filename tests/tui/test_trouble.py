"""What the app does with missing data, unreadable folders, damaged files and hostile text: report it and continue."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builtin_names import SPAN
from textual.widgets import OptionList

from fmnist_tui.files import write_json
from fmnist_tui.runs.directory import LONGEST_NAME, RunDirectory
from fmnist_tui.training.events import Alert, RunFinished, Stage
from fmnist_tui.tui.app import FmnistApp

from .driving import (
    AnyPilot,
    at_every_size,
    loaded,
    notices,
    open_run_list,
    shown,
    text_in,
    until,
    until_shown,
    widget,
)
from .samples import held, run_json, training, write_idx, write_run

pytestmark = pytest.mark.usefixtures("every_frame")
Maker = Callable[..., FmnistApp]


@at_every_size
async def test_a_folder_that_does_not_exist_is_named_and_the_app_stays(
    make_app: Maker, tmp_path: Path, size: tuple[int, int]
) -> None:
    app = make_app(str(tmp_path / "nowhere"))
    async with app.run_test(size=size, notifications=True) as pilot:
        await until_shown(pilot, "give the folder that contains the IDX", "r tries again")
        assert f"thereisnofolder{tmp_path / 'nowhere'}" in text_in(pilot, "Waiting").replace(" ", "")
        await pilot.press("d", "t", "m", "n", "b", "enter", "down", "tab", "down", "2", "3", "4", "1")
        assert app.dataset is None
        assert app.folders.data == str(tmp_path / "nowhere")


async def test_damaged_data_is_named_and_read_again_once_it_is_mended(make_app: Maker, tmp_path: Path) -> None:
    images = write_idx(tmp_path / "data", [0, 1], [2]) / "train-images-idx3-ubyte"
    sound = images.read_bytes()
    images.write_bytes(b"not images")
    app = make_app(str(tmp_path / "data"))
    async with app.run_test(notifications=True) as pilot:
        await until_shown(pilot, "is not an IDX file of images", "r tries again")
        images.write_bytes(sound)
        await pilot.press("r")
        await until_shown(pilot, "train: 1-2 of 2")


async def test_an_unreadable_runs_folder_is_named_on_every_screen_that_needs_it(make_app: Maker, runs: Path) -> None:
    runs.write_text("a file where the folder should be")
    app = make_app()
    async with app.run_test(notifications=True) as pilot:
        await until(
            pilot, lambda: f"can't read the runs folder {runs}" in notices(app), "the error is shown at the start"
        )
        for keys in (("4",), ("3",), ("o",)):
            await pilot.press(*keys)
            selector = "OptionList" if keys == ("o",) else "Static"
            await until(pilot, lambda: "can't read the runs" in text_in(pilot, selector), f"after {keys}")  # noqa: B023
        assert app.is_running


async def test_a_run_directory_that_cannot_be_written_is_reported(make_app: Maker, runs: Path) -> None:
    runs.write_text("a file where the folder should be")
    app = make_app()
    async with app.run_test(notifications=True) as pilot:
        await loaded(pilot)
        await pilot.press("2", "t")
        await until(pilot, lambda: "can't write to" in notices(app), "the error is shown")
        assert app.is_running


JSON_FILES = ("run.json", "request.json", "result.json", "label.json", "heartbeat", "events.jsonl")
DAMAGED = {
    "nothing at all": {},
    "empty files": dict.fromkeys(JSON_FILES, b""),
    "random bytes": dict.fromkeys(JSON_FILES, bytes(range(256)) * 9),
    "JSON of other shapes": dict.fromkeys(JSON_FILES, b"[1, [2]]\n" * 3),
    "deeply nested JSON": dict.fromkeys(JSON_FILES, b"[" * 100_000),
    "objects of other shapes": {
        "run.json": b'{"version": [1], "hyperparameters": 7, "seed": {}, "data": "x"}',
        "result.json": b'{"test_accuracy": "high", "reason": 3}',
        "label.json": b'{"name": {"a": 1}}',
        "heartbeat": b'{"time": "now"}',
    },
}
EVENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "a run of no steps": ("run_started", {"steps_per_epoch": 0, "total_steps": 0, "epochs": 0}),
    "a step that is no number": ("step", {"step": None}),
    "a step of the far future": ("step", {"step": 10**300}),
    "an infinite loss": ("step", {"loss": math.inf, "accuracy": -math.inf, "images_per_second": math.nan}),
    "an epoch that is no number": ("epoch", {"epoch": None, "step": None, "validation_accuracy": None}),
    "a stage that is a list": ("stage", {"name": ["a"]}),
    "an alert that is a number": ("alert", {"kind": 1, "message": 2}),
}


def damaged_runs(runs: Path) -> dict[str, RunDirectory]:
    """Runs with damaged files, one for each kind of damage."""
    made = {}
    for seed, (name, files) in enumerate(DAMAGED.items()):
        made[name] = run = RunDirectory(runs / f"v0-20260103-{seed:06d}-00ff")
        run.path.mkdir(parents=True)
        for file, content in files.items():
            (run.path / file).write_bytes(content)
    made["files that are folders"] = run = RunDirectory(runs / "v0-20260103-000100-00ff")
    for file in (*JSON_FILES, "predictions.npz", "control.jsonl"):
        (run.path / file).mkdir(parents=True)
    made["predictions that are none"] = run = write_run(runs, seed=200)
    run.predictions.write_bytes(b"PK\x03\x04 and then nothing")
    return made


def runs_with_strange_events(runs: Path) -> dict[str, RunDirectory]:
    """Runs whose last event makes no sense, one for each kind of nonsense."""
    made = {}
    for seed, (name, (kind, changes)) in enumerate(EVENTS.items()):
        made[name] = run = write_run(runs, seed=seed, log=[*training(epochs=1), Stage("s"), Alert("k", "m")])
        records = [json.loads(line) for line in run.events.read_text().splitlines()]
        model = next(record for record in reversed(records) if record["event"] == kind)
        with run.events.open("a") as log:
            log.write(json.dumps({**model, **changes, "seq": len(records)}) + "\n")
    return made


@pytest.mark.parametrize("make", [damaged_runs, pytest.param(runs_with_strange_events, marks=pytest.mark.slow)])
async def test_runs_that_were_damaged_end_nothing(
    make_app: Maker, runs: Path, make: Callable[[Path], dict[str, RunDirectory]]
) -> None:
    sound = write_run(runs, "v1", seed=99)
    made = make(runs)
    app = make_app(attach=sound)
    async with app.run_test(notifications=True) as pilot:
        for name, run in made.items():
            await pilot.press("3")
            await open_run_list(pilot)
            options = [option.id for option in widget(pilot, "OptionList", OptionList).options]
            widget(pilot, "OptionList", OptionList).highlighted = options.index(run.run_id)
            await pilot.press("enter")
            await until_shown(pilot, run.run_id.removeprefix("v0-"))
            await pilot.pause(0.6)  # the log is read five times a second, the numbers are painted twice
            assert app.is_running, name
            await pilot.press("g", "a")
        await pilot.press("4", "f")
        await until_shown(pilot, f"{SPAN}, recipe tuned, all scored runs")
        assert "Error" not in notices(app)


HOSTILE = {
    "markup": "[bold]x[/] [@click=app.quit]y[/] [/] [red",
    "a colour": "\x1b[31mred",
    "a title": "\x1b]0;title\x07",
    "a short code": "\x9b2J",
    "lines and tabs": "a\nb\r\tc",
}


@pytest.mark.parametrize(
    "text",
    [pytest.param(text, id=name, marks=() if name == "markup" else pytest.mark.slow) for name, text in HOSTILE.items()],
)
async def test_text_from_files_is_shown_literally(app: FmnistApp, runs: Path, text: str) -> None:
    run = write_run(
        runs,
        seed=2,
        log=[*training(epochs=1), Alert("kind", f"alert {text}"), RunFinished("failed", message=f"end {text}")],
    )
    write_json(run.label, {"name": f"name {text}"})
    live = write_run(runs, seed=1, log=[Stage(f"stage {text}")])
    write_json(live.run_json, {**run_json("v0", 1), "version": f"v {text}", "device": text, "recipe": text})
    with held(live):
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await until(pilot, lambda: app.current_mode == "training", "the app opens on the running run")
            await until_shown(pilot, printable(f"stage {text}"))
            assert_harmless(pilot)
            await open_run_list(pilot)
            await until(
                pilot,
                lambda: printable(f"name {text}")[:LONGEST_NAME].strip() in text_in(pilot, "OptionList"),
                "it is listed",
            )
            assert_harmless(pilot)
            await pilot.press("end", "enter")
            await until_shown(pilot, printable(f"alert {text}"), printable(f"end {text}"))
            assert_harmless(pilot)
            await pilot.press("4", "f")
            await pilot.pause(0.5)
            assert_harmless(pilot)


def printable(text: str) -> str:
    """The text up to its first unprintable character."""
    return text if text.isprintable() else next(text[:end] for end in range(len(text)) if not text[end].isprintable())


def assert_harmless(pilot: AnyPilot) -> None:
    """The screen contains no control characters."""
    codes = {c for c in shown(pilot.app) if not c.isprintable()} - {"\n"}
    assert not codes


async def test_the_name_of_a_data_folder_is_shown_literally(make_app: Maker, tmp_path: Path) -> None:
    app = make_app(str(write_idx(tmp_path / "[bold]x[@click=app.quit] \x1b[31m", [0, 1], [2])))
    async with app.run_test(size=(120, 40)) as pilot:
        caption = 'folder "[bold]x[@click=app.quit] [31m", train: 1-2 of 2'
        await until(pilot, lambda: caption in text_in(pilot, "#caption"), "it is shown")
        assert_harmless(pilot)
        await pilot.click("#caption", offset=(12, 0))
        assert app.is_running
