from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from waiting import wait_until

from fmnist_tui.runs import heartbeat
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.heartbeat import (
    beating,
    file_system_time,
    is_fresh,
    is_stale,
    read_heartbeat,
    write_heartbeat,
)

from .logs import beat


@pytest.fixture(autouse=True)
def nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "_observations", {})
    monkeypatch.setattr(heartbeat, "_clocks", {})


def go_on() -> bool:
    return True


def test_the_heartbeat_is_refreshed_while_the_trainer_lives_and_marked_as_ended_after(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)
    with beating(run, 3, go_on):
        wait_until(run.heartbeat.exists, "there was a heartbeat")
        first = read_heartbeat(run)
        assert first is not None
        assert (first.pid, first.attempt, first.is_from_here, first.ended) == (os.getpid(), 3, True, False)
        assert is_fresh(run)
        wait_until(lambda: json.loads(run.heartbeat.read_text())["time"] > first.time, "it was refreshed")
    last = read_heartbeat(run)
    assert last is not None
    assert last.ended
    assert not is_fresh(run)
    assert {path.name for path in run.path.iterdir()} == {"heartbeat"}


def test_a_heartbeat_that_cannot_be_written_ends_nothing_and_comes_back(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)
    (run.heartbeat / "in the way").mkdir(parents=True)
    with beating(run, 1, go_on):
        time.sleep(0.05)
        (run.heartbeat / "in the way").rmdir()
        wait_until(run.heartbeat.is_file, "the heartbeat came back")


def test_the_beating_ends_where_the_trainer_has_no_run_any_more(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)
    looks = threading.Semaphore(0)

    def stop_soon() -> bool:
        looks.release()
        return False

    with beating(run, 1, stop_soon):
        assert looks.acquire(timeout=5)
        time.sleep(0.05)
    assert not looks.acquire(blocking=False)
    assert not run.heartbeat.exists()


def test_a_trainer_whose_run_was_taken_does_not_say_goodbye_for_the_new_one(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was suspended, and its training notices before its heartbeat does."""
    is_ours = True
    with beating(run, 1, lambda: is_ours):
        wait_until(run.heartbeat.exists, "there was a heartbeat")
        is_ours = False
        write_heartbeat(run, 2)
    last = read_heartbeat(run)
    assert last is not None
    assert (last.attempt, last.ended) == (2, False)


def test_a_clock_that_was_set_is_asked_again_before_a_heartbeat_is_called_stale(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat(run, 1.0, host="node-b")
    assert is_fresh(run)
    hour = 3600.0
    (device,) = heartbeat._clocks
    measured, now = heartbeat._clocks[device]
    heartbeat._clocks[device] = measured - 5.0, now + hour - 5.0  # an hour was the difference until now
    assert is_fresh(run)


def test_a_beat_comes_about_every_second_and_long_before_it_is_stale() -> None:
    assert 0.5 <= heartbeat.BEAT_SECONDS <= 2
    assert heartbeat.STALE_SECONDS > 3 * heartbeat.BEAT_SECONDS


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"time": null}', '{"pid": "x"}', "\xff"])
def test_a_heartbeat_that_says_nothing_is_not_fresh(run: RunDirectory, content: str | None) -> None:
    if content is not None:
        run.heartbeat.write_text(content, "latin-1")
    assert not is_fresh(run)
    assert read_heartbeat(run) is None


def test_on_a_full_disk_the_heartbeat_goes_on_in_its_place(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    beat(run, 100.0, host="a host whose name is long enough for what follows, " * 3)

    real = Path.open

    def refuse(path: Path, mode: str = "r", **options: Any) -> object:
        if mode != "xb":
            return real(path, mode, **options)
        path.touch()  # a name takes no space
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "open", refuse)
    write_heartbeat(run, 2)
    assert is_fresh(run)
    assert json.loads(run.heartbeat.read_text())["pid"] == os.getpid()
    assert list(run.path.iterdir()) == [run.heartbeat]


# How old it is


@pytest.mark.parametrize(("age", "fresh"), [(0.0, True), (8.0, True), (12.0, False), (1e6, False)])
def test_the_age_is_taken_from_the_file_systems_own_stamps(run: RunDirectory, age: float, fresh: bool) -> None:
    beat(run, age)
    assert is_fresh(run) is fresh
    assert is_stale(run) is not fresh


@pytest.mark.parametrize("shift", [-7200.0, 7200.0])
def test_clocks_that_differ_change_nothing(run: RunDirectory, monkeypatch: pytest.MonkeyPatch, shift: float) -> None:
    """Neither the reader's clock nor what the trainer wrote of its own one is looked at."""
    beat(run, 1.0, time=0.0, host="node-b")
    monkeypatch.setattr(time, "time", lambda real=time.time: real() + shift)
    assert is_fresh(run)


def test_a_stamp_of_the_future_says_nothing_so_that_the_next_beat_is_waited_for(run: RunDirectory) -> None:
    """The server's clock was set back since."""
    beat(run, -3600.0)
    assert not is_fresh(run, observe=0.3)

    timer = threading.Timer(0.1, beat, (run, -3600.0))
    timer.start()
    assert is_fresh(run, observe=5.0)
    timer.join()


def test_where_nothing_can_be_written_two_observations_decide(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "_stamp_of_new_file", lambda _: None)  # a read-only mount
    beat(run, 1.0)
    assert not is_stale(run)  # not known yet
    begun = time.monotonic()
    assert not is_fresh(run, observe=0.5)
    assert 0.3 < time.monotonic() - begun < 3
    beat(run, 0.0)
    assert is_fresh(run, observe=0.5)


def test_many_runs_are_observed_in_the_time_of_one(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "_stamp_of_new_file", lambda _: None)
    known = [RunDirectory(runs / f"v0-20260101-120000-{number:04x}") for number in range(20)]
    for run in known:
        run.path.mkdir(parents=True)
        beat(run, 1.0, host="node-b")
    begun = time.monotonic()
    assert not any(is_fresh(run, observe=0.6) for run in known)
    assert time.monotonic() - begun < 3


def test_the_file_systems_clock_is_near_ours_on_a_local_disk_and_asking_leaves_nothing(tmp_path: Path) -> None:
    now = file_system_time(tmp_path)
    assert now is not None
    assert abs(now - time.time()) < 1.0
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_gone_has_no_clock(tmp_path: Path) -> None:
    assert file_system_time(tmp_path / "gone") is None


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount")
def test_a_read_only_mount_has_no_clock(tmp_path: Path) -> None:
    script = 'mount -t tmpfs none "$1" && mount -o remount,ro "$1" && exec "$2" -c "$3" "$1"'
    ask = "import sys; from pathlib import Path; from fmnist_tui.runs.heartbeat import file_system_time;"
    ask += "print(file_system_time(Path(sys.argv[1])))"
    command = ["unshare", "-m", "sh", "-c", script, "sh", str(tmp_path), sys.executable, ask]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    assert ended.stdout == "None\n"
