from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from fmnist_tui.errors import RunError
from fmnist_tui.runs import heartbeat, lock
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import EventLog
from fmnist_tui.runs.heartbeat import write_heartbeat
from fmnist_tui.runs.lock import (
    Superseded,
    abandon_attempt,
    acquire,
    check_attempt,
    current_attempt,
    end_attempt,
    holding,
    is_held,
    new_attempt,
    try_exclusive,
)
from fmnist_tui.training.events import Stage

from .logs import beat

ASK = """
import sys
from pathlib import Path
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.lock import is_held

print(is_held(RunDirectory(Path(sys.argv[1]))))
"""


def ask_another_process(run: RunDirectory) -> str:
    return subprocess.run([sys.executable, "-c", ASK, str(run.path)], capture_output=True, text=True, check=True).stdout


def test_a_run_has_one_holder(run: RunDirectory) -> None:
    with holding(acquire(run)):
        open_files = psutil.Process().num_fds()
        with pytest.raises(
            RunError,
            match=f"^run {run.run_id} is already being trained; watch it with: fmnist-tui attach {run.run_id}$",
        ):
            acquire(run)
        assert psutil.Process().num_fds() == open_files
    os.close(acquire(run))


def test_of_many_who_want_a_run_one_gets_it(run: RunDirectory) -> None:
    start = threading.Barrier(6)

    def take() -> int | None:
        start.wait()
        try:
            return acquire(run)
        except RunError:
            return None

    with ThreadPoolExecutor(6) as pool:
        handles = [future.result() for future in [pool.submit(take) for _ in range(6)]]
    (winner,) = (handle for handle in handles if handle is not None)
    os.close(winner)


def test_the_holder_is_seen_from_another_thread_and_another_process(run: RunDirectory) -> None:
    assert not is_held(run)
    with holding(acquire(run)), ThreadPoolExecutor(1) as pool:
        assert pool.submit(is_held, run).result()
        assert ask_another_process(run) == "True\n"
    assert not is_held(run)
    assert ask_another_process(run) == "False\n"


def test_asking_leaves_no_file(run: RunDirectory) -> None:
    assert not is_held(run)
    assert list(run.path.iterdir()) == []


def test_those_who_ask_do_not_keep_a_trainer_from_starting(run: RunDirectory) -> None:
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            is_held(run)

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        try:
            for _ in range(30):
                os.close(acquire(run))
        finally:
            done.set()
        for future in asking:
            future.result()


def test_those_who_ask_at_once_are_not_mistaken_for_a_trainer(run: RunDirectory) -> None:
    os.close(acquire(run))
    with run.lock.open("rb") as another:
        fcntl.flock(another, fcntl.LOCK_SH)
        assert not is_held(run)


def test_a_child_that_inherits_the_lock_holds_it_without_a_gap(run: RunDirectory) -> None:
    handle = acquire(run)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(handle,)) as child:
        os.close(handle)
        assert is_held(run)
        child.kill()
        child.wait()
    assert not is_held(run)


def test_other_children_do_not_inherit_the_lock(run: RunDirectory) -> None:
    handle = acquire(run)
    command = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False) as child:
        assert child.stdout
        child.stdout.readline()
        os.close(handle)
        assert not is_held(run)
        child.kill()


def test_a_folder_that_cannot_be_written_is_one_line(run: RunDirectory) -> None:
    run.lock.mkdir()
    with pytest.raises(RunError, match=r"^can't write .*Is a directory"):
        acquire(run)


def test_a_run_that_is_gone_is_held_by_nobody(run: RunDirectory) -> None:
    run.path.rmdir()
    assert not is_held(run)
    with pytest.raises(RunError, match="was deleted or moved meanwhile"):
        acquire(run)


@pytest.mark.skipif(not hasattr(fcntl, "F_OFD_SETLK"), reason="Linux has locks of open file descriptions")
@pytest.mark.parametrize("kept", ["ofd", "flock"])
def test_either_of_the_two_locks_keeps_others_away(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    """As on file systems that pass on only one of them, and for version 0.1.0, which knows flock alone."""
    first = os.open(run.lock, os.O_RDWR | os.O_CREAT)
    with monkeypatch.context() as patch:
        patch.setattr(lock, "_try_flock" if kept == "ofd" else "_try_ofd", lambda *_: True)
        assert try_exclusive(first)
    assert is_held(run)
    with pytest.raises(RunError, match="already being trained"):
        acquire(run)
    os.close(first)
    assert not is_held(run)


# Where the file system has no locks


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(fcntl, "fcntl", refuse)


@pytest.mark.parametrize(("age", "held"), [(1.0, True), (60.0, False)])
def test_the_heartbeat_decides_where_the_lock_cannot_be_tested(
    run: RunDirectory, no_locks: None, age: float, held: bool
) -> None:
    run.lock.touch()
    beat(run, age)
    assert is_held(run) is held


def test_a_beating_run_is_not_taken_twice_where_the_lock_cannot_be_tested(run: RunDirectory, no_locks: None) -> None:
    beat(run, 1.0)
    with pytest.raises(RunError, match="already being trained"):
        acquire(run)


# Another host, whose locks are not seen here


@pytest.mark.parametrize(
    ("changes", "held"),
    [
        ({"host": "node-b"}, True),
        ({"host": "node-b", "ended": True}, False),
        ({}, False),
        ({"boot": "of another kernel"}, True),
    ],
)
def test_a_fresh_heartbeat_of_another_host_means_held_whatever_the_lock_says(
    run: RunDirectory, changes: dict[str, object], held: bool
) -> None:
    os.close(acquire(run))
    beat(run, 1.0, **changes)
    assert is_held(run) is held
    if held:
        with pytest.raises(RunError, match="already being trained"):
            acquire(run)
    else:
        os.close(acquire(run))


def test_the_error_names_the_host_that_trains_the_run(run: RunDirectory) -> None:
    beat(run, 1.0, host="node-b")
    with pytest.raises(RunError, match="is already being trained on node-b; watch it with"):
        acquire(run)


def test_a_heartbeat_of_another_host_that_stopped_leaves_the_run_free(run: RunDirectory) -> None:
    beat(run, 60.0, host="node-b")
    assert not is_held(run)
    os.close(acquire(run))


# Attempts


def test_every_trainer_has_a_higher_number_than_all_before_it(run: RunDirectory) -> None:
    assert current_attempt(run) == 0
    for number in (1, 2, 3):
        with holding(handle := acquire(run)):
            assert new_attempt(run, handle) == number
        assert current_attempt(run) == number
    assert [path.name for path in run.path.glob(".attempt-*")] == [".attempt-3"]
    end_attempt(run, 3)
    assert list(run.path.glob(".attempt-*")) == []


def test_a_deeply_nested_lock_file_has_no_number(run: RunDirectory) -> None:
    run.lock.write_bytes(b'{"x":' + b"[" * 4000)
    assert current_attempt(run) == 0
    os.close(acquire(run))


def test_a_damaged_lock_file_with_an_impossible_number_has_none(run: RunDirectory) -> None:
    run.lock.write_bytes(b'{"attempt": -5}')
    with holding(handle := acquire(run)):
        assert new_attempt(run, handle) == 1


def test_numbers_go_on_from_the_log_where_the_lock_file_was_removed(run: RunDirectory) -> None:
    log = EventLog(run.events, 7)
    log.append(Stage("loading data"))
    log.close()
    with holding(handle := acquire(run)):
        assert new_attempt(run, handle) == 8


def test_a_trainer_that_was_replaced_learns_of_it(run: RunDirectory) -> None:
    with holding(handle := acquire(run)):
        first = new_attempt(run, handle)
    check_attempt(run, first)
    with holding(handle := acquire(run)):
        new_attempt(run, handle)
    with pytest.raises(
        Superseded, match=f"^run {run.run_id} was taken by a newer trainer \\(attempt 2\\); attempt 1 ends$"
    ):
        check_attempt(run, first)


def test_of_two_hosts_that_start_a_trainer_at_once_one_gets_the_run(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both hold the lock, as each node's kernel sees it, and neither has seen a heartbeat of the other."""
    monkeypatch.setattr(lock, "_lock_patiently", lambda _: True)
    both = acquire(run), acquire(run)
    monkeypatch.setattr(lock, "_markers", lambda _: {})  # each looked before the other wrote
    monkeypatch.setattr(lock, "current_attempt", lambda _: 0)
    assert new_attempt(run, both[0]) == 1
    with pytest.raises(RunError, match="already being trained"):
        new_attempt(run, both[1])
    for handle in both:
        os.close(handle)


def test_a_start_on_another_host_moments_ago_keeps_others_away(run: RunDirectory) -> None:
    (run.path / ".attempt-4").write_text(json.dumps({"attempt": 4, "host": "node-b", "boot": "b", "pid": 1}))
    with holding(handle := acquire(run)):
        with pytest.raises(RunError, match="already being trained"):
            new_attempt(run, handle)
        long_ago = (run.path / ".attempt-4").stat().st_mtime - 100
        os.utime(run.path / ".attempt-4", (long_ago, long_ago))
        assert new_attempt(run, handle) == 5


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """No lock is seen; the host's name is the one that was given last."""
    monkeypatch.setattr(lock, "_lock_patiently", lambda _: True)

    def become(name: str) -> None:
        for module in (lock, heartbeat):
            monkeypatch.setattr(module, "host_name", lambda: name)

    return become


def test_a_host_that_took_the_lock_before_another_one_started_is_refused_after_it(
    run: RunDirectory, blind: Callable[[str], None]
) -> None:
    """It must not end the trainer that was first, whose start was reported to somebody."""
    blind("node-a")
    first = acquire(run)
    blind("node-b")
    second = acquire(run)
    blind("node-a")
    assert new_attempt(run, first) == 1
    blind("node-b")
    with pytest.raises(RunError, match="already being trained on node-a"):
        new_attempt(run, second)
    check_attempt(run, 1)
    for handle in (first, second):
        os.close(handle)


def test_a_number_is_not_given_twice_though_its_trainer_came_and_went_meanwhile(
    run: RunDirectory, blind: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    blind("node-a")
    first, second = acquire(run), acquire(run)
    assert new_attempt(run, first) == 1
    write_heartbeat(run, 1, ended=True)
    end_attempt(run, 1)
    real, old = lock.current_attempt, iter([0])
    monkeypatch.setattr(lock, "current_attempt", lambda run: 0 if next(old, None) == 0 else real(run))
    with pytest.raises(RunError, match="already being trained"):
        new_attempt(run, second)
    assert not list(run.path.glob(".attempt-*"))
    for handle in (first, second):
        os.close(handle)


def test_a_start_that_came_to_nothing_leaves_the_run_free(run: RunDirectory, blind: Callable[[str], None]) -> None:
    blind("node-a")
    handle = acquire(run)
    abandon_attempt(run, new_attempt(run, handle))
    os.close(handle)
    blind("node-b")
    assert not is_held(run)
    with holding(handle := acquire(run)):
        assert new_attempt(run, handle) == 2


def test_a_heartbeat_that_only_seems_to_have_stopped_keeps_others_away(run: RunDirectory) -> None:
    """Its host's clock, or the file server's, differs by an hour; and yet it changes every second."""
    beat(run, 3600.0, host="node-b")
    assert not is_held(run)
    timer = threading.Timer(0.3, beat, (run, 3599.0), {"host": "node-b"})
    timer.start()
    with pytest.raises(RunError, match="already being trained on node-b"):
        acquire(run)
    timer.join()
