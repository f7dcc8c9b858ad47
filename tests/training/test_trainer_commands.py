"""Pause, continue, stop after the epoch, stop now, save: wherever in a training they are sent."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest

from fmnist_tui.training import events, trainer
from fmnist_tui.training.events import Command, Event

from .fakes import FakeEngine, MemoryStore, Ran, Script, drive, on
from .samples import assert_same_tensors, task

PAUSE, CONTINUE, SAVE = Command.PAUSE, Command.CONTINUE, Command.SAVE
AFTER_EPOCH, NOW = Command.STOP_AFTER_EPOCH, Command.STOP_NOW


def within_an_epoch(*commands: Command | None) -> Script:
    return on(events.StepMetrics, *commands, where=lambda step: step.step == 2)


def in_validation(*commands: Command | None) -> Script:
    return on(events.Stage, *commands, where=lambda stage: stage.name == "validating")


def in_the_last_validation(*commands: Command | None) -> Script:
    seen: list[Event] = []

    def second(stage: events.Stage) -> bool:
        seen.append(stage)
        return stage.name == "validating" and len(seen) == 2

    return on(events.Stage, *commands, where=second)


def while_scoring(*commands: Command | None) -> Script:
    return on(events.Stage, *commands, where=lambda stage: stage.name == "scoring test images")


PLACES = {
    "within an epoch": (within_an_epoch, 2),
    "in validation": (in_validation, 7),
    "in the last validation": (in_the_last_validation, 14),
    "while scoring": (while_scoring, 14),
}
EVERYWHERE = pytest.mark.parametrize("place", PLACES)


def run(place: str, *commands: Command | None) -> tuple[Ran, int]:
    """A run in which these commands are read at that place, and the step of that place."""
    at_place, step = PLACES[place]
    return drive(FakeEngine(), task(), at_place(*commands)), step


def undisturbed() -> Ran:
    return drive(FakeEngine(), task())


def learning_events(ran: Ran) -> list[Event]:
    """Steps and epochs without their times."""
    learned: list[Event] = []
    for event in ran.events:
        if isinstance(event, events.StepMetrics):
            learned.append(
                events.StepMetrics(event.step, event.epoch, event.loss, event.accuracy, event.learning_rate, 0.0)
            )
        elif isinstance(event, events.Epoch):
            learned.append(events.Epoch(event.epoch, event.step, event.train_loss, event.train_accuracy,
                                     event.validation_loss, event.validation_accuracy, event.validation_nll,
                                     0.0, 0.0, event.is_best))  # fmt: skip
    return learned


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that commands are read in the middle of an evaluation."""
    monkeypatch.setattr(trainer, "evaluation_batch", lambda *_: 4)
    monkeypatch.setattr(trainer, "_PAUSE_POLL", 0.001)


@EVERYWHERE
def test_a_pause_saves_waits_and_continues_as_if_it_had_not_happened(place: str) -> None:
    ran, step = run(place, PAUSE, None, None, CONTINUE)
    first, last = ran.events.index(events.Paused(step)), ran.events.index(events.Continued(step))
    assert set(ran.events[first + 1 : last]) == {events.CheckpointSaved(step)}
    assert learning_events(ran) == learning_events(undisturbed())
    assert_same_tensors(ran.outcome.weights or {}, undisturbed().outcome.weights or {})
    assert ran.events[-1] == events.RunFinished("completed", scored=True)


@EVERYWHERE
def test_nothing_moves_while_paused(place: str) -> None:
    engine, script = FakeEngine(), PLACES[place][0](PAUSE, None, None, None, CONTINUE)
    work: list[tuple[int, int, int]] = []

    def look(event: Event) -> Iterable[Command | None]:
        if isinstance(event, events.Paused | events.Continued):
            work.append((len(engine.steps), len(engine.evaluated), len(engine.predicted)))
        return script(event)

    drive(engine, task(), look)
    assert len(work) == 2
    assert work[0] == work[1]


@EVERYWHERE
def test_a_paused_run_can_be_saved_again(place: str) -> None:
    ran, step = run(place, PAUSE, SAVE, None, SAVE, CONTINUE)
    saved = [event.step for event in ran.of(events.CheckpointSaved)]
    assert saved.count(step) >= 3
    assert ran.of(events.Continued) == [events.Continued(step)]
    assert ran.events[-1] == events.RunFinished("completed", scored=True)


@EVERYWHERE
def test_a_paused_run_that_is_paused_again_stays_paused_once(place: str) -> None:
    ran, step = run(place, PAUSE, PAUSE, None, CONTINUE)
    assert ran.of(events.Paused) == [events.Paused(step)]
    assert ran.of(events.Continued) == [events.Continued(step)]


@EVERYWHERE
def test_a_save_is_a_checkpoint_there_and_then_and_changes_nothing_else(place: str) -> None:
    ran, step = run(place, SAVE)
    assert events.CheckpointSaved(step) in ran.events
    assert learning_events(ran) == learning_events(undisturbed())
    assert not ran.of(events.Paused)


@EVERYWHERE
def test_continue_where_nothing_is_paused_does_nothing(place: str) -> None:
    ran, _ = run(place, CONTINUE)
    assert ran.names == undisturbed().names


@EVERYWHERE
@pytest.mark.parametrize("while_paused", [False, True])
def test_stop_now_saves_that_very_step_and_scores_nothing(place: str, while_paused: bool) -> None:
    ran, step = run(place, *([PAUSE, None] if while_paused else []), NOW)
    assert events.StopRequested("now") in ran.events
    assert ran.events[-2:] == [
        events.CheckpointSaved(step),
        events.RunFinished("stopped", scored=False, resumable=True),
    ]
    assert ran.store.checkpoints[-1].position.step == step
    assert ran.store.outcome is None, "a run that goes on later has no result yet"


@EVERYWHERE
@pytest.mark.parametrize("while_paused", [False, True])
def test_a_run_stopped_now_goes_on_to_the_same_end(place: str, while_paused: bool) -> None:
    stopped, _ = run(place, *([PAUSE] if while_paused else []), NOW)
    made = task()
    ran = drive(FakeEngine(), made, start=stopped.store.checkpoints[-1])
    whole = undisturbed()
    assert_same_tensors(ran.outcome.weights or {}, whole.outcome.weights or {})
    together = learning_events(stopped) + learning_events(ran)
    assert together == learning_events(whole)
    assert ran.events[-1] == events.RunFinished("completed", scored=True)


@pytest.mark.parametrize("while_paused", [False, True])
@pytest.mark.parametrize("place", ["within an epoch", "in validation"])
def test_stop_after_epoch_ends_with_the_epoch_and_scores(place: str, while_paused: bool) -> None:
    ran, _ = run(place, *([PAUSE, None] if while_paused else []), AFTER_EPOCH)
    assert events.StopRequested("after-epoch") in ran.events
    assert [epoch.epoch for epoch in ran.of(events.Epoch)] == [1]
    assert ran.events[-1] == events.RunFinished("stopped", scored=True)
    assert (ran.outcome.reason, ran.outcome.epochs, ran.outcome.steps) == ("stopped", 1, 7)
    assert ran.outcome.scores is not None
    assert ran.store.checkpoints[-1].position.epoch == 2, "where the outcome can't be kept, the run goes on from here"
    assert len(ran.of(events.Continued)) == len(ran.of(events.Paused)) == int(while_paused)


@pytest.mark.parametrize("while_paused", [False, True])
@pytest.mark.parametrize("place", ["in the last validation", "while scoring"])
def test_stop_after_the_last_epoch_is_a_completed_run(place: str, while_paused: bool) -> None:
    ran, _ = run(place, *([PAUSE, None] if while_paused else []), AFTER_EPOCH)
    assert events.StopRequested("after-epoch") in ran.events
    assert ran.events[-1] == events.RunFinished("completed", scored=True)
    assert (ran.outcome.reason, ran.outcome.epochs) == ("completed", 2)


def test_stop_after_epoch_in_the_last_epoch_is_a_completed_run() -> None:
    ran = drive(FakeEngine(), task(), on(events.StepMetrics, AFTER_EPOCH, where=lambda step: step.epoch == 2))
    assert ran.events[-1] == events.RunFinished("completed", scored=True)


def test_stop_now_overrules_stop_after_epoch() -> None:
    ran, _ = run("within an epoch", AFTER_EPOCH, NOW)
    assert [asked.how for asked in ran.of(events.StopRequested)] == ["after-epoch", "now"]
    assert ran.events[-1] == events.RunFinished("stopped", scored=False, resumable=True)


@pytest.mark.parametrize("place", ["within an epoch", "in validation"])
def test_a_pause_holds_after_a_stop_was_asked_for_too(place: str) -> None:
    """Somebody needs the machine for a while; that the run is to end later doesn't change that."""
    ran, step = run(place, AFTER_EPOCH, PAUSE, None, None, SAVE, CONTINUE)
    paused_at = ran.of(events.Paused)[0]
    first = ran.events.index(paused_at)
    saved = events.CheckpointSaved(paused_at.step)
    assert ran.events[first : first + 4] == [paused_at, saved, saved, events.Continued(paused_at.step)]
    assert ran.events[-1] == events.RunFinished("stopped", scored=True)
    assert paused_at.step >= step


@pytest.mark.parametrize("place", ["within an epoch", "in validation"])
def test_the_time_of_a_pause_is_not_counted_as_training_or_validation(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Times feed the estimate of what is left, and the table's seconds an epoch."""
    monkeypatch.setattr(trainer, "_PAUSE_POLL", 0.5)
    begun = time.perf_counter()
    ran, _ = run(place, PAUSE, None, CONTINUE)
    assert time.perf_counter() - begun > 0.5
    epoch = ran.of(events.Epoch)[0]
    assert epoch.validation_seconds < 0.4
    assert epoch.seconds < 0.4
    assert ran.outcome.seconds < 0.4


def test_the_control_is_asked_before_each_log_interval_and_each_batch_of_an_evaluation() -> None:
    asked = 0

    def control() -> None:
        nonlocal asked
        asked += 1

    for _ in trainer.train(FakeEngine(), task(window=3), control, MemoryStore()):
        pass
    windows, validation_batches, test_batches = 3, 2, 5
    assert asked == 2 * (windows + validation_batches) + test_batches
