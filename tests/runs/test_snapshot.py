from __future__ import annotations

import math
import time
from collections.abc import Callable
from itertools import count

import pytest

from fmnist_tui.runs.event_log import Logged
from fmnist_tui.runs.fold import Snapshot, SnapshotFold
from fmnist_tui.training.events import (
    Alert,
    CheckpointSaved,
    Continued,
    Dynamics,
    Event,
    LayerDynamics,
    Paused,
    Queued,
    Resumed,
    RunFinished,
    Stage,
    StopRequested,
)

from .logs import EVERY_EVENT, STARTED, epoch, step

EPOCH_1: list[Event] = [step(5), step(10), Stage("validating"), epoch(1, 0.7)]
EPOCH_2: list[Event] = [step(15), step(20), Stage("validating"), epoch(2, 0.9)]
EPOCH_3: list[Event] = [step(25), step(30), Stage("validating"), epoch(3, 0.9)]
WHOLE: list[Event] = [Stage("loading data"), STARTED, *EPOCH_1, *EPOCH_2, CheckpointSaved(20), *EPOCH_3]


def fold(*events: Event) -> Snapshot:
    folding = SnapshotFold("v0-20260101-120000-00ff")
    for number, event in zip(count(), events, strict=False):
        folding.add(Logged(event, 1000.0 + number, number))
    return folding.snapshot()


def test_a_run_without_a_log_is_a_snapshot_too() -> None:
    empty = fold()
    assert (empty.run_id, empty.step, empty.epoch, len(empty.curve)) == ("v0-20260101-120000-00ff", 0, 0, 0)
    assert (empty.best_epoch, empty.started, empty.finished, empty.saved_step) == (None, None, None, None)


def test_every_event_can_be_folded() -> None:
    assert fold(*EVERY_EVENT).finished == EVERY_EVENT[-1]


def test_a_whole_run_folds_into_its_curve_its_epochs_and_its_end() -> None:
    end = RunFinished("completed", scored=True)
    whole = fold(*WHOLE, Stage("scoring test images"), CheckpointSaved(30), end)
    assert whole.curve.step.tolist() == [5, 10, 15, 20, 25, 30]
    assert [one.epoch for one in whole.epochs] == [1, 2, 3]
    assert (whole.started, whole.started_at) == (STARTED, 1001.0)
    assert whole.finished == end
    assert (whole.saved_step, whole.stage, whole.stopping, whole.paused) == (30, "", "", False)
    assert (whole.step, whole.epoch) == (30, 3)


def test_what_follows_the_end_means_nothing_until_another_trainer_begins() -> None:
    end = RunFinished("completed")
    strayed = fold(STARTED, *EPOCH_1, end, step(15), Stage("validating"), epoch(2))
    assert (strayed.step, strayed.finished, len(strayed.epochs), strayed.stage) == (10, end, 1, "")
    assert fold(STARTED, *EPOCH_1, end, step(15), Resumed(10, 1), step(15)).step == 15


def test_the_best_epoch_is_the_first_of_those_with_the_best_validation_accuracy() -> None:
    best = fold(*WHOLE).best_epoch
    assert best
    assert best.epoch == 2


@pytest.mark.parametrize(
    ("events", "in_progress"),
    [
        ([STARTED], 1),
        ([STARTED, step(5)], 1),
        ([STARTED, step(5), step(10), Stage("validating")], 1),
        ([STARTED, *EPOCH_1], 2),
        ([STARTED, *EPOCH_1, step(15)], 2),
        ([STARTED, *EPOCH_1, *EPOCH_2, *EPOCH_3], 3),
    ],
)
def test_an_epoch_is_in_progress_until_its_validation_has_ended(events: list[Event], in_progress: int) -> None:
    assert fold(*events).epoch == in_progress


def test_a_stage_lasts_until_the_steps_go_on() -> None:
    assert fold(STARTED, step(5), step(10), Stage("validating")).stage == "validating"
    assert fold(STARTED, *EPOCH_1).stage == ""
    assert fold(Stage("loading data"), STARTED).stage == ""
    assert fold(STARTED, Stage("scoring test images"), step(5)).stage == ""


def test_a_pause_lasts_until_it_is_continued() -> None:
    assert fold(STARTED, step(5), Paused(5)).paused
    assert fold(STARTED, step(5), Paused(5), CheckpointSaved(5)).paused
    assert not fold(STARTED, step(5), Paused(5), Continued(5)).paused
    assert not fold(STARTED, step(5), Paused(5), StopRequested("now"), RunFinished("stopped")).paused


def test_a_stop_is_seen_from_the_moment_when_it_was_asked_for() -> None:
    assert fold(STARTED, step(5), StopRequested("after-epoch"), step(10)).stopping == "after-epoch"
    assert fold(STARTED, step(5), StopRequested("now")).stopping == "now"


def test_a_stop_is_over_when_the_trainer_has_ended_or_another_begins() -> None:
    asked: list[Event] = [STARTED, step(5), StopRequested("now"), CheckpointSaved(5)]
    assert fold(*asked, RunFinished("stopped", resumable=True)).stopping == ""
    assert fold(*asked, Stage("waiting for cpu")).stopping == ""
    assert fold(*asked, Stage("loading data")).stopping == ""
    assert fold(*asked, Stage("validating")).stopping == "now"


def test_alerts_are_kept_oldest_first_and_a_flood_of_them_does_not_grow_for_ever() -> None:
    assert [alert.kind for alert in fold(Alert("a", ""), Alert("b", "")).alerts] == ["a", "b"]
    flood = fold(*(Alert("spike", str(number)) for number in range(1000))).alerts
    assert 50 < len(flood) < 500
    assert flood[-1].message == "999"


def test_a_loss_that_is_not_finite_harms_nothing() -> None:
    diverged = fold(STARTED, step(5), step(10, loss=math.nan), Alert("non_finite", ""), RunFinished("diverged"))
    assert math.isnan(diverged.curve.loss[-1])
    assert (diverged.step, diverged.best_epoch) == (10, None)


# Going on


def test_a_resumed_run_forgets_what_came_after_its_checkpoint() -> None:
    resumed = fold(*WHOLE, Stage("loading data"), Resumed(15, 1))
    assert resumed.curve.step.tolist() == [5, 10, 15]
    assert [one.epoch for one in resumed.epochs] == [1]
    assert (resumed.step, resumed.epoch, resumed.resumed_at_step) == (15, 2, 15)
    assert resumed.started == STARTED


def test_a_resumed_run_folds_into_what_an_undisturbed_one_does() -> None:
    resumed, whole = fold(*WHOLE, Resumed(20, 1), *EPOCH_3), fold(*WHOLE)
    assert resumed.curve.step.tolist() == whole.curve.step.tolist()
    assert resumed.curve.loss.tolist() == whole.curve.loss.tolist()
    assert resumed.epochs == whole.epochs


def test_an_epoch_that_is_validated_again_is_listed_once() -> None:
    again = fold(STARTED, *EPOCH_1, step(15), Resumed(10, 1), Stage("validating"), epoch(1, 0.7), step(15))
    assert [one.epoch for one in again.epochs] == [1]
    assert again.curve.step.tolist() == [5, 10, 15]


def test_a_run_that_goes_on_is_neither_paused_nor_stopping_nor_finished() -> None:
    stopped: list[Event] = [
        STARTED,
        step(5),
        Paused(5),
        StopRequested("now"),
        CheckpointSaved(5),
        RunFinished("stopped"),
    ]
    resumed = fold(*stopped, Resumed(5, 1))
    assert (resumed.paused, resumed.stopping, resumed.finished, resumed.stage) == (False, "", None, "")


def test_a_run_is_not_finished_any_more_when_a_new_trainer_loads_its_data() -> None:
    stopped: list[Event] = [
        STARTED,
        step(5),
        StopRequested("now"),
        CheckpointSaved(5),
        RunFinished("stopped", resumable=True),
    ]
    assert fold(*stopped, Stage("loading data")).finished is None


def test_a_run_is_not_paused_any_more_when_a_new_trainer_loads_its_data() -> None:
    assert not fold(STARTED, step(5), Paused(5), CheckpointSaved(5), Stage("loading data")).paused


def test_a_run_that_begins_again_without_a_checkpoint_forgets_all_that_it_did() -> None:
    again = fold(STARTED, *EPOCH_1, step(15), StopRequested("now"), RunFinished("stopped"), STARTED, step(5))
    assert again.curve.step.tolist() == [5]
    assert again.epochs == ()
    assert (again.stopping, again.finished, again.step) == ("", None, 5)


def test_earlier_snapshots_stay_as_they_were() -> None:
    folding = SnapshotFold("a")
    for event in WHOLE:
        folding.add(Logged(event, 1.0, 0))
    before = folding.snapshot()
    for event in (Resumed(5, 1), step(10, loss=9.0), epoch(1, 0.1)):
        folding.add(Logged(event, 2.0, 0))
    assert before.curve.step.tolist() == [5, 10, 15, 20, 25, 30]
    assert before.curve.loss.tolist() == [0.5] * 6
    assert len(before.epochs) == 3
    assert folding.snapshot().curve.loss.tolist() == [0.5, 9.0]


# Queues and attempts


def test_a_queued_run_waits_for_its_device() -> None:
    queued = fold(STARTED, *EPOCH_1, RunFinished("stopped", resumable=True), Queued("cuda"))
    assert (queued.stage, queued.finished, queued.stopping, queued.paused) == ("waiting for cuda", None, "", False)
    assert (queued.step, len(queued.epochs)) == (10, 1)


def test_a_queued_run_that_is_cancelled_has_ended() -> None:
    cancelled = fold(Queued("cpu"), RunFinished("stopped", resumable=True))
    assert (cancelled.stage, cancelled.ending) == ("", "stopped before it began")


def test_what_a_replaced_trainer_writes_is_not_in_the_snapshot() -> None:
    folding = SnapshotFold("a")
    lines: list[tuple[int, Event]] = [
        *((1, event) for event in (STARTED, *EPOCH_1, step(15), Paused(15))),
        (2, Stage("importing PyTorch")),
        (1, StopRequested("now")),
        (2, Resumed(10, 2)),
        (1, step(20, loss=9.0)),
        (1, epoch(2, 0.99)),
        (1, RunFinished("stopped")),
        (2, step(15, loss=0.1)),
    ]
    for number, (attempt, event) in enumerate(lines):
        folding.add(Logged(event, 1000.0 + number, number, attempt))
        if event == Stage("importing PyTorch"):
            assert (folding.snapshot().paused, folding.snapshot().stage) == (False, "importing PyTorch")
    last = folding.snapshot()
    assert last.curve.loss.tolist() == [0.5, 0.5, 0.1]
    assert ([one.epoch for one in last.epochs], last.finished, last.stopping) == ([1], None, "")


def test_a_step_of_a_new_trainer_ends_what_the_one_before_did() -> None:
    folding = SnapshotFold("a")
    for attempt, event in ((1, STARTED), (1, StopRequested("now")), (1, RunFinished("stopped")), (2, step(5))):
        folding.add(Logged(event, 1000.0, 0, attempt))
    assert (folding.snapshot().finished, folding.snapshot().stopping, folding.snapshot().step) == (None, "", 5)


# Cost


def seconds_to_fold(log: list[Logged]) -> float:
    """CPU time; the least of three."""

    def once() -> float:
        begun = time.process_time()
        folding = SnapshotFold("a")
        for logged in log:
            folding.add(logged)
        folding.snapshot()
        return time.process_time() - begun

    return min(once() for _ in range(3))


@pytest.mark.parametrize(
    "of_an_epoch",
    [
        lambda n: [step(10 * n), epoch(n)],
        lambda n: [step(10 * n), epoch(n), Stage("validating"), CheckpointSaved(10 * n), Alert("spike", str(n))],
        lambda n: [step(10 * n), epoch(n), Resumed(10 * n, 1)],
        lambda n: [step(10 * n), epoch(n), Resumed(0, 1)],
    ],
    ids=["epochs", "all kinds", "resumed after each", "resumed at the start after each"],
)
def test_a_log_ten_times_as_long_takes_about_ten_times_as_long(of_an_epoch: Callable[[int], list[Event]]) -> None:
    log = [Logged(event, 1.0, 0) for number in range(1, 10_001) for event in [*of_an_epoch(number)]]
    short = log[: len(log) // 10]
    assert seconds_to_fold(log) < 30 * seconds_to_fold(short)


def test_the_dynamics_of_epochs_that_a_resume_took_back_are_dropped() -> None:
    layers = (LayerDynamics("layers.0", 0.5, 1e-3, 0.25),)
    first, second = Dynamics(1, 10, layers), Dynamics(2, 20, layers)
    log = [STARTED, *EPOCH_1, first, *EPOCH_2, second, Alert("dead_units", "dead")]
    assert fold(*log).dynamics == (first, second)
    assert fold(*log, Resumed(15, 2)).dynamics == (first,)
    again = Dynamics(2, 20, ())
    assert fold(*log, Resumed(15, 2), step(20), epoch(2), again).dynamics == (first, again)
    assert fold(*log, STARTED).dynamics == ()
