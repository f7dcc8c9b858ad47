"""On a slow file system: screens show that they are waiting, and keys still work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from builtin_names import SPAN
from textual.widgets import Input

from fmnist_tui.runs import control
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.label import Label, read_label
from fmnist_tui.runs.resume import DataMoved
from fmnist_tui.tui import app as the_app
from fmnist_tui.tui import run_actions, run_monitor
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.results.edit_label import EditLabelScreen
from fmnist_tui.tui.settings import Settings, read_settings, write_settings
from fmnist_tui.tui.threads import Threads, for_each

from .driving import flat, loaded, notices, part, shown, text_in, until, until_shown, widget
from .samples import held, training, write_run

Maker = Callable[..., FmnistApp]


@contextmanager
def stuck(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> Iterator[threading.Event]:
    """A function that doesn't return before the event is set, at the latest at the block's end."""
    real, free = getattr(module, name), threading.Event()

    def call(*given: Any, **named: Any) -> Any:
        free.wait(60)
        return real(*given, **named)

    monkeypatch.setattr(module, name, call)
    try:
        yield free
    finally:
        free.set()


async def test_runs_are_not_shown_as_missing_before_they_were_read(
    app: FmnistApp, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_run(runs)
    with stuck(monkeypatch, run_monitor, "read_run") as free:
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            for key, expected in (("3", "Looking for runs"), ("4", "Looking for runs"), ("o", "Looking for runs")):
                await pilot.press(key)
                await until_shown(pilot, expected)
                assert "No run" not in flat(app)
            await pilot.press("escape", "3", "o")
            await until_shown(pilot, "Looking for runs")
            await pilot.press("escape")
            free.set()
            await until_shown(pilot, run.run_id)
            await pilot.press("4")
            await until_shown(pilot, f"{SPAN}, recipe tuned")


async def test_q_leaves_at_once_while_the_runs_are_read(
    app: FmnistApp, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(runs)
    with stuck(monkeypatch, run_monitor, "read_run"):
        async with app.run_test() as pilot:
            begun = time.monotonic()
            await pilot.press("q")
            await until(pilot, lambda: not app.is_running, "the app has ended")
            assert time.monotonic() - begun < 5
            assert app.threads.finish(0.0)


async def test_a_slow_command_does_not_block_the_keys(
    make_app: Maker, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_run(runs, log=training(epochs=1))
    with held(run), stuck(monkeypatch, control, "is_held") as free:
        app = make_app(attach=run)
        async with app.run_test(notifications=True) as pilot:
            await until_shown(pilot, "● running")
            await pilot.press("space", "space", "1", "2", "3")
            await until(pilot, lambda: app.current_mode == "training", "the last key was answered")
            assert not run.control.exists()
            free.set()
            await until(pilot, lambda: run.control.exists() and len(run.control.read_text().splitlines()) == 2, "sent")


async def test_the_rest_of_a_label_is_kept_while_the_size_of_the_run_is_still_counted(
    app: FmnistApp, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_run(runs)
    (run.path / "label.json").write_text('{"name": "old", "tags": ["a"], "note": "why"}')
    with stuck(monkeypatch, RunDirectory, "size"):
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("4")
            await until_shown(pilot, f"{SPAN}, recipe tuned")
            await pilot.press("r")
            await until(pilot, lambda: "eligible ... #a, why" in text_in(pilot, "#about_run"), "the size is missing")
            await pilot.press("l")
            await until(pilot, lambda: isinstance(app.screen, EditLabelScreen), "it can be edited")
            await pilot.press("end", "2", "enter")
            await until(pilot, lambda: read_label(run) == Label("old2", ("a",), "why"), "only the name has changed")


async def test_late_settings_are_applied_but_never_override_a_choice_made_meanwhile(
    make_app: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config" / "choices.json"
    write_settings(file, Settings("textual-light", ascii_images=True, form={"epochs": "7", "device": "cpu"}))
    with stuck(monkeypatch, the_app, "read_settings") as free:
        app = make_app()
        async with app.run_test() as pilot:
            await loaded(pilot)
            assert app.theme == "lab-dark"
            assert not part(pilot, "Thumbnails").isascii()
            await pilot.press("i", "2")
            free.set()
            await until(pilot, lambda: app.theme == "textual-light", "the theme is taken")
            assert widget(pilot, "#epochs", Input).value == "7"
            await pilot.press("1")
            await until(pilot, lambda: part(pilot, "Thumbnails").isascii(), "images are drawn as before")
            await until(pilot, lambda: read_settings(file).inverted, "what was chosen meanwhile is saved")
    assert read_settings(file).form == {"epochs": "7", "device": "cpu"}


async def test_a_run_whose_images_have_moved_is_resumed_where_they_are_now(
    make_app: Maker, runs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = write_run(runs, log=training(epochs=1))
    asked: list[str | None] = []

    def check(run: RunDirectory, data: str | None = None) -> None:
        asked.append(data)
        if data != str(tmp_path):
            raise DataMoved("there is no folder /gone")

    monkeypatch.setattr(run_actions, "check_resumable", check)
    started: list[RunDirectory] = []
    monkeypatch.setattr(run_actions, "_submit", lambda runs, *_: started.extend(runs))
    app = make_app(attach=run)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until_shown(pilot, "interrupted")
        await pilot.press("r")
        await until_shown(pilot, "Where are the images now?", "there is no folder /gone")
        await pilot.press("enter")
        await until_shown(pilot, "Where are the images now?")
        await pilot.press(*str(tmp_path / "x").replace("/", "/"), "enter")
        await until(pilot, lambda: asked == [None, str(tmp_path / "x")], "the folder is looked at")
        await until_shown(pilot, "Where are the images now?")
        await pilot.press("escape")
        assert "Where are" not in shown(app)
        await pilot.press("r")
        await until_shown(pilot, "Where are the images now?")
        await pilot.press(*str(tmp_path), "enter")
        await until(pilot, lambda: started == [run], "it is resumed")
        assert notices(app) == ""


def test_work_of_a_lane_is_done_in_order_and_the_newest_replaces_what_waits() -> None:
    threads, done, free = Threads(lambda _: None), list[int](), threading.Event()
    threads.start(lambda: free.wait(10), lane="one", must_finish=True)
    for number in range(5):
        threads.start(lambda number=number: done.append(number), lane="one", must_finish=True)  # type: ignore[misc]
    threads.start(lambda: done.append(99), lane="one", only_newest=True, must_finish=True)
    assert not threads.finish(0.0)
    free.set()
    assert threads.finish(10.0)
    assert done == [99]
    for number in range(5):
        threads.start(lambda number=number: done.append(number), lane="one", must_finish=True)  # type: ignore[misc]
    assert threads.finish(10.0)
    assert done == [99, 0, 1, 2, 3, 4]


def test_what_is_raised_in_a_thread_is_reported() -> None:
    reported: list[Exception] = []
    threads = Threads(reported.append)

    def fail() -> None:
        raise ValueError("why")

    threads.start(fail, must_finish=True)
    assert threads.finish(10.0)
    assert [str(error) for error in reported] == ["why"]


def test_what_mostly_waits_is_done_for_many_at_once() -> None:
    names: set[int] = set()

    def wait(_: int) -> None:
        names.add(threading.get_ident())
        time.sleep(0.02)

    for_each(range(30), wait, lambda: False)
    assert len(names) > 5
    names.clear()
    for_each(range(30), lambda _: names.add(threading.get_ident()), lambda: False)
    assert names == {threading.get_ident()}
