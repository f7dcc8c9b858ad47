"""A run that goes on from any of its checkpoints ends with the same bits: promised on a CPU with equal threads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from builtin_names import CNNS

from fmnist_tui.training import events, trainer
from fmnist_tui.training.checkpoint import Checkpoint, Position, load_newest, write_checkpoint
from fmnist_tui.training.events import Event
from fmnist_tui.training.task import Task, make_engine

from .fakes import MemoryStore, Ran, drive
from .samples import assert_same_tensors, task


@pytest.fixture(autouse=True)
def checkpoints_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """One at each window's end and at each epoch's."""
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0.0)


def whole_run(made: Task) -> Ran:
    return drive(make_engine(made), made)


def without_times(ran: Ran) -> list[Event]:
    """What was learned: losses, accuracies and learning rates, to the last bit."""
    reported: list[Event] = []
    for event in ran.events:
        if isinstance(event, events.StepMetrics):
            reported.append(msgspec.structs.replace(event, images_per_second=0.0))
        elif isinstance(event, events.Epoch):
            reported.append(msgspec.structs.replace(event, seconds=0.0, validation_seconds=0.0))
    return reported


def events_left(made: Task, position: Position) -> int:
    """How many windows and epochs are still to come."""
    windows_an_epoch = -(-made.steps_per_epoch // made.window)
    epochs = made.config.hyperparameters.epochs - position.epoch + 1
    return epochs * (windows_an_epoch + 1) - -(-position.epoch_step // made.window)


def assert_goes_on_the_same(made: Task, whole: Ran, start: Checkpoint) -> None:
    store = MemoryStore()
    ran = drive(make_engine(made), made, start=start, store=store)
    assert ran.names[0] == "Resumed"
    assert isinstance(ran.events[0], events.Resumed)
    assert ran.events[0].step == start.position.step
    assert "RunStarted" not in ran.names
    left = events_left(made, start.position)
    assert without_times(ran) == without_times(whole)[len(without_times(whole)) - left :]
    assert ran.events[-1] == whole.events[-1] == events.RunFinished("completed", scored=True)
    assert_same_tensors(ran.outcome.weights or {}, whole.outcome.weights or {})
    assert ran.outcome.probabilities is not None
    assert whole.outcome.probabilities is not None
    assert ran.outcome.probabilities.tobytes() == whole.outcome.probabilities.tobytes()
    assert ran.outcome.scores == whole.outcome.scores
    assert (ran.outcome.epochs, ran.outcome.steps) == (whole.outcome.epochs, whole.outcome.steps)
    assert_same_tensors(store.checkpoints[-1].tensors if left else start.tensors, whole.store.checkpoints[-1].tensors)


def places(ran: Ran) -> list[tuple[int, int]]:
    return [(checkpoint.position.epoch, checkpoint.position.epoch_step) for checkpoint in ran.store.checkpoints]


def test_two_whole_runs_of_a_seed_are_the_same_and_another_seed_is_not() -> None:
    one, two, other = whole_run(task()), whole_run(task()), whole_run(task(seed=1))
    assert without_times(one) == without_times(two)
    assert_same_tensors(one.outcome.weights or {}, two.outcome.weights or {})
    assert without_times(one) != without_times(other)


def test_v0_goes_on_bit_for_bit_from_every_checkpoint_by_way_of_the_disk(tmp_path: Path) -> None:
    made = task(window=3)
    whole = whole_run(made)
    assert places(whole) == [(1, 3), (1, 6), (1, 7), (2, 0), (2, 3), (2, 6), (2, 7), (3, 0)]
    for checkpoint in whole.store.checkpoints:
        write_checkpoint(tmp_path, checkpoint)
        read = load_newest(tmp_path)
        assert read is not None
        assert_goes_on_the_same(made, whole, read)


def test_v3_goes_on_bit_for_bit_from_every_checkpoint(tmp_path: Path) -> None:
    """With dropout and augmentation; 27 images in batches of 8, windows of 3 and 1."""
    made = task("v3", limit=30, window=3)
    assert (made.config.hyperparameters.flip, made.config.hyperparameters.shift) == ("on", 1)
    whole = whole_run(made)
    assert places(whole) == [(1, 3), (1, 4), (2, 0), (2, 3), (2, 4), (3, 0)]
    for checkpoint in whole.store.checkpoints:
        assert_goes_on_the_same(made, whole, checkpoint)
    write_checkpoint(tmp_path, whole.store.checkpoints[0])
    read = load_newest(tmp_path)
    assert read is not None
    assert_goes_on_the_same(made, whole, read)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("version", CNNS)
@pytest.mark.parametrize("threads", [1, 2])
def test_every_cnn_goes_on_bit_for_bit_on_any_number_of_threads(version: str, threads: int) -> None:
    made = task(version, window=2, threads=threads)
    whole = whole_run(made)
    for checkpoint in whole.store.checkpoints:
        assert_goes_on_the_same(made, whole, checkpoint)


def test_a_resume_of_a_resume_ends_with_the_same_bits_too() -> None:
    made = task(window=3)
    whole = whole_run(made)
    first = drive(make_engine(made), made, start=whole.store.checkpoints[1])
    later = next(checkpoint for checkpoint in first.store.checkpoints if checkpoint.position.step == 13)
    assert_goes_on_the_same(made, whole, later)


def test_a_resumed_run_counts_the_seconds_of_before() -> None:
    made = task(window=3)
    start = whole_run(made).store.checkpoints[1]
    before = replace(start.position, seconds=500.0, epoch_seconds=100.0)
    ran = drive(make_engine(made), made, start=replace(start, position=before))
    first, second = ran.of(events.Epoch)
    assert 100 < first.seconds < 200
    assert second.seconds < 100
    assert 500 < ran.outcome.seconds < 600


def test_a_resumed_run_remembers_the_best_epoch_so_far() -> None:
    made = task(window=3)
    start = whole_run(made).store.checkpoints[3]
    position = replace(start.position, best_accuracy=1.1)
    ran = drive(make_engine(made), made, start=replace(start, position=position))
    assert [epoch.is_best for epoch in ran.of(events.Epoch)] == [False]


def test_a_checkpoint_of_another_network_is_refused_and_named() -> None:
    start = Checkpoint(Position(), {"weight": np.zeros(1)})
    made = task()
    with pytest.raises(ValueError, match=r"tensor layers\.0\.weight is missing"):
        drive(make_engine(made), made, start=start)
