from __future__ import annotations

import numpy as np
import pytest

from fmnist_tui.training.events import RunFinished
from fmnist_tui.tui.charting import Series
from fmnist_tui.tui.curves import accuracy_series, loss_series

from .samples import EPOCHS, STEPS, epoch, snapshot_of, training, window

SNAPSHOT = snapshot_of([*training(), RunFinished("completed")])


def by_name(series: tuple[Series, ...]) -> dict[str, Series]:
    return {one.name: one for one in series}


def test_every_window_is_a_point_and_lies_behind_the_smoothed_line() -> None:
    raw, line, *_ = loss_series(SNAPSHOT)
    assert (raw.name, raw.joined, line.name, line.joined) == ("windows", False, "training", True)
    assert len(raw.x) == EPOCHS * STEPS
    assert raw.y.tolist() == pytest.approx([window(step).loss for step in range(1, EPOCHS * STEPS + 1)])
    assert np.abs(np.diff(line.y)).sum() < np.abs(np.diff(raw.y)).sum()


@pytest.mark.parametrize("of", [loss_series, accuracy_series])
def test_validation_is_a_point_at_each_epochs_end_and_the_best_one_is_marked(of: object) -> None:
    series = by_name(loss_series(SNAPSHOT) if of is loss_series else accuracy_series(SNAPSHOT))
    what = "validation_loss" if of is loss_series else "validation_accuracy"
    expected = [getattr(epoch(number), what) for number in range(1, EPOCHS + 1)]
    assert series["validation"].x.tolist() == [number * STEPS for number in range(1, EPOCHS + 1)]
    assert series["validation"].y.tolist() == expected
    assert (series["best"].x.tolist(), series["best"].y.tolist()) == ([3 * STEPS], [expected[2]])


def test_curves_differ_in_colour_and_in_their_marks() -> None:
    series = loss_series(SNAPSHOT)
    assert len({one.colour for one in series}) == len(series)
    assert len({one.marker for one in series}) == len(series)


def test_a_run_that_has_not_begun_has_empty_curves() -> None:
    for series in (loss_series(snapshot_of([])), accuracy_series(snapshot_of([]))):
        assert [len(one.x) for one in series] == [0, 0, 0, 0]
        assert [len(one.y) for one in series] == [0, 0, 0, 0]
