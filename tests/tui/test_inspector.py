"""The Inspector in the app: with a real run, and, for pictures of it, with answers that are the same on any machine."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from numpy.typing import NDArray

from fmnist_tui.inspection.client import Take
from fmnist_tui.inspection.requests import (
    Answer,
    AnyRequest,
    ClassMaps,
    Done,
    Failed,
    Inspect,
    LayerImages,
    Packed,
    Probabilities,
    UnitImages,
    Views,
)
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.run import read_run
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.inspector.choosing import runs_for
from fmnist_tui.tui.inspector.found import Answered
from fmnist_tui.tui.inspector.screen import InspectorScreen
from fmnist_tui.tui.playground.screen import PlaygroundScreen

from .demo_runs import dataset, write_demo_run
from .driving import AnyPilot, loaded, notices, part, text_in, until, until_shown
from .test_errors_screen import at_errors

Maker = Callable[..., FmnistApp]


async def look_inside(pilot: AnyPilot) -> None:
    """Opens the Inspector on the first test image."""
    await loaded(pilot)
    await pilot.press("t", "l")
    await until_shown(pilot, "test image 0")


@pytest.mark.parametrize("size", [(60, 18), pytest.param((120, 40), marks=pytest.mark.slow)])
async def test_every_view_of_a_real_run(
    make_app: Maker, runs: Path, finished_v0: RunDirectory, size: tuple[int, int]
) -> None:
    shutil.copytree(finished_v0.path, runs / finished_v0.run_id)
    lost = RunDirectory(Path(shutil.copytree(finished_v0.path, runs / "v0-20200101-000000-0000")))
    lost.model.unlink()
    async with make_app().run_test(size=size) as pilot:
        await look_inside(pilot)
        await until_shown(
            pilot,
            "Weights of hidden units",
            "predicted T-shirt/top",
            "Trained",
            "validation images correct",
            "esc Back",
        )
        await pilot.press("left")
        await until_shown(pilot, "Epoch 3 of 3", "The weights after epoch 3")
        await pilot.press("p", "left", "left", "left")
        await until_shown(pilot, "Epoch 0 of 3", "before training")
        track = part(pilot, "#slider").index("┼")
        await pilot.click("#slider", offset=(track, 0))
        await until_shown(pilot, "Epoch 1 of 3", "after epoch 1")
        await pilot.click("#slider", offset=(2, 0))
        await until_shown(pilot, "Epoch 1 of 3")
        await pilot.press("e")
        await until_shown(pilot, "against for", "votes for or against")
        await pilot.press("s")
        await until_shown(pilot, "which pixels matter", "T-shirt/top")
        compared = text_in(pilot, "#maps")
        await pilot.press("c")
        await until_shown(pilot, "which pixels matter", "T-shirt/top")
        assert text_in(pilot, "#maps") != compared
        await pilot.press("o")
        await until_shown(pilot, "pixels are covered")
        await pilot.press("r")
        await until_shown(pilot, "Run v0-20200101-000000-0000 has no", "retrain the model")
        await pilot.press("escape", "6")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlaygroundScreen), "the Playground is shown")
        await pilot.press("l")
        await until_shown(pilot, "Weights of hidden units")


async def test_without_a_scored_run_the_key_says_what_to_do(app: FmnistApp) -> None:
    async with app.run_test() as pilot:
        await loaded(pilot)
        await pilot.press("l")
        await pilot.pause()
        assert "press 2 to train one" in notices(app)


@dataclass
class Answers:
    """Stands for the process that holds the networks: predicts Shirt (70%) or T-shirt/top (20%) for any image.

    Attributes:
        requests: The views that were asked for.
        died: Why it ends after an answer, or "".
    """

    requests: list[Inspect] = field(default_factory=list)
    died: str = ""
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def send(self, request: AnyRequest, take: Take) -> int:
        """Answers at once."""
        number = next(self._numbers)
        if isinstance(request, Inspect):
            self.requests.append(request)
        take(self._answer(request, number))
        if self.died:
            take(Failed(number=number, reason=self.died))
            return number
        take(Done(number=number))
        return number

    def hold(self, holder: object) -> None:
        """Nothing to keep."""

    def release(self, holder: object) -> None:
        """Nothing to end."""

    def close(self) -> None:
        """Nothing to end."""

    def _answer(self, request: AnyRequest, number: int) -> Answer:
        rows, columns = np.mgrid[0:28, 0:28].astype(np.float32) / 27
        if not isinstance(request, Inspect):
            values = np.full(10, 0.1 / 8)
            values[[6, 0]] = 0.7, 0.2
            return Probabilities(number=number, values=values.tolist(), seconds=0.0)
        if request.view == "units":
            weights = np.stack([np.sin(6 * rows + unit) * np.cos(5 * columns - unit) for unit in range(20)])[:, None]
            numbers = np.arange(20)
            return UnitImages(
                number=number,
                units=Packed.of(numbers * 3),
                weights=Packed.of(weights.astype(np.float32)),
                activations=Packed.of((20 - numbers) / 4.0),
                contributions=Packed.of((8 - numbers) / 5.0),
                dead=Packed.of(numbers == 4),
                remainder=0.0,
                logit=3.5,
                label=request.labels[0],
            )
        if request.view == "filters":
            weights = np.sin(np.arange(24 * 9)).reshape(24, 1, 3, 3).astype(np.float32)
            dead = Packed.of(np.arange(24) == 2)
            return LayerImages(number=number, layer="conv1", kind="Convolution", values=Packed.of(weights), dead=dead)
        maps = np.stack([np.sin(9 * rows) * columns, rows - columns])[:, None]
        return ClassMaps(number=number, layer="conv2", values=Packed.of(maps.astype(np.float32)))


def write_snapshots(run: RunDirectory) -> None:
    """Of 24 filters and 20 images, which more and more are predicted correctly."""
    labels = np.arange(20) % 10
    weights = np.sin(np.arange(4 * 24 * 9)).reshape(4, 24, 1, 3, 3).astype(np.float16)
    predicted = [np.where(np.arange(20) < 5 * epoch + 3, labels, (labels + 1) % 10) for epoch in range(4)]
    tensors: dict[str, NDArray[Any]] = {
        "epochs": np.arange(4),
        "weights": weights,
        "probabilities": np.eye(10, dtype=np.float16)[predicted],
        "units": np.arange(24),
        "images": np.arange(20),
        "labels": labels,
    }
    safetensors.numpy.save_file(tensors, run.snapshots, {"layer": "conv1.weight"})


def answering(make_app: Maker) -> tuple[FmnistApp, Answers]:
    """The app with answers that are always the same."""
    app, answers = make_app(), Answers()
    app.inspection = answers  # type: ignore[assignment]
    return app, answers


async def test_a_mistake_is_looked_at_in_the_run_that_made_it(make_app: Maker, runs: Path) -> None:
    write_demo_run(runs, "v0", seed=0, wrong=60)
    write_demo_run(runs, "v3", seed=1, wrong=20)
    app, answers = answering(make_app)
    async with app.run_test(size=(120, 36)) as pilot:
        await at_errors(pilot)
        await pilot.press("v", "v", "l")
        await until_shown(pilot, "test image", "24 filters of conv1", "✗ marks dead filters (1)")
        assert "◆ v3" in text_in(pilot, "#title")
        await pilot.press("g")
        await until_shown(pilot, "Grad-CAM on conv2", "The background can light up")
        assert Path(answers.requests[-1].run).name.startswith("v3")
        assert answers.requests[-1].labels[0] == 6
        answers.died = "the process ended"
        await pilot.press("s")
        await until_shown(pilot, "The process ended")
        answers.died = ""
        await pilot.press("s")
        await until_shown(pilot, "Gradient of the score", "A saliency map shows")
        assert "The process ended" not in text_in(pilot, "#maps")
        answers.died = "the process ended"
        await pilot.press("r")
        await until_shown(pilot, "● v0", "The process ended")
        answers.died = ""
        await pilot.press("w")
        await until_shown(pilot, "● v0", "20 hidden units")


async def test_what_the_screen_offers_follows_the_network_and_the_run(make_app: Maker, runs: Path) -> None:
    run = write_demo_run(runs, "v0", seed=0, wrong=60)
    app, answers = answering(make_app)
    async with app.run_test(size=(80, 24)) as pilot:
        await look_inside(pilot)
        await until_shown(pilot, "20 hidden units, for Shirt, page 1 of 4", "esc Back")
        assert answers.requests[-1].labels == [6]
        await pilot.press("c")
        await until_shown(pilot, "20 hidden units, for", "esc Back")
        screen = pilot.app.screen
        assert isinstance(screen, InspectorScreen)
        await until(pilot, lambda: answers.requests[-1].labels != [6], "the contributions to the other class")
        shutil.rmtree(run.path)
        await pilot.press("x")
        await until_shown(pilot, "This run has been deleted")
        assert not screen.check_action("step_by_step", ())
        assert not screen.check_action("compare", ())
        number = screen._found.numbers["units"]
        screen.on_answered(Answered("units", Views(number=number, views=["saliency"])))
        assert not screen.check_action("view", ("units",))
        assert screen.check_action("view", ("saliency",))


def test_the_best_run_of_each_model_comes_first(runs: Path) -> None:
    written = [
        write_demo_run(runs, *case[:1], seed=case[1], wrong=case[2])
        for case in (("v0", 0, 60), ("v0", 1, 50), ("v3", 2, 20))
    ]
    records = [read_run(run) for run in written]
    assert [(run.version, run.seed) for run in runs_for(None, records, dataset())] == [("v3", 2), ("v0", 1), ("v0", 0)]
    assert [run.seed for run in runs_for(records[0], records, dataset())] == [0, 2, 1]


@pytest.mark.parametrize(
    ("version", "key", "expected", "size"),
    [
        pytest.param("v0", "w", "Weights of hidden units", (80, 24), id="units"),
        pytest.param("v1", "p", "Epoch 3 of 3", (80, 24), id="predictions"),
        pytest.param("v1", "f", "24 filters", (120, 36), id="filters"),
        pytest.param("v1", "g", "The background can light up", (120, 36), id="grad_cam"),
    ],
)
def test_pictures(
    make_app: Maker,
    runs: Path,
    snap_compare: Callable[..., bool],
    version: str,
    key: str,
    expected: str,
    size: tuple[int, int],
) -> None:
    write_snapshots(write_demo_run(runs, version, wrong=60))
    app, _ = answering(make_app)

    async def ready(pilot: AnyPilot) -> None:
        await look_inside(pilot)
        await until_shown(pilot, "predicted Shirt 70.00%", "p Predict")
        await pilot.press(key, *(["left"] if key == "p" else []))
        await until_shown(pilot, expected)

    assert snap_compare(app, terminal_size=size, run_before=ready)
