from __future__ import annotations

import threading

import pytest
from waiting import wait_until

from fmnist_tui.runs import follower as module
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged, encode
from fmnist_tui.runs.follower import Follower, read_snapshot
from fmnist_tui.runs.lock import acquire, holding
from fmnist_tui.runs.status import Status
from fmnist_tui.training.events import Resumed, RunFinished, Stage

from .logs import STARTED, epoch, step, write_log


def test_a_follower_waits_for_a_log_that_is_not_there_yet(run: RunDirectory) -> None:
    follower = Follower(run)
    assert follower.poll() == []
    write_log(run, Stage("loading data"))
    assert [logged.event for logged in follower.poll()] == [Stage("loading data")]
    assert follower.snapshot.stage == "loading data"


def test_a_follower_takes_in_only_what_is_new(run: RunDirectory) -> None:
    follower = Follower(run)
    write_log(run, STARTED, step(5))
    assert len(follower.poll()) == 2
    write_log(run, step(10))
    assert [logged.event for logged in follower.poll()] == [step(10)]
    assert follower.snapshot.curve.step.tolist() == [5, 10]


def test_a_snapshot_is_replaced_only_by_news(run: RunDirectory) -> None:
    follower = Follower(run)
    write_log(run, STARTED)
    follower.poll()
    before = follower.snapshot
    follower.poll()
    assert follower.snapshot is before
    write_log(run, step(5))
    follower.poll()
    assert follower.snapshot is not before
    assert before.step == 0


def test_a_follower_that_came_late_sees_what_one_from_the_start_saw(run: RunDirectory) -> None:
    early = Follower(run)
    for event in (STARTED, step(5), step(10), epoch(1), step(15), Resumed(10, 1), step(15), step(20)):
        write_log(run, event)
        early.poll()
    late = read_snapshot(run)
    assert late.curve.step.tolist() == early.snapshot.curve.step.tolist() == [5, 10, 15, 20]
    assert late.epochs == early.snapshot.epochs


def test_a_follower_in_a_thread_keeps_up_with_its_run_and_ends_when_told(run: RunDirectory) -> None:
    follower, stop = Follower(run), threading.Event()
    thread = threading.Thread(target=follower.follow, args=(stop,))
    thread.start()
    try:
        write_log(run, STARTED, step(5))
        wait_until(lambda: follower.snapshot.step == 5, "the step was seen")
        with run.events.open("ab") as file:
            file.write(encode(Logged(RunFinished("completed"), 1.0, 2))[:20])
        assert follower.snapshot.finished is None
    finally:
        stop.set()
        thread.join()


def test_a_run_that_is_deleted_while_it_is_followed_ends_nothing(run: RunDirectory) -> None:
    follower = Follower(run)
    write_log(run, STARTED, step(5))
    follower.poll()
    run.events.unlink()
    run.path.rmdir()
    assert follower.poll() == []
    assert follower.snapshot.step == 5


def test_a_follower_in_a_thread_looks_after_the_status_too(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STATUS_SECONDS", 0.0)
    follower, stop = Follower(run), threading.Event()
    assert follower.status is None  # nothing is read before somebody follows
    thread = threading.Thread(target=follower.follow, args=(stop,))
    thread.start()
    try:
        with holding(acquire(run)):
            write_log(run, STARTED, step(5))
            wait_until(lambda: follower.status is Status.LIVE, "the run was seen live")
        wait_until(lambda: follower.status is Status.INTERRUPTED, "the run was seen without a trainer")
    finally:
        stop.set()
        thread.join()
