from __future__ import annotations

import math

import numpy as np
import pytest
from msgspec.structs import replace

from fmnist_tui.models.looks import look_of
from fmnist_tui.training.events import RunFinished
from fmnist_tui.tui.themes import THEMES
from fmnist_tui.tui.training.curves import ChartViewport, axes, series
from fmnist_tui.tui.widgets.drawing import Series

from .samples import EPOCHS, STEPS, epoch, snapshot_of, training, window

DARK, LIGHT = THEMES
SNAPSHOT = snapshot_of([*training(), RunFinished("completed")])
OTHER = replace(snapshot_of(training("v1", epochs=2)), run_id="v1-20260102-000000-00aa")
WHATS = ("loss", "accuracy")
STEP_AXIS = ChartViewport(axis="step")


def by_name(what: str, view: ChartViewport = STEP_AXIS) -> dict[str, Series]:
    return {one.name: one for one in series(SNAPSHOT, what, view, DARK)}


def test_every_log_interval_is_a_point_behind_the_smoothed_line() -> None:
    raw, line, *_ = series(SNAPSHOT, "loss", STEP_AXIS, DARK)
    assert (raw.name, raw.joined, line.name, line.joined) == ("", False, "training", True)
    assert len(raw.x) == EPOCHS * STEPS
    assert raw.y.tolist() == pytest.approx([window(step).loss for step in range(1, EPOCHS * STEPS + 1)])
    assert np.abs(np.diff(line.y)).sum() < np.abs(np.diff(raw.y)).sum()


@pytest.mark.parametrize("what", WHATS)
def test_validation_is_known_at_each_epochs_end_and_the_best_one_has_a_star(what: str) -> None:
    curves = by_name(what)
    expected = [getattr(epoch(number), f"validation_{what}") for number in range(1, EPOCHS + 1)]
    assert curves["validation"].x.tolist() == [number * STEPS for number in range(1, EPOCHS + 1)]
    assert curves["validation"].y.tolist() == expected
    assert (curves["best"].x.tolist(), curves["best"].y.tolist()) == ([3 * STEPS], [expected[2]])
    assert curves["validation"].end == ("83.0%" if what == "accuracy" else f"{expected[-1]:.3f}")


def test_validation_has_the_models_colour_and_training_is_dimmer_and_dashed() -> None:
    curves = by_name("loss")
    assert curves["validation"].colour == look_of("v0").on_dark
    assert curves["training"].dashed
    assert not curves["validation"].dashed
    assert len({one.colour for one in series(SNAPSHOT, "loss", STEP_AXIS, DARK)}) == 3
    assert {one.name: one for one in series(SNAPSHOT, "loss", STEP_AXIS, LIGHT)}["best"].colour == look_of(
        "v0"
    ).on_light


def test_without_smoothing_the_line_is_the_points() -> None:
    curves = by_name("loss", ChartViewport(smoothing=0))
    assert curves["training"].y.tolist() == SNAPSHOT.curve.loss.tolist()


@pytest.mark.parametrize(("axis", "last"), [("step", EPOCHS * STEPS), ("epoch", EPOCHS)])
def test_x_matches_the_label_of_the_axis(axis: str, last: float) -> None:
    assert by_name("loss", ChartViewport(axis=axis))["validation"].x[-1] == pytest.approx(last)


def test_minutes_are_counted_from_the_trainers_start() -> None:
    minutes = by_name("loss", ChartViewport(axis="time"))["training"].x
    expected = (SNAPSHOT.curve.time - SNAPSHOT.started_at) / 60
    assert minutes.tolist() == pytest.approx(expected.tolist())


@pytest.mark.parametrize(("axis", "end"), [("step", EPOCHS * STEPS), ("epoch", EPOCHS)])
def test_x_spans_the_whole_run_from_its_first_epoch_on(axis: str, end: float) -> None:
    begun = snapshot_of(training(epochs=1))
    assert axes(begun, "loss", ChartViewport(axis=axis), None, DARK).x_range == (0.0, end)
    zoomed = ChartViewport(axis=axis, steps=(0.0, EPOCHS * STEPS / 2))
    assert axes(begun, "loss", zoomed, None, DARK).x_range == (0.0, end / 2)


def test_the_fall_of_the_first_epoch_does_not_set_the_range_of_y() -> None:
    curves = by_name("loss")
    assert curves["training"].range_from == STEPS
    assert curves["validation"].range_from == -math.inf
    begun = snapshot_of([*training(epochs=0), *(window(step) for step in range(1, 11))])
    assert series(begun, "loss", STEP_AXIS, DARK)[1].range_from == pytest.approx(3.0), "30% of the first ten steps"
    zoomed = ChartViewport(axis="step", steps=(0.0, 20.0))
    assert by_name("loss", zoomed)["training"].range_from == -math.inf, "who zooms in there wants to see it"


def test_other_runs_are_drawn_behind_in_their_models_colour_and_a_second_one_of_a_model_dashed() -> None:
    second = replace(SNAPSHOT, run_id="v0-20260102-000000-00bb")
    curves = series(SNAPSHOT, "accuracy", STEP_AXIS, DARK, [OTHER, second])
    first, same = [one for one in curves if one.behind and one.name]
    assert (first.name, first.dashed, first.colour, len(first.x)) == ("v1", False, look_of("v1").on_dark, 2)
    assert (same.name, same.dashed, same.colour) == ("v0 00bb", True, look_of("v0").on_dark)
    [unlike] = [one for one in series(SNAPSHOT, "loss", STEP_AXIS, DARK, [OTHER]) if one.behind and one.name]
    assert (unlike.name, unlike.range_from) == ("v1 (cross-entropy)", math.inf), "another kind of loss"


def test_an_overlay_without_an_epoch_shows_its_training_curve() -> None:
    begun = replace(snapshot_of(training("v1", epochs=1)), run_id=OTHER.run_id, epochs=())
    assert len(series(SNAPSHOT, "loss", STEP_AXIS, DARK, [begun])[-1].x) == STEPS


@pytest.mark.parametrize("what", WHATS)
@pytest.mark.parametrize("axis", ["step", "epoch", "time"])
def test_a_run_that_has_not_begun_has_empty_curves(what: str, axis: str) -> None:
    assert [len(one.x) for one in series(snapshot_of([]), what, ChartViewport(axis=axis), DARK)] == [0, 0, 0]
