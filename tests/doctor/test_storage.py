from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fmnist_tui.doctor.storage import disk_check, folder_check, home_checks, runs_check, sharing_check
from fmnist_tui.host.machine import Check, CheckState, Locks
from fmnist_tui.runs.access import owner_of
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.lock import acquire, holding

from .conftest import Make


def a_run(runs: Path, number: int) -> RunDirectory:
    run = RunDirectory(runs / f"v0-20260101-12000{number}-00ff")
    run.path.mkdir(parents=True)
    return run


def raising(error: OSError) -> Callable[[Path], Locks]:
    def refuse(folder: Path) -> Locks:
        raise error

    return refuse


def test_a_folder_that_is_there_can_be_written_and_has_locks(make: Make, runs: Path) -> None:
    runs.mkdir(parents=True)
    assert folder_check(make(), runs) == Check("runs folder", CheckState.OK, f"{runs}: can be written, supports locks")


def test_a_folder_that_is_not_there_yet_is_not_made(make: Make, runs: Path, tmp_path: Path) -> None:
    asked: list[Path] = []

    def locks(folder: Path) -> Locks:
        asked.append(folder)
        return Locks.OPEN_FILE

    row = folder_check(make(locks=locks), runs)
    assert (row.state, asked) == (CheckState.OK, [tmp_path])
    assert "created by the first run" in row.message
    assert not runs.exists()


def test_a_folder_that_cannot_be_written_is_a_problem(make: Make, runs: Path) -> None:
    row = folder_check(make(locks=raising(OSError(30, "Read-only file system"))), runs)
    assert (row.state, row.message) == (CheckState.PROBLEM, f"{runs} can't be written (Read-only file system)")
    assert "--runs" in row.advice


def test_a_file_system_without_locks_is_a_note(make: Make, runs: Path) -> None:
    row = folder_check(make(locks=lambda _: Locks.NONE), runs)
    assert row.state is CheckState.NOTE
    assert "local disk" in row.advice


@pytest.mark.parametrize(
    ("free", "state", "words"),
    [
        (50e9, CheckState.OK, "50.0 GB free"),
        (1e9, CheckState.OK, "1.0 GB free"),
        (999e6, CheckState.NOTE, "999.0 MB free"),
        (200e6, CheckState.NOTE, "200.0 MB free"),
        (199e6, CheckState.PROBLEM, "199.0 MB free"),
        (0, CheckState.PROBLEM, "0.0 MB free"),
    ],
)
def test_little_free_space_is_reported_in_time(
    make: Make, runs: Path, free: float, state: CheckState, words: str
) -> None:
    row = disk_check(make(free=free), runs)
    assert row.state is state
    assert row.message.startswith(words)
    assert bool(row.advice) is (state is not CheckState.OK)


def test_no_runs_are_fine(runs: Path) -> None:
    assert runs_check(runs) == Check("runs", CheckState.OK, "none yet")


def test_running_runs_are_counted(runs: Path) -> None:
    with holding(acquire(a_run(runs, 1))):
        assert runs_check(runs) == Check("runs", CheckState.OK, "1 run, 0.0 MB, 1 running")


def test_of_interrupted_runs_the_newest_can_be_resumed_by_the_advice(runs: Path) -> None:
    a_run(runs, 1)
    newest = a_run(runs, 2)
    (newest.path / "model.safetensors").write_bytes(bytes(2_000_000))
    assert runs_check(runs) == Check(
        "runs", CheckState.NOTE, "2 runs, 2.0 MB, 2 interrupted", f"to continue: fmnist-tui resume {newest.run_id}"
    )


def test_a_trainer_without_a_sign_of_life_is_reported(runs: Path) -> None:
    run = a_run(runs, 1)
    with holding(acquire(run)):
        run.heartbeat.write_text('{"pid": 1, "time": 0}\n')
        os.utime(run.heartbeat, (0, 0))
        row = runs_check(runs)
    assert (row.state, row.message) == (CheckState.NOTE, "1 run, 0.0 MB, 1 running, not responding")
    assert run.run_id in row.advice


def test_a_file_in_the_place_of_the_runs_is_a_problem(runs: Path) -> None:
    runs.parent.mkdir()
    runs.touch()
    row = runs_check(runs)
    assert row.state is CheckState.PROBLEM
    assert "Not a directory" in row.message


@pytest.mark.parametrize(
    ("mount", "locks", "state", "words"),
    [
        ("ext4 /dev/sda rw", Locks.OPEN_FILE, CheckState.OK, "can be written, supports locks (ext4)"),
        ("ext4 /dev/sda rw", Locks.FLOCK, CheckState.OK, "can be written, supports locks (flock) (ext4)"),
        ("nfs4 server:/ rw", Locks.OPEN_FILE, CheckState.OK, "supports locks that other machines see (nfs4)"),
        ("nfs4 server:/ rw", Locks.FLOCK, CheckState.NOTE, "its locks are visible on this machine only (nfs4)"),
        (
            "nfs server:/ rw,local_lock=all",
            Locks.OPEN_FILE,
            CheckState.NOTE,
            "its locks are visible on this machine only (nfs)",
        ),
        (
            "fuse.sshfs x: rw",
            Locks.OPEN_FILE,
            CheckState.NOTE,
            "its locks are visible on this machine only (fuse.sshfs)",
        ),
    ],
)
def test_what_locks_are_worth_depends_on_the_file_system(
    make: Make, runs: Path, mount: str, locks: Locks, state: CheckState, words: str
) -> None:
    table = {"proc/self/mountinfo": f"22 1 8:1 / / rw - {mount}"}
    row = folder_check(make(locks=lambda _: locks, files=table), runs)
    assert row.state is state
    assert words in row.message
    assert bool(row.advice) is (state is CheckState.NOTE)


@pytest.mark.parametrize(
    ("mode", "umask", "state", "words"),
    [
        (0o2775, "0002", CheckState.OK, "others can read, label, stop and resume your runs"),
        (0o2775, "0022", CheckState.OK, "others can read your runs"),
        (0o2775, "0077", CheckState.NOTE, "your umask 077 hides your runs from others"),
        (0o775, "0002", CheckState.NOTE, "new runs belong to their user's own group"),
        (0o1777, "0022", CheckState.OK, "everyone may write to"),
    ],
)
def test_how_a_shared_folder_works_for_others(
    make: Make, runs: Path, mode: int, umask: str, state: CheckState, words: str
) -> None:
    runs.mkdir(parents=True)
    runs.chmod(mode)
    row = sharing_check(make(files={"proc/self/status": f"Name:\tx\nUmask:\t{umask}\n"}), runs)
    assert row is not None
    assert row.state is state
    assert words in row.message


def test_a_folder_of_ones_own_has_no_row_on_sharing(make: Make, runs: Path) -> None:
    assert sharing_check(make(), runs) is None
    runs.mkdir(parents=True)
    runs.chmod(0o755)
    assert sharing_check(make(), runs) is None


def test_unreadable_runs_are_counted_with_their_owners(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_run(runs, 1)
    monkeypatch.setattr(RunDirectory, "unreadable", lambda _: "permission denied")
    row = runs_check(runs)
    assert (row.state, row.message) == (CheckState.NOTE, "1 run, 0.0 MB, 1 unreadable")
    assert owner_of(runs) in row.advice


def test_a_broken_file_of_keys_is_a_note_and_none_is_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file = tmp_path / "fmnist-tui" / "keys.toml"
    file.parent.mkdir()
    assert "keys" not in [check.check for check in home_checks()]
    for text, state, expected in (
        ('training.stop = "k"', CheckState.OK, f"{file}: 1 changed key"),
        ("training.stop", CheckState.NOTE, f"{file} is no valid TOML: "),
    ):
        file.write_text(text)
        (row,) = [check for check in home_checks() if check.check == "keys"]
        assert (row.state, row.message[: len(expected)]) == (state, expected)
