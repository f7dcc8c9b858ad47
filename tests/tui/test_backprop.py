"""Backpropagation step by step: what is drawn of an operation, and the page in the app."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from fmnist_tui.inspection.backprop import FORWARD, Operand, Operation, Walk
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.manifest import read_config
from fmnist_tui.runs.run import read_run
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.backprop.choosing import NO_IMAGES, NO_RUN, first_step
from fmnist_tui.tui.backprop.drawing import Classes, draw_operation, layer_name, scale_line
from fmnist_tui.tui.cells import in_ascii
from fmnist_tui.tui.messages import StepByStep
from fmnist_tui.tui.widgets.value_maps import make_palette

from .demo_runs import dataset, write_demo_run
from .driving import AnyPilot, loaded, shown, text_in, until_shown

SIGNS = make_palette("none", "#000000", dark=True)
COLOURS = make_palette("truecolor", "#000000", dark=True)
CLASSES = Classes(("Coat", "Shirt", "Bag"), (0, 1, 2))
WEIGHTS = np.linspace(-1, 1, 40 * 64, dtype=np.float32).reshape(40, 64)
SUMS = Operation(
    FORWARD,
    "Weighted sums",
    "z = W x + b",
    (
        Operand("W", WEIGHTS),
        Operand("x", np.linspace(0, 2, 64, dtype=np.float32), is_image=True),
        Operand("b", np.array([0.5, -0.25, 0], np.float32)),
    ),
    Operand("z", np.array([1.5, -2, 12.345], np.float32)),
    "Why.",
)


def drawn(operation: Operation, width: int, height: int) -> list[str]:
    text = draw_operation(operation, CLASSES, (1, 8, 8), width, height, SIGNS)
    return text.plain.splitlines()


def test_operands_and_result_are_side_by_side_with_their_sizes_ranges_and_numbers() -> None:
    lines = drawn(SUMS, 100, 10)
    assert lines[0].split() == ["W", "40x64", "x", "64", "b", "3", "→", "z", "3"]
    assert "-1 to 1" in lines[1]
    assert lines[1].split()[-4:-2] == ["Coat", "+0.5000"]
    assert [line.split()[-1] for line in lines[1:4]] == ["+1.5000", "-2.0000", "+12.35"]
    assert set("%#") <= set("".join(lines[2:]))
    coloured = draw_operation(SUMS, CLASSES, (1, 8, 8), 100, 10, COLOURS)
    assert "▀" in coloured.plain
    assert scale_line(SUMS, SIGNS).plain.startswith("z: ")


def test_a_range_that_is_too_long_is_its_largest_value() -> None:
    small = Operand("ΔW", WEIGHTS * np.float32(0.000432))
    change = Operation(FORWARD, "Step", "ΔW", (small, small), small, "")
    assert "-0.00043 to 0.00043" in drawn(change, 100, 8)[1]
    assert "up to ±0.00043" in drawn(change, 56, 8)[1]


def test_it_fits_into_any_space() -> None:
    for width, height in ((58, 7), (78, 14), (198, 40)):
        lines = drawn(SUMS, width, height)
        assert len(lines) <= height
        assert max(map(len, lines)) <= width
    scalar = Operation(FORWARD, "Loss", "L", SUMS.operands[2:], Operand("L", np.array(0.125, np.float32)), "")
    assert "0.125" in "\n".join(drawn(scalar, 60, 8))
    assert not scale_line(scalar, SIGNS)


def test_where_not_all_classes_fit_every_vector_has_the_same_rows() -> None:
    """The largest values are of other classes in each; shown are the true class and the predicted one."""
    values = np.array([9, 1, 5], np.float32), np.array([1, 9, 5], np.float32)
    pair = Operation(FORWARD, "Loss", "L", (Operand("a", values[0]),), Operand("t", values[1]), "")
    found = Walk((pair,), np.array([0.1, 0.3, 0.6], np.float32), 1, {})
    classes = Classes.of(CLASSES.names, found)
    assert classes.first == [1, 2, 0]
    lines = draw_operation(pair, classes, (1, 8, 8), 60, 3, SIGNS).plain.splitlines()
    assert [line.split()[::2] for line in lines[1:]] == [["Shirt", "Shirt"], ["Bag", "Bag"]]


def test_the_layer_has_the_name_of_its_tensors_too() -> None:
    assert layer_name(replace(SUMS, layer=1), 30) == "layer 2 (W₂, layers.1)"
    assert layer_name(replace(SUMS, layer=1), 12) == "layers.1"
    assert not layer_name(SUMS, 30)


def test_formulas_in_ascii_stay_legible() -> None:
    assert in_ascii("δ₁ = ∂L/∂a₁ ⊙ φ'(z₁)") == "d1 = dL/da1 * f'(z1)"


async def test_an_image_is_walked_through_a_step(
    make_app: Callable[..., FmnistApp], runs: Path, finished_v0: RunDirectory
) -> None:
    shutil.copytree(finished_v0.path, runs / finished_v0.run_id)
    async with make_app().run_test(size=(60, 18)) as pilot:
        await loaded(pilot)
        await pilot.press("t", "l")
        await until_shown(pilot, "Weights of hidden units")
        await pilot.press("x")
        await until_shown(pilot, "Scale the pixels", "1 of 26", "test image 0")
        await pilot.press("right")
        await until_shown(pilot, "z₁ = W₁ x + b₁", "2 of 26")
        await pilot.press("g")
        await until_shown(pilot, "Error of the outputs", "T-shirt/top")
        before = text_in(pilot, "#arrays")
        await pilot.press("down")
        await until_shown(pilot, "test image 1", "Error of the outputs")
        assert text_in(pilot, "#arrays") != before
        await pilot.press("end", "right", "g")
        await until_shown(pilot, "Scale the pixels")
        await pilot.press("left", "end")
        await until_shown(pilot, "26 of 26", "After the step", "P new")
        await pilot.press("left")
        await until_shown(pilot, "25 of 26", "b₃ ← b₃ -", "Δb₃", "layers.2", "esc Back")
        await pilot.press("escape")
        await until_shown(pilot, "Weights of hidden units")
        assert "x Step by step" in shown(pilot.app)
        await pilot.press("escape", "2", "down", "b", "up", "b")
        await until_shown(pilot, "Scale the pixels", "test image 0")
        await pilot.press("escape", "3", "b")
        await until_shown(pilot, "Scale the pixels", "test image 0")


def test_it_begins_with_the_best_run_that_has_weights(runs: Path) -> None:
    written = [
        write_demo_run(runs, *case[:1], seed=case[1], wrong=case[2])
        for case in (("v0", 0, 60), ("v0", 1, 50), ("v3", 2, 20), ("v0", 3, 40))
    ]
    written[3].model.unlink()
    records = [read_run(run) for run in written]
    request = first_step(records, dataset())
    assert isinstance(request, StepByStep)
    assert (request.run.seed, request.label, request.title) == (1, int(dataset().test.labels[0]), "test image 0")
    np.testing.assert_array_equal(request.image, dataset().test.images[0])
    assert first_step(records[2:], dataset()) == NO_RUN
    assert first_step(records, None) == NO_IMAGES


def write_weights(run: RunDirectory) -> None:
    """Weights that are the same on every machine."""
    sizes, tensors = (784, 300, 100, 10), {}
    for layer, (inputs, outputs) in enumerate(pairwise(sizes)):
        places = np.arange(outputs)[:, None] * 0.37 + np.arange(inputs) * 0.11
        tensors[f"layers.{layer}.weight"] = (np.sin(places) * (2 / inputs) ** 0.5).astype(np.float32)
        tensors[f"layers.{layer}.bias"] = (np.cos(np.arange(outputs)) / 50).astype(np.float32)
    settings = read_config(run).hyperparameters
    scale, offset = repr(settings.input_scale), repr(settings.input_offset)
    metadata = {"version": "v0", "input_scale": scale, "input_offset": offset}
    run.model.write_bytes(safetensors.numpy.save(tensors, metadata))


@pytest.mark.parametrize(("size", "steps"), [((80, 24), 1), ((120, 36), 13)], ids=["80x24", "120x36"])
def test_its_picture(
    make_app: Callable[..., FmnistApp], runs: Path, snap_compare: Callable[..., bool], size: tuple[int, int], steps: int
) -> None:
    write_weights(write_demo_run(runs, "v0", wrong=60))

    async def ready(pilot: AnyPilot) -> None:
        await loaded(pilot)
        await pilot.press("2", "b")
        await until_shown(pilot, "Scale the pixels")
        await pilot.press(*["right"] * steps)
        await until_shown(pilot, f"{steps + 1} of 26")

    assert snap_compare(make_app(), terminal_size=size, run_before=ready)
