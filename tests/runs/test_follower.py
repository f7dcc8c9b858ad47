from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from waiting import wait_until

from fmnist_tui.runs import follower as module
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged, encode
from fmnist_tui.runs.fold import read_snapshot
from fmnist_tui.runs.follower import Follower
from fmnist_tui.runs.lock import acquire, holding
from fmnist_tui.runs.status import Status
from fmnist_tui.training.events import Resumed, RunFinished, Stage

from .logs import STARTED, epoch, step, write_log
from .reads import Reads


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


def test_a_follower_in_a_thread_keeps_up_with_its_run_and_ends_when_stopped(run: RunDirectory) -> None:
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
    assert follower.status is Status.LOADING
    thread = threading.Thread(target=follower.follow, args=(stop,))
    thread.start()
    try:
        with holding(acquire(run)):
            write_log(run, STARTED, step(5))
            wait_until(lambda: follower.status is Status.RUNNING, "the run was seen running")
        wait_until(lambda: follower.status is Status.INTERRUPTED, "the run was seen without a trainer")
    finally:
        stop.set()
        thread.join()


@contextmanager
def followed(follower: Follower) -> Iterator[None]:
    """By a thread, while the block lasts."""
    stop = threading.Event()
    thread = threading.Thread(target=follower.follow, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_follower_that_is_made_touches_no_file(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    write_log(run, STARTED)

    def fail(*args: object, **options: object) -> None:
        raise AssertionError("a file was touched")

    with monkeypatch.context() as patch:
        for name in ("stat", "lstat", "open", "listdir", "scandir"):
            patch.setattr(os, name, fail)
        patch.setattr("builtins.open", fail)
        patch.setattr("io.open", fail)
        follower = Follower(run)
    assert (follower.status, follower.snapshot.started) == (Status.LOADING, None)
    follower.look()
    assert follower.status is Status.INTERRUPTED


def test_the_log_of_an_interrupted_run_is_read_once(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, reads: Reads
) -> None:
    monkeypatch.setattr(module, "_STATUS_SECONDS", 0.0)
    monkeypatch.setattr(module, "_IDLE_SECONDS", 0.001)
    polls: list[int] = []
    batches = Follower.batches
    monkeypatch.setattr(Follower, "batches", lambda self: polls.append(1) or batches(self))  # type: ignore[func-returns-value]
    write_log(run, STARTED, *(step(number) for number in range(1, 1000)))
    size = run.events.stat().st_size
    follower = Follower(run)
    with followed(follower):
        wait_until(lambda: len(polls) > 50, "the follower looked often")
        assert follower.status is Status.INTERRUPTED
        assert reads.total == 2 * size, "once for the curve, once for the status, which no event at the end tells"
        write_log(run, RunFinished("completed", scored=True))
        wait_until(lambda: follower.status is Status.FINISHED, "the end was seen")


def test_a_run_that_is_taken_again_is_looked_at_again(run: RunDirectory) -> None:
    follower = Follower(run)
    write_log(run, STARTED, step(5))

    def has_trainer() -> bool:
        follower.look()
        return follower.status.has_trainer

    assert not has_trainer()
    with holding(acquire(run)):
        assert has_trainer()
    assert not has_trainer()


def test_the_first_part_of_a_long_log_is_shown_before_the_rest_is_read(run: RunDirectory) -> None:
    write_log(run, STARTED)
    with run.events.open("ab") as file:
        file.writelines(encode(Logged(step(number), 1.0, number)) for number in range(1, 20_001))
    follower = Follower(run)
    next(follower.batches())
    assert 0 < follower.snapshot.step < 20_000
    follower.catch_up()
    assert follower.snapshot.step == 20_000
    assert follower.poll() == []
