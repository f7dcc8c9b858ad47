"""What the trainer does where nothing can be written any more."""

from __future__ import annotations

import pytest

from fmnist_tui.training import events, trainer
from fmnist_tui.training.events import Command

from .fakes import FakeEngine, MemoryStore, drive, on
from .samples import task


def test_the_outcome_waits_for_disk_space_and_is_lost_in_no_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "_DISK_FULL_POLL", 0.01)
    ran = drive(FakeEngine(), task(window=3), store=MemoryStore(full=3))
    message = "no room for the result; the trainer waits until there is space"
    assert [alert for alert in ran.of(events.Alert) if alert.kind == "no_room"] == [events.Alert("no_room", message)]
    assert ran.events[-1] == events.RunFinished("completed", scored=True)
    assert ran.outcome.scores is not None


def test_a_run_that_diverged_ends_as_such_even_if_nothing_can_be_saved() -> None:
    script = on(events.Alert, Command.STOP_NOW, where=lambda alert: alert.kind == "no_room")
    ran = drive(FakeEngine(fault=(1, 2)), task(window=3), script, store=MemoryStore(full=10**6))
    (finished,) = ran.of(events.RunFinished)
    assert (finished.reason, finished.resumable) == ("diverged", False)
    assert "became nan" in finished.message


def test_who_does_not_want_to_wait_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "_DISK_FULL_POLL", 0.2)
    script = on(events.Alert, Command.STOP_NOW, where=lambda alert: alert.kind == "no_room")
    ran = drive(FakeEngine(), task(window=3), script, store=MemoryStore(full=10**6))
    (finished,) = ran.of(events.RunFinished)
    assert (finished.reason, finished.resumable) == ("stopped", True)
    assert (
        finished.message
        == "no checkpoint at step 14: no room; the run resumes from the previous checkpoint, if there is one"
    )
    assert ran.store.outcome is None
