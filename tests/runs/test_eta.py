from __future__ import annotations

import pytest
from msgspec.structs import replace

from fmnist_tui.runs.event_log import Logged
from fmnist_tui.runs.fold import SnapshotFold
from fmnist_tui.runs.usage import seconds_left
from fmnist_tui.training.events import Resumed, RunFinished, RunStarted, Stage, StopRequested

from .logs import epoch, step

STARTED = RunStarted("v0", total_steps=1000, steps_per_epoch=10, epochs=100, parameters=1, pid=1)


def run_of(steps: range, seconds: float, start: float = 1000.0) -> SnapshotFold:
    """A run whose windows are single steps, each of `seconds`; the log rounds times to milliseconds."""
    folding = SnapshotFold("a")
    folding.add(Logged(STARTED, start, 0))
    for number in steps:
        folding.add(Logged(step(number), round(start + number * seconds, 3), number))
    return folding


def test_nothing_is_estimated_before_there_is_something_to_go_by() -> None:
    assert seconds_left(SnapshotFold("a").snapshot()) is None
    assert seconds_left(run_of(range(1, 3), 1.0).snapshot()) is None


def test_steps_to_go_take_as_long_as_those_before() -> None:
    assert seconds_left(run_of(range(1, 201), 0.5).snapshot()) == pytest.approx(400, rel=0.01)


def test_log_intervals_shorter_than_the_logs_clock_count_too() -> None:
    assert seconds_left(run_of(range(1, 601), 0.0004).snapshot()) == pytest.approx(0.16, rel=0.2)


def test_validations_to_come_are_counted() -> None:
    folding = run_of(range(1, 11), 0.5)
    folding.add(Logged(replace(epoch(1), validation_seconds=2.0), 1007.0, 11))
    left = seconds_left(folding.snapshot())
    assert left == pytest.approx(990 * 0.5 + 99 * 2.0, rel=0.01)


def test_a_run_that_stops_after_its_epoch_takes_but_the_rest_of_it() -> None:
    folding = run_of(range(1, 16), 0.5)
    folding.add(Logged(replace(epoch(1), validation_seconds=2.0), 1009.0, 16))
    folding.add(Logged(StopRequested("after-epoch"), 1009.0, 17))
    assert seconds_left(folding.snapshot()) == pytest.approx(5 * 0.5 + 2.0, rel=0.01)


def test_a_pause_and_the_first_log_intervals_do_not_count() -> None:
    folding = SnapshotFold("a")
    folding.add(Logged(STARTED, 0.0, 0))
    time = 0.0
    for number in range(1, 101):
        time += 60.0 if number in (1, 2, 50) else 0.5
        folding.add(Logged(step(number), time, number))
    assert seconds_left(folding.snapshot()) == pytest.approx(450, rel=0.01)


def test_the_time_between_two_trainers_does_not_count() -> None:
    folding = run_of(range(1, 101), 0.5)
    for event, time in ((Stage("loading data"), 9000.0), (Resumed(100, 2), 9001.0)):
        folding.add(Logged(event, time, 0))
    assert seconds_left(folding.snapshot()) is None
    for number in range(101, 111):
        folding.add(Logged(step(number), 9001.0 + (number - 100) * 2.0, number))
    assert seconds_left(folding.snapshot()) == pytest.approx(890 * 2.0, rel=0.01)


def test_a_run_that_has_ended_takes_no_more_time() -> None:
    folding = run_of(range(1, 101), 0.5)
    folding.add(Logged(RunFinished("stopped", scored=True), 2000.0, 101))
    assert seconds_left(folding.snapshot()) is None
