"""Stopping a run that waits, that is just being started, or that has just ended."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from runs.trainers import ENDLESS_V0, Watch, events_of, request
from waiting import wait_until

from fmnist_tui.errors import RunError
from fmnist_tui.runs.control import send_command
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import EventLog, LogReader
from fmnist_tui.runs.lock import acquire, has_started, is_held, new_attempt
from fmnist_tui.runs.queue import dispatch
from fmnist_tui.runs.queue import submit as starting
from fmnist_tui.runs.queue.devices import Claim, take_claim
from fmnist_tui.runs.queue.dispatch import cancel_queued, start_ready
from fmnist_tui.runs.queue.store import Queue
from fmnist_tui.runs.queue.submit import submit
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.events import Command, RunFinished, RunStarted

from .busy import busy

pytestmark = pytest.mark.usefixtures("one_cpu")


@pytest.fixture
def no_dispatcher(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test itself starts what waits."""
    monkeypatch.setattr(starting, "ensure_dispatcher", lambda _: None)
    monkeypatch.setattr(dispatch, "revive", lambda _: None)


def queued(runs: Path, queue: Queue) -> RunDirectory:
    run = request(runs, ENDLESS_V0)
    with busy(queue):
        assert submit([run]).queued == [run]
    return run


def start_waiting(queue: Queue) -> list[RunDirectory]:
    with queue.locked():
        dispatched = start_ready(queue)
    assert not dispatched.failed
    for process in dispatched.started.values():
        threading.Thread(target=process.wait).start()
    return list(dispatched.started)


def race(runs: Path, queue: Queue, rounds: int, command: Command) -> None:
    chance = np.random.default_rng(rounds)
    starts = 0
    for _ in range(rounds):
        run = queued(runs, queue)
        with ThreadPoolExecutor(1) as pool:
            starting_it = pool.submit(start_waiting, queue)
            time.sleep(chance.uniform(0.0, 0.06))
            send_command(run, command)
            starts += len(starting_it.result())
        wait_until(lambda run=run: not is_held(run), "it is over")  # type: ignore[misc]
        assert status_of(run) is Status.STOPPED
        ends = [event for event in events_of(run) if isinstance(event, RunFinished)]
        assert ends == [RunFinished("stopped", resumable=True)]
        assert queue.read() == ()
    assert 0 < starts < rounds


@pytest.mark.slow
def test_a_stop_that_meets_a_start_stops_the_run_in_either_case(runs: Path, queue: Queue, no_dispatcher: None) -> None:
    race(runs, queue, 8, Command.STOP_NOW)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_stop_that_meets_a_start_stops_the_run_every_time(runs: Path, queue: Queue, no_dispatcher: None) -> None:
    race(runs, queue, 50, Command.STOP_NOW)


def test_a_run_that_is_stopped_while_its_trainer_is_started_is_not_started(
    runs: Path, queue: Queue, no_dispatcher: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dispatcher has seen that the run waits, and then it is stopped."""
    run = queued(runs, queue)
    real = take_claim

    def stop_first(queue: Queue, claim: Claim) -> object:
        with monkeypatch.context() as patch:
            patch.setattr(dispatch, "existing_queues", list)  # the queue's lock is ours
            cancel_queued(run)
        return real(queue, claim)

    monkeypatch.setattr(dispatch, "take_claim", stop_first)
    assert start_waiting(queue) == []
    assert status_of(run) is Status.STOPPED
    assert queue.read() == ()
    assert not any(isinstance(event, RunStarted) for event in events_of(run))
    assert not list(run.path.glob(".attempt-*"))


def test_a_stop_that_comes_too_late_says_so_and_changes_nothing(runs: Path, queue: Queue, no_dispatcher: None) -> None:
    """Two hosts, blind to each other's locks: the start took a number after the stop had taken one."""
    run = queued(runs, queue)
    real = EventLog.sync

    def start_elsewhere(log: object) -> None:
        real(log)  # type: ignore[arg-type]
        handle = os.open(run.lock, os.O_RDWR)
        new_attempt(run, handle)
        os.close(handle)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EventLog, "sync", start_elsewhere)
        with pytest.raises(RunError, match="taken by a newer trainer"):
            cancel_queued(run)
    assert has_started(run)


def test_a_command_to_a_run_that_is_being_queued_or_started_waits_for_who_will_obey(
    runs: Path, queue: Queue, no_dispatcher: None
) -> None:
    run = request(runs, ENDLESS_V0)
    lock = acquire(run)  # as who queues it does
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send_command, run, Command.STOP_NOW)
        time.sleep(0.3)
        assert not sending.done()
        assert not run.control.exists()
        new_attempt(run, lock)
        sending.result()
    os.close(lock)
    assert b"stop-now" in run.control.read_bytes()


def test_a_stop_right_after_the_start_reaches_a_trainer_that_has_no_pid_yet(
    runs: Path, queue: Queue, no_dispatcher: None
) -> None:
    run = request(runs, ENDLESS_V0)
    process = submit([run]).started[run]
    send_command(run, Command.STOP_NOW)
    send_command(run, Command.STOP_NOW)
    Watch(run).next(RunFinished)
    process.wait()
    assert status_of(run) is Status.STOPPED
    with pytest.raises(RunError, match=r"was stopped: nothing to stop; resume it with: fmnist-tui resume"):
        send_command(run, Command.STOP_NOW)


def test_a_run_whose_lock_file_was_removed_still_waits_when_it_is_queued(
    runs: Path, queue: Queue, no_dispatcher: None
) -> None:
    """Its number goes on from the log: a lower one would be passed over."""
    run = request(runs, ENDLESS_V0)
    process = submit([run]).started[run]
    send_command(run, Command.STOP_NOW)
    process.wait()
    run.lock.unlink()
    with busy(queue):
        assert submit([run]).queued == [run]
        assert status_of(run) is Status.QUEUED
    cancel_queued(run)
    assert status_of(run) is Status.STOPPED
    numbers = [one.attempt for one in LogReader(run.events)]
    assert numbers == sorted(numbers, key=lambda number: number or 0)
