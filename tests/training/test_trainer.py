"""The order of things in one training: batches, windows, epochs, validation, checkpoints, the test images."""

from __future__ import annotations

import os
import time
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from fmnist_tui.data import Dataset
from fmnist_tui.data.dataset import ImageSet
from fmnist_tui.host.node import host_name
from fmnist_tui.models.hyperparameters import learning_rate
from fmnist_tui.training import events, trainer
from fmnist_tui.training.checkpoint import Position
from fmnist_tui.training.engine import Totals
from fmnist_tui.training.events import Event
from fmnist_tui.training.metrics import score
from fmnist_tui.training.streams import epoch_order
from fmnist_tui.training.task import make_engine

from .fakes import FakeEngine, MemoryStore, drive
from .samples import assert_same_tensors, dataset, task


def test_a_whole_run_from_start_to_end() -> None:
    """Seven batches an epoch in windows of three: 3 + 3 + 1."""
    ran = drive(FakeEngine(), task(window=3))
    assert ran.names == [
        "RunStarted",
        *["StepMetrics", "StepMetrics", "StepMetrics", "Stage", "Epoch"],
        *["StepMetrics", "StepMetrics", "StepMetrics", "Stage", "Epoch"],
        "Stage",
        "CheckpointSaved",
        "RunFinished",
    ]
    assert [stage.name for stage in ran.of(events.Stage)] == ["validating", "validating", "scoring test images"]
    assert ran.events[0] == events.RunStarted("v0", 14, 7, 2, 1, os.getpid(), host_name(), "cpu", 1)
    assert ran.events[-2:] == [events.CheckpointSaved(14), events.RunFinished("completed", scored=True)]


def test_events_come_as_they_happen() -> None:
    """Whoever drives the training can stop between two events, and nothing has run ahead."""
    engine = FakeEngine()
    going = trainer.train(engine, task(window=3), lambda: None, MemoryStore())
    assert engine.steps == []
    assert isinstance(next(going), events.RunStarted)
    assert engine.steps == []
    assert cast(events.StepMetrics, next(going)).step == 3
    assert len(engine.steps) == 3
    cast(Any, going).close()


@pytest.mark.parametrize(
    ("window", "ends"), [(1, range(1, 8)), (2, (2, 4, 6, 7)), (3, (3, 6, 7)), (7, (7,)), (100, (7,))]
)
def test_log_intervals_are_counted_from_each_epochs_first_step_and_the_last_may_be_short(
    window: int, ends: tuple[int, ...]
) -> None:
    steps = drive(FakeEngine(), task(window=window)).of(events.StepMetrics)
    assert [step.step for step in steps] == [*ends, *(7 + end for end in ends)]
    assert [step.epoch for step in steps] == [1] * len(ends) + [2] * len(ends)


def test_each_log_interval_reports_means_over_its_own_images() -> None:
    made, engine = task(window=3), FakeEngine()
    ran = drive(engine, made)
    windows = [engine.steps[0:3], engine.steps[3:6], engine.steps[6:7], engine.steps[7:10]]
    for step, window in zip(ran.of(events.StepMetrics), windows, strict=False):
        images = [index for taken in window for index in taken.indices]
        assert step.loss == pytest.approx(np.mean(images))
        assert step.accuracy == pytest.approx(np.mean([index % 2 == 0 for index in images]))
        assert step.learning_rate == window[-1].learning_rate
        assert step.images_per_second > 0


def test_each_training_image_is_taken_once_an_epoch_and_the_last_batch_is_what_is_left() -> None:
    made, engine = task(), FakeEngine()
    drive(engine, made)
    for epoch in (1, 2):
        taken = [step.indices for step in engine.steps if step.epoch == epoch]
        assert [len(batch) for batch in taken] == [8] * 6 + [6]
        assert sorted(index for batch in taken for index in batch) == made.train_indices.tolist()


def test_the_order_is_the_epochs_own_and_depends_on_the_seed() -> None:
    made, engine = task(seed=4), FakeEngine()
    drive(engine, made)
    for epoch in (1, 2):
        taken = [index for step in engine.steps if step.epoch == epoch for index in step.indices]
        assert taken == epoch_order(4, epoch, made.train_indices).tolist()
    assert not np.array_equal(epoch_order(4, 1, made.train_indices), epoch_order(4, 2, made.train_indices))


def test_no_validation_image_is_ever_trained_on_and_all_are_validated_on_after_each_epoch() -> None:
    made, engine = task(), FakeEngine()
    drive(engine, made)
    trained = {index for step in engine.steps for index in step.indices}
    assert trained.isdisjoint(made.validation_indices.tolist())
    assert engine.evaluated == [tuple(made.validation_indices.tolist())] * 2


def test_validation_goes_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "evaluation_batch", lambda *_: 4)
    made, engine = task(), FakeEngine()
    ran = drive(engine, made)
    validation = made.validation_indices.tolist()
    assert engine.evaluated == [tuple(validation[:4]), tuple(validation[4:])] * 2
    assert ran.of(events.Epoch)[0].validation_loss == pytest.approx(np.mean(validation))


def test_each_step_has_its_address_and_the_schedules_rate() -> None:
    made, engine = task(changes={"epochs": 3}), FakeEngine()
    drive(engine, made)
    assert [(step.epoch, step.step) for step in engine.steps] == [(e, s) for e in (1, 2, 3) for s in range(7)]
    settings = made.config.hyperparameters
    rates = [learning_rate(settings.schedule, settings.learning_rate, n, 21) for n in range(21)]
    assert len(set(rates)) > 10
    assert [step.learning_rate for step in engine.steps] == rates


def test_an_epoch_reports_its_own_means() -> None:
    made, engine = task(), FakeEngine()
    for epoch, reported in enumerate(drive(engine, made).of(events.Epoch), start=1):
        assert (reported.epoch, reported.step) == (epoch, 7 * epoch)
        assert reported.train_loss == pytest.approx(made.train_indices.mean())
        assert reported.train_accuracy == pytest.approx((made.train_indices % 2 == 0).mean())
        assert reported.validation_loss == pytest.approx(made.validation_indices.mean())
        assert reported.validation_accuracy == pytest.approx((made.validation_indices % 2 == 0).mean())
        assert reported.validation_nll == 2.0
        assert 0 < reported.validation_seconds < reported.seconds


def test_an_epoch_is_best_where_it_beats_all_before_it() -> None:
    right = [3, 3, 5, 4, 5, 6]
    engine = FakeEngine(validation=[Totals(1.0, 1.0, correct, 6) for correct in right])
    ran = drive(engine, task(changes={"epochs": 6}))
    assert [epoch.is_best for epoch in ran.of(events.Epoch)] == [True, False, True, False, False, True]


def test_training_ends_early_after_so_many_epochs_without_a_better_validation_accuracy() -> None:
    right = [3, 5, 4, 5, 6]
    made = task(changes={"epochs": 5, "patience": 2})
    engine = FakeEngine(validation=[Totals(1.0, 1.0, correct, 6) for correct in right])
    ran = drive(engine, made)
    assert len(ran.of(events.Epoch)) == 4
    assert "early stopping: no better validation accuracy for 2 epochs" in [one.name for one in ran.of(events.Stage)]
    assert (ran.outcome.reason, ran.outcome.epochs, ran.outcome.early_stopped) == ("completed", 4, True)
    assert ran.events[-1] == events.RunFinished("completed", scored=True)
    settings, last = made.config.hyperparameters, engine.steps[-1]
    assert last.learning_rate == learning_rate(settings.schedule, settings.learning_rate, 27, 35)  # laid out over all


def test_a_run_resumed_from_any_checkpoint_ends_as_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0.0)
    right = [3, 5, 4, 5, 6, 6]
    totals = [Totals(1.0, 1.0, correct, 6) for correct in right]
    made = task(changes={"epochs": 6, "patience": 2}, window=7)
    whole = drive(FakeEngine(validation=list(totals)), made)
    assert whole.outcome.epochs == 4
    for checkpoint in whole.store.checkpoints:
        left = totals[checkpoint.position.epoch - 1 :]
        resumed = drive(FakeEngine(validation=left), made, start=checkpoint)
        assert (resumed.outcome.epochs, resumed.outcome.early_stopped) == (4, True)


def test_a_run_whose_patience_ends_with_its_last_epoch_is_not_stopped_early() -> None:
    engine = FakeEngine(validation=[Totals(1.0, 1.0, correct, 6) for correct in [5, 4, 4]])
    outcome = drive(engine, task(changes={"epochs": 3, "patience": 2})).outcome
    assert (outcome.reason, outcome.epochs, outcome.early_stopped) == ("completed", 3, False)


def test_even_a_first_epoch_with_no_correct_prediction_is_the_best_so_far() -> None:
    ran = drive(FakeEngine(validation=[Totals(1.0, 1.0, 0, 6)] * 2), task())
    assert [epoch.is_best for epoch in ran.of(events.Epoch)] == [True, False]


def test_the_outcome_holds_the_last_weights_and_what_they_make_of_the_test_images() -> None:
    made, engine = task(), FakeEngine()
    outcome = drive(engine, made).outcome
    assert (outcome.reason, outcome.epochs, outcome.steps) == ("completed", 2, 14)
    assert outcome.seconds > 0
    assert_same_tensors(outcome.weights or {}, engine.weights())
    assert outcome.probabilities is not None
    assert outcome.probabilities.dtype == np.float32
    assert outcome.labels is made.dataset.test.labels
    assert outcome.scores == score(outcome.probabilities, made.dataset.test.labels)
    assert outcome.scores.accuracy == 0.1  # the fake says class 3, and a tenth of the images are


def test_the_test_images_are_scored_once_each_at_the_very_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "evaluation_batch", lambda *_: 7)
    engine = FakeEngine()
    predicted_at: list[tuple[str, int]] = []

    def look(event: Event) -> tuple[()]:
        predicted_at.append((type(event).__name__, len(engine.predicted)))
        return ()

    drive(engine, task(), look)
    assert engine.predicted == list(range(20))
    assert [name for name, predicted in predicted_at if predicted] == ["CheckpointSaved", "RunFinished"]


class Untouchable:
    """A test set that nobody may look at."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"somebody read the test set's {name}")

    def __len__(self) -> int:
        raise AssertionError("somebody counted the test set")


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_without_scoring_the_test_images_are_not_touched_at_all(version: str) -> None:
    made = dataset()
    closed = Dataset(made.name, made.classes, made.train, cast(ImageSet, Untouchable()), made.source)
    prepared = task(version, data=closed, score_test=False)
    ran = drive(make_engine(prepared), prepared)
    assert ran.events[-1] == events.RunFinished("completed", scored=False)
    assert "scoring test images" not in [stage.name for stage in ran.of(events.Stage)]
    assert ran.outcome.weights is not None
    assert (ran.outcome.probabilities, ran.outcome.labels, ran.outcome.scores) == (None, None, None)


def test_while_it_trains_and_validates_the_test_images_are_not_touched() -> None:
    made = dataset()
    closed = Dataset(made.name, made.classes, made.train, cast(ImageSet, Untouchable()), made.source)
    going = trainer.train(FakeEngine(), task(data=closed), lambda: None, MemoryStore())
    while next(going) != events.Stage("scoring test images"):
        pass
    with pytest.raises(AssertionError, match="somebody counted the test set"):
        next(going)


def test_checkpoints_within_an_epoch_fall_on_ends_of_log_intervals_and_epochs_have_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0.0)
    ran = drive(FakeEngine(), task(window=3))
    places = [(cp.position.epoch, cp.position.epoch_step, cp.position.step) for cp in ran.store.checkpoints]
    assert places == [(1, 3, 3), (1, 6, 6), (1, 7, 7), (2, 0, 7), (2, 3, 10), (2, 6, 13), (2, 7, 14), (3, 0, 14)]
    assert [saved.step for saved in ran.of(events.CheckpointSaved)] == [3, 6, 7, 7, 10, 13, 14, 14]


def test_soon_after_a_checkpoint_only_the_last_epochs_end_saves_another() -> None:
    ran = drive(FakeEngine(), task(changes={"epochs": 4}))
    assert [checkpoint.position.epoch for checkpoint in ran.store.checkpoints] == [5]


def test_a_third_of_the_time_between_checkpoints_is_enough_at_an_epochs_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that moves on by 6 seconds each time it is looked at: twice an epoch of one window."""
    looks = count(0, 6)
    clock = SimpleNamespace(monotonic=lambda: float(next(looks)), perf_counter=time.perf_counter)
    monkeypatch.setattr(trainer, "time", clock)
    ran = drive(FakeEngine(), task(window=7, changes={"epochs": 4}))
    places = [(checkpoint.position.epoch, checkpoint.position.epoch_step) for checkpoint in ran.store.checkpoints]
    assert places == [(2, 0), (3, 0), (4, 0), (5, 0)]


def test_no_checkpoint_is_begun_while_another_is_being_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0.0)
    ran = drive(FakeEngine(), task(), store=MemoryStore(busy=True))
    assert [checkpoint.position.epoch for checkpoint in ran.store.checkpoints] == [3]


def test_a_checkpoint_is_a_position_between_two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0.0)
    made, engine = task(window=3), FakeEngine()
    checkpoints = drive(engine, made).store.checkpoints
    middle = checkpoints[1].position
    first_six = [index for taken in engine.steps[:6] for index in taken.indices]
    assert middle.epoch_totals == Totals(
        float(sum(first_six)), 0.0, sum(index % 2 == 0 for index in first_six), len(first_six)
    )
    assert middle.best_accuracy == -1.0
    after = checkpoints[3].position
    assert after == Position(epoch=2, step=7, seconds=after.seconds, best_accuracy=after.best_accuracy)
    assert after.seconds > middle.seconds > 0
    assert after.best_accuracy == pytest.approx((made.validation_indices % 2 == 0).mean())


def test_an_alert_of_the_store_is_passed_on() -> None:
    alert = events.Alert("checkpoint_failed", "no checkpoint at step 2: No space left on device")
    ran = drive(FakeEngine(), task(), store=MemoryStore(_news=[alert]))
    assert ran.events[2] == alert
    assert ran.events[-1] == events.RunFinished("completed", scored=True)


def test_until_an_epoch_it_saves_and_ends_without_scoring_and_goes_on_with_the_same_schedule() -> None:
    made = task(changes={"epochs": 3})
    whole = drive(FakeEngine(), made)
    store = MemoryStore()
    first = drive(FakeEngine(), made, store=store, until=2)
    assert first.events[-1] == events.RunFinished("stopped", resumable=True)
    assert store.outcome is None
    assert "trained until epoch 2, as requested" in [stage.name for stage in first.of(events.Stage)]
    start = store.checkpoints[-1]
    assert (start.position.epoch, start.position.epoch_step) == (3, 0)
    rest = drive(FakeEngine(), made, start=start)
    taken = first.of(events.StepMetrics)
    rates = [step.learning_rate for step in whole.of(events.StepMetrics)]
    assert [step.learning_rate for step in taken] == rates[: len(taken)]
    assert np.array_equal((rest.outcome.weights or {})["weight"], (whole.outcome.weights or {})["weight"])
    again = drive(FakeEngine(), made, start=start, until=2)  # killed after it had saved
    assert not again.of(events.StepMetrics)
    assert again.events[-1] == events.RunFinished("stopped", resumable=True)
