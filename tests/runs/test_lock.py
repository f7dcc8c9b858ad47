from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from waiting import wait_until

from fmnist_tui.runs import lock
from fmnist_tui.runs.directory import RunDirectory, RunError
from fmnist_tui.runs.lock import acquire, beating, heartbeat_age, holding, is_held, try_exclusive

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


def test_those_who_ask_at_once_are_not_taken_for_a_trainer(run: RunDirectory) -> None:
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
    with pytest.raises(RunError, match=r"^can't write to .* \(Is a directory\); see to that, then try again$"):
        acquire(run)


def test_a_run_that_is_gone_is_held_by_nobody(run: RunDirectory) -> None:
    run.path.rmdir()
    assert not is_held(run)
    with pytest.raises(RunError, match=r"\(No such file or directory\); see to that, then try again$"):
        acquire(run)


def test_a_devices_lock_is_had_by_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "devices" / "cpu.lock"
    first = try_exclusive(path)
    assert first is not None
    assert try_exclusive(path) is None
    os.close(first)
    again = try_exclusive(path)
    assert again is not None
    os.close(again)


# Where the file system has no locks


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int, kind: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)


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


# The heartbeat


def never() -> None:
    raise AssertionError("the lock is the run's")


def test_the_heartbeat_is_refreshed_while_the_trainer_lives(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "BEAT_SECONDS", 0.01)
    handle = acquire(run)
    with holding(handle), beating(run, handle, never):
        wait_until(run.heartbeat.exists, "there was a heartbeat")
        first = json.loads(run.heartbeat.read_text())
        assert first["pid"] == os.getpid()
        assert heartbeat_age(run) < 5
        wait_until(lambda: json.loads(run.heartbeat.read_text())["time"] > first["time"], "it was refreshed")
    last = run.heartbeat.read_bytes()
    time.sleep(0.05)
    assert run.heartbeat.read_bytes() == last
    assert {path.name for path in run.path.iterdir()} == {"heartbeat", "lock"}


def test_a_heartbeat_that_cannot_be_written_ends_nothing_and_comes_back(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "BEAT_SECONDS", 0.01)
    handle = acquire(run)
    with holding(handle):
        run.heartbeat.unlink()
        (run.heartbeat / "in the way").mkdir(parents=True)
        with beating(run, handle, never):
            time.sleep(0.05)
            (run.heartbeat / "in the way").rmdir()
            wait_until(run.heartbeat.is_file, "the heartbeat came back")


@pytest.mark.parametrize("what", ["the folder", "the lock", "the lock, for another one"])
def test_whoever_holds_a_lock_that_is_no_longer_the_runs_hears_of_it(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(lock, "BEAT_SECONDS", 0.01)
    lost = threading.Event()
    handle = acquire(run)
    with holding(handle), beating(run, handle, lost.set):
        assert not lost.wait(0.05)
        run.lock.unlink()
        if what == "the folder":
            shutil.rmtree(run.path, ignore_errors=True)
        elif what != "the lock":
            run.lock.touch()
        assert lost.wait(5)


def test_a_beat_comes_about_every_second_and_long_before_it_is_stale() -> None:
    assert 0.5 <= lock.BEAT_SECONDS <= 2
    assert lock.STALE_SECONDS > 3 * lock.BEAT_SECONDS


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"pid": 1}', '{"time": null}', '{"time": "now"}'])
def test_a_heartbeat_that_says_nothing_is_infinitely_old(run: RunDirectory, content: str | None) -> None:
    if content is not None:
        run.heartbeat.write_text(content)
    assert heartbeat_age(run) == float("inf")


def test_a_heartbeat_is_as_old_as_it_says_and_never_younger_than_now(run: RunDirectory) -> None:
    beat(run, 100)
    assert 100 <= heartbeat_age(run) < 130
    beat(run, -100)
    assert heartbeat_age(run) == 0


def test_on_a_full_disk_the_heartbeat_goes_on_in_its_place(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    beat(run, 100.0)

    def refuse(path: Path, text: str) -> int:
        path.touch()  # a name takes no room
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", refuse)
    lock.beat_once(run)
    assert heartbeat_age(run) < 5
    assert json.loads(run.heartbeat.read_text())["pid"] == os.getpid()
    assert list(run.path.iterdir()) == [run.heartbeat]
