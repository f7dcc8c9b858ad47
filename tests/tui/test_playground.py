"""The Playground with a real network: painted on by mouse and keys, and pictures of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from textual.events import MouseDown, MouseMove, MouseUp
from textual.pilot import Pilot

from fmnist_tui.inspection.requests import Done, Failed, Predict, Probabilities
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.scored_model import load_scored_model
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.dialogs.entry import FileDialog
from fmnist_tui.tui.playground.canvas import Canvas
from fmnist_tui.tui.playground.screen import PlaygroundScreen

from .demo_runs import write_demo_run
from .driving import AnyPilot, loaded, notices, text_in, type_into, until, until_shown, widget

Maker = Callable[..., FmnistApp]
PREDICTIONS = "#predictions"


def screen(pilot: AnyPilot) -> PlaygroundScreen:
    found = pilot.app.screen
    assert isinstance(found, PlaygroundScreen)
    return found


async def send(pilot: AnyPilot, kind: type[MouseDown | MouseMove | MouseUp], x: int, y: int, button: int) -> None:
    """One event of the mouse in the canvas, as a terminal sends it."""
    area = widget(pilot, "Canvas", Canvas).content_region
    place = area.x + x, area.y + y
    pilot.app.post_message(kind(None, *place, 0, 0, button, False, False, False, *place))
    await pilot.pause()


async def drag(pilot: AnyPilot, start: tuple[int, int], end: tuple[int, int], button: int = 1) -> None:
    await send(pilot, MouseDown, *start, button)
    await send(pilot, MouseMove, *end, button)
    await send(pilot, MouseUp, *end, button)


async def test_painting_editing_and_predictions(
    app: FmnistApp, runs: Path, finished_v0: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = RunDirectory(Path(shutil.copytree(finished_v0.path, runs / finished_v0.run_id)))
    network = load_scored_model(run, "cpu", 1)

    def predicted() -> str:
        """What the network says in this process, as the panel shows it."""
        (values,) = network.predict(screen(pilot)._sketch.image[None])
        return f"{app.dataset.classes[int(values.argmax())]} {values.max():.2%}" if app.dataset else ""

    async def agrees() -> None:
        await until(pilot, lambda: predicted() in text_in(pilot, PREDICTIONS), f"{predicted()} is shown")

    async with app.run_test(size=(60, 18)) as pilot:
        await loaded(pilot)
        await pilot.press("6")
        await agrees()  # of a blank image
        await drag(pilot, (4, 2), (20, 2))
        painted = screen(pilot)._sketch.image
        assert (painted[0, 4:6, 4:21] == 255).all()
        await agrees()
        await pilot.press("s", "s")  # from 3 pixels by 5 to 1
        await drag(pilot, (4, 2), (8, 2), button=3)
        assert not screen(pilot)._sketch.image[0, 4:6, 4:9].any()
        await pilot.press("u")
        np.testing.assert_array_equal(screen(pilot)._sketch.image, painted)
        await pilot.press("c", "down", "right", "g", "space")
        row, column = widget(pilot, "Canvas", Canvas).cursor
        assert screen(pilot)._sketch.image[0, row, column] == 192
        assert f"ink 75%, 1 px, at {row},{column}" in text_in(pilot, "#tool")
        await pilot.press("e", "space")
        assert not screen(pilot)._sketch.image.any()
        await pilot.press("full_stop", "full_stop")
        assert app.dataset
        garment = app.dataset.test.images[1]
        np.testing.assert_array_equal(screen(pilot)._sketch.image, garment)
        assert text_in(pilot, "#about") == f"test image 1: {app.dataset.classes[app.dataset.test.labels[1]]}"
        await agrees()
        for keys in (["r"], ["plus"], ["shift+left"], ["n"], ["b"], ["x"], ["R", "minus", "K"]):
            before = screen(pilot)._sketch.image
            await pilot.press(*keys)
            assert not np.array_equal(screen(pilot)._sketch.image, before), keys
        await agrees()
        await pilot.press("z")
        np.testing.assert_array_equal(screen(pilot)._sketch.image, garment)
        await pilot.press("v")
        assert "v0: " in text_in(pilot, "#about")
        await pilot.press("v", "w", "enter")
        await until(pilot, (tmp_path / "drawing.png").exists, "it is saved")
        await drag(pilot, (4, 2), (45, 6))  # beyond the canvas
        assert not screen(pilot).selections
        await pilot.press("c", "o")
        await type_into(pilot, "#file", "drawing.png")
        await pilot.press("enter")
        await until(pilot, lambda: text_in(pilot, "#about") == "drawing.png", "it is opened")
        np.testing.assert_array_equal(screen(pilot)._sketch.image, garment)


async def test_test_images_by_class_and_index_and_what_fails_is_reported(prepared: FmnistApp) -> None:
    async with prepared.run_test(size=(60, 18)) as pilot:
        await loaded(pilot)
        await pilot.press("6", "k", "down", "enter")
        assert prepared.dataset
        await until_shown(pilot, f": {prepared.dataset.classes[1]}")
        await pilot.press("i", *"499", "enter")
        await until_shown(pilot, "test image 499")
        await pilot.press("i", *"500", "enter")
        assert "There is no test image 500" in notices(prepared)
        prepared.inspection = Prepared({})  # type: ignore[assignment]
        await until_shown(pilot, "predict")
        await pilot.press("full_stop")  # what was predicted for the picture before goes while there is nothing newer
        await until(pilot, lambda: "%" not in text_in(pilot, PREDICTIONS), "the old predictions are gone")
        prepared.inspection = Prepared({"v0": "gone", "v1": "lost", "v3": (9, 0.97)})  # type: ignore[assignment]
        await pilot.press("full_stop", "r", "n")
        await until_shown(pilot, "test image 1", "● v0 gone", "■ v1 lost", "Ankle boot 97.00%")
        assert (notices(prepared).count("gone"), notices(prepared).count("lost")) == (1, 1)


async def test_without_a_network_it_says_what_to_do_and_can_be_painted_on(app: FmnistApp) -> None:
    async with app.run_test(size=(60, 18)) as pilot:
        await loaded(pilot)
        await pilot.press("6", "space")
        await until(pilot, lambda: "train one on the Models screen" in text_in(pilot, PREDICTIONS), "it says so")
        assert screen(pilot)._sketch.image.any()


class Prepared:
    """Answers at once, in place of the process."""

    def __init__(self, answers: dict[str, tuple[int, float] | str]) -> None:
        self._answers = answers
        self.holders: set[object] = set()

    def send(self, request: Predict, take: Callable[[Any], object]) -> int:
        answer = self._answers.get(Path(request.run).name[:2])
        if answer is None:  # one that takes forever
            return 1
        if isinstance(answer, str):
            take(Failed(number=1, reason=answer))
        else:
            top, value = answer
            values = [(1 - value) / 9] * 10
            values[top] = value
            take(Probabilities(number=1, values=values, seconds=0.0))
        take(Done(number=1))
        return 1

    def hold(self, holder: object) -> None:
        """Notes who."""
        self.holders.add(holder)

    def release(self, holder: object) -> None:
        """No longer."""
        self.holders.discard(holder)

    def close(self) -> None:
        """Nothing to end."""


@pytest.fixture
def prepared(make_app: Maker, runs: Path) -> FmnistApp:
    for version, wrong in (("v0", 60), ("v1", 40), ("v3", 20)):
        write_demo_run(runs, version, wrong=wrong)
    app = make_app()
    app.inspection = Prepared({"v0": (5, 0.6), "v1": (9, 0.85), "v3": (9, 0.97)})  # type: ignore[assignment]
    return app


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
def test_its_picture(prepared: FmnistApp, snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    async def ready(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await pilot.press("6", *["full_stop"] * 4, "r", "g")
        await drag(pilot, (3, 3), (9, 5))
        await until_shown(pilot, "2 of 3 predict Ankle boot")

    assert snap_compare(prepared, terminal_size=size, run_before=ready)


async def test_up_to_four_runs_are_chosen(prepared: FmnistApp, runs: Path) -> None:
    for seed in (1, 2):
        write_demo_run(runs, "v0", seed=seed, wrong=100 + seed)
    async with prepared.run_test() as pilot:
        await loaded(pilot)
        await pilot.press("6", "space")
        await until_shown(pilot, "2 of 3 predict Ankle boot", "drawing")
        await pilot.press("m", "home", "space", "down", "space")
        assert "At most 4 runs" in notices(prepared)
        await pilot.press("enter")
        await until_shown(pilot, "v0 s0", "v0 s2", "v1", "v3")
        await pilot.press("m", "home", "space", "down", "space", "enter")
        await until_shown(pilot, "v0 s1")
        assert "v0 s2" not in text_in(pilot, PREDICTIONS)
        playground = screen(pilot)
        playground.action_inspect()
        playground.action_open()  # by the next key of a burst
        await pilot.pause()
        assert isinstance(prepared.screen, FileDialog)


async def test_runs_without_weights_are_not_proposed_and_say_so_when_chosen(prepared: FmnistApp, runs: Path) -> None:
    best = write_demo_run(runs, "v3", seed=1, wrong=10)
    best.model.unlink()
    write_demo_run(runs, "v2", wrong=10).model.unlink()
    async with prepared.run_test() as pilot:
        await loaded(pilot)
        await pilot.press("6", "space")
        await until_shown(pilot, "2 of 3 predict Ankle boot", "drawing")
        assert prepared.inspection.holders == {pilot.app.screen}  # type: ignore[attr-defined]
        await pilot.press("m", "home", "space", "enter")
        await until_shown(pilot, "◆ v3 s1 no saved weights")
        assert not notices(prepared)
        await pilot.press("1")
        await pilot.pause()
        assert not prepared.inspection.holders  # type: ignore[attr-defined]
