from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged, encode
from fmnist_tui.runs.lock import acquire, holding, new_attempt
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.events import (
    Alert,
    CheckpointSaved,
    Continued,
    Event,
    Paused,
    Resumed,
    RunFinished,
    Stage,
    StopRequested,
)

from .logs import STARTED, beat, epoch, step, write_log
from .trainers import copy_of, running

BEGUN: list[Event] = [Stage("loading data"), STARTED, step(5)]
QUEUED: list[Event] = [Stage("waiting for cpu")]
PAUSED: list[Event] = [*BEGUN, Paused(5)]

WITH_TRAINER = {
    "that has logged nothing yet": ([], Status.RUNNING),
    "that waits for its device": (QUEUED, Status.QUEUED),
    "whose turn has come": ([*QUEUED, Stage("loading data")], Status.RUNNING),
    "that loads": ([Stage("loading data")], Status.RUNNING),
    "that trains": (BEGUN, Status.RUNNING),
    "that has saved": ([*BEGUN, CheckpointSaved(5)], Status.RUNNING),
    "that validates": ([*BEGUN, step(10), Stage("validating")], Status.RUNNING),
    "that was alarmed": ([*BEGUN, Alert("checkpoint_failed", "no room")], Status.RUNNING),
    "that is paused": (PAUSED, Status.PAUSED),
    "that is paused and has saved": ([*PAUSED, CheckpointSaved(5)], Status.PAUSED),
    "that is paused and could not save": ([*PAUSED, Alert("checkpoint_failed", "no room")], Status.PAUSED),
    "that was continued": ([*PAUSED, CheckpointSaved(5), Continued(5)], Status.RUNNING),
    "that is stopping": ([*BEGUN, StopRequested("after-epoch")], Status.RUNNING),
    "that went on": ([*PAUSED, Resumed(5, 1)], Status.RUNNING),
    "that is about to leave": ([*BEGUN, RunFinished("completed", scored=True)], Status.RUNNING),
}

WITHOUT_TRAINER = {
    "never begun": ([], Status.INTERRUPTED),
    "killed while it waited": (QUEUED, Status.INTERRUPTED),
    "killed while it trained": (BEGUN, Status.INTERRUPTED),
    "killed while it was paused": (PAUSED, Status.INTERRUPTED),
    "killed after it had saved": ([*BEGUN, CheckpointSaved(5)], Status.INTERRUPTED),
    "completed": ([*BEGUN, RunFinished("completed", scored=True)], Status.FINISHED),
    "completed without a test": ([*BEGUN, RunFinished("completed")], Status.FINISHED),
    "stopped after an epoch": ([*BEGUN, epoch(1), RunFinished("stopped", scored=True)], Status.FINISHED),
    "stopped now": ([*BEGUN, CheckpointSaved(5), RunFinished("stopped", resumable=True)], Status.STOPPED),
    "diverged": ([*BEGUN, RunFinished("diverged", message="nan")], Status.FAILED),
    "failed": ([Stage("loading data"), RunFinished("failed", resumable=True, message="no data")], Status.FAILED),
    "completed, with strays behind": ([*BEGUN, RunFinished("completed"), step(10), epoch(1)], Status.FINISHED),
    "killed after it was resumed": ([*BEGUN, RunFinished("stopped"), Resumed(5, 1), step(10)], Status.INTERRUPTED),
    "killed after it had gone on": ([*BEGUN, RunFinished("stopped", resumable=True), *QUEUED], Status.INTERRUPTED),
}


def left_by_another_trainer(run: RunDirectory, *events: Event) -> None:
    write_log(run, *events)
    beat(run, 1e6)
    time.sleep(0.02)  # the clocks of logs and files are coarse


@pytest.mark.parametrize(("events", "status"), WITH_TRAINER.values(), ids=WITH_TRAINER.keys())
def test_a_run_with_a_trainer(run: RunDirectory, events: list[Event], status: Status) -> None:
    with holding(acquire(run)):
        write_log(run, *events)
        beat(run, 0.5)
        assert status_of(run) is status
        assert status.has_trainer


@pytest.mark.parametrize(("events", "status"), WITHOUT_TRAINER.values(), ids=WITHOUT_TRAINER.keys())
def test_a_run_without_a_trainer(run: RunDirectory, events: list[Event], status: Status) -> None:
    os.close(acquire(run))
    write_log(run, *events)
    beat(run, 0.5)
    assert status_of(run) is status
    assert not status.has_trainer


@pytest.mark.parametrize(("events", "status"), WITHOUT_TRAINER.values(), ids=WITHOUT_TRAINER.keys())
def test_a_run_whose_new_trainer_has_logged_nothing_yet_is_running_whatever_the_one_before_logged(
    run: RunDirectory, events: list[Event], status: Status
) -> None:
    left_by_another_trainer(run, *events)
    with holding(handle := acquire(run)):
        new_attempt(run, handle)
        assert status_of(run) is Status.RUNNING


def test_a_run_whose_trainer_was_replaced_is_what_the_newest_one_left(run: RunDirectory) -> None:
    lines: list[tuple[int, Event]] = [
        (1, STARTED),
        (2, Stage("loading data")),
        (2, RunFinished("stopped", resumable=True)),
        (1, step(5)),
    ]
    run.events.write_bytes(b"".join(encode(Logged(event, 1.0, 0, attempt)) for attempt, event in lines))
    assert status_of(run) is Status.STOPPED


def test_an_empty_folder_is_an_interrupted_run(run: RunDirectory) -> None:
    assert status_of(run) is Status.INTERRUPTED


@pytest.mark.parametrize("events", [BEGUN, QUEUED, PAUSED])
def test_a_trainer_that_holds_its_lock_and_shows_no_sign_of_life_is_not_responding(
    run: RunDirectory, events: list[Event]
) -> None:
    with holding(acquire(run)):
        write_log(run, *events)
        beat(run, 60)
        assert status_of(run) is Status.UNRESPONSIVE
        beat(run, 1)
        assert status_of(run) is not Status.UNRESPONSIVE


def test_a_trainer_that_has_not_yet_begun_to_beat_is_running(run: RunDirectory) -> None:
    with holding(acquire(run)):
        write_log(run, Stage("loading data"))
        assert status_of(run) is Status.RUNNING


def test_a_stale_heartbeat_without_a_lock_means_nothing(run: RunDirectory) -> None:
    write_log(run, *BEGUN, RunFinished("completed", scored=True))
    beat(run, 1e6)
    assert status_of(run) is Status.FINISHED


def test_a_torn_tail_does_not_hide_the_status(run: RunDirectory) -> None:
    write_log(run, *BEGUN, RunFinished("stopped", resumable=True))
    with run.events.open("ab") as file:
        file.write(b'{"event":"sta')
    assert status_of(run) is Status.STOPPED


def test_the_status_of_a_long_log_is_at_its_end(run: RunDirectory) -> None:
    write_log(run, STARTED, *(step(number) for number in range(1, 3000)), RunFinished("completed", scored=True))
    assert status_of(run) is Status.FINISHED


def test_a_killed_run_that_is_started_again_is_not_shown_as_paused_or_dead_while_it_starts(
    runs: Path, stopped_v0: RunDirectory
) -> None:
    run = copy_of(stopped_v0, runs)
    left_by_another_trainer(run, Paused(5))
    with running(run):
        assert status_of(run) in (Status.QUEUED, Status.RUNNING)
