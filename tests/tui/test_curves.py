from __future__ import annotations

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from fmnist_tui.training.events import RunFinished
from fmnist_tui.tui.training.curves import ChartViewport, series
from fmnist_tui.tui.widgets.chart import Series

from .samples import EPOCHS, STEPS, epoch, snapshot_of, training, window

SNAPSHOT = snapshot_of([*training(), RunFinished("completed")])
GHOST = replace(snapshot_of(training("v1", epochs=2)), run_id="v1-20260102-000000-00aa")
WHATS = ("loss", "accuracy")


def by_name(what: str, view: ChartViewport | None = None) -> dict[str, Series]:
    return {one.name: one for one in series(SNAPSHOT, what, view or ChartViewport())}


def test_every_log_interval_is_a_point_behind_the_smoothed_line() -> None:
    raw, line, *_ = series(SNAPSHOT, "loss", ChartViewport())
    assert (raw.name, raw.joined, line.name, line.joined) == ("raw", False, "training", True)
    assert len(raw.x) == EPOCHS * STEPS
    assert raw.y.tolist() == pytest.approx([window(step).loss for step in range(1, EPOCHS * STEPS + 1)])
    assert np.abs(np.diff(line.y)).sum() < np.abs(np.diff(raw.y)).sum()


@pytest.mark.parametrize("what", WHATS)
def test_validation_is_a_point_at_each_epochs_end_and_the_best_one_is_marked(what: str) -> None:
    curves = by_name(what)
    expected = [getattr(epoch(number), f"validation_{what}") for number in range(1, EPOCHS + 1)]
    assert curves["validation"].x.tolist() == [number * STEPS for number in range(1, EPOCHS + 1)]
    assert curves["validation"].y.tolist() == expected
    assert (curves["best"].x.tolist(), curves["best"].y.tolist()) == ([3 * STEPS], [expected[2]])


def test_validation_of_many_epochs_is_a_line() -> None:
    epochs = tuple(msgspec.structs.replace(epoch(1), epoch=number, step=number * STEPS) for number in range(1, 60))
    few, many = (series(replace(SNAPSHOT, epochs=epochs[:count]), "loss", ChartViewport())[2] for count in (40, 41))
    assert (few.marker, few.joined) == ("x", False)
    assert (many.marker, many.joined) == ("hd", True)
    assert many.marker not in {one.marker for one in by_name("loss").values()}


def test_curves_differ_in_colour_and_in_their_marks() -> None:
    curves = series(SNAPSHOT, "loss", ChartViewport(overlay=GHOST.run_id), GHOST)
    assert len({one.colour for one in curves}) == len(curves)
    assert len({one.marker for one in curves}) == len(curves)


def test_without_smoothing_the_line_is_the_points() -> None:
    curves = by_name("loss", ChartViewport(smoothing=0))
    assert curves["training"].y.tolist() == SNAPSHOT.curve.loss.tolist()


@pytest.mark.parametrize(("axis", "last"), [("step", EPOCHS * STEPS), ("epoch", EPOCHS)])
def test_x_matches_the_label_of_the_axis(axis: str, last: float) -> None:
    assert by_name("loss", ChartViewport(axis=axis))["validation"].x[-1] == pytest.approx(last)


def test_minutes_are_counted_from_the_trainers_start() -> None:
    minutes = by_name("loss", ChartViewport(axis="time"))["raw"].x
    expected = (SNAPSHOT.curve.time - SNAPSHOT.started_at) / 60
    assert minutes.tolist() == pytest.approx(expected.tolist())


def test_a_window_shows_the_points_within_it_and_no_other() -> None:
    for one in by_name("loss", ChartViewport(steps=(60.0, 160.0))).values():
        assert np.all((one.x >= 60) & (one.x <= 160))


def test_another_runs_curve_is_drawn_behind_this_one() -> None:
    curves = series(SNAPSHOT, "loss", ChartViewport(overlay=GHOST.run_id), GHOST)
    [overlay] = [one for one in curves if one.behind]
    assert (overlay.name, len(overlay.x)) == ("overlay v1 (cross-entropy)", 2 * STEPS)
    assert series(SNAPSHOT, "accuracy", ChartViewport(), GHOST)[-1].name == "overlay v1"
    assert series(SNAPSHOT, "loss", ChartViewport(), SNAPSHOT)[-1].name == "overlay v0 00ff"


def test_a_longer_overlay_ends_where_the_run_is_to_end() -> None:
    short = snapshot_of([*training(epochs=1, asked=2)])
    assert series(short, "loss", ChartViewport(), GHOST)[-1].x[-1] == 2 * STEPS
    assert series(short, "loss", ChartViewport(axis="epoch"), SNAPSHOT)[-1].x[-1] == 2


@pytest.mark.parametrize("what", WHATS)
@pytest.mark.parametrize("axis", ["step", "epoch", "time"])
def test_a_run_that_has_not_begun_has_empty_curves(what: str, axis: str) -> None:
    assert [len(one.x) for one in series(snapshot_of([]), what, ChartViewport(axis=axis))] == [0, 0, 0, 0]
