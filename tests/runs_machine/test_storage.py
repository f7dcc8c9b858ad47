from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.lock import acquire, holding
from fmnist_tui.runs.machine.row import Row, State
from fmnist_tui.runs.machine.storage import disk_row, folder_row, runs_row

from .conftest import Make


def a_run(runs: Path, number: int) -> RunDirectory:
    run = RunDirectory(runs / f"v0-20260101-12000{number}-00ff")
    run.path.mkdir(parents=True)
    return run


def raising(error: OSError) -> Callable[[Path], bool]:
    def refuse(folder: Path) -> bool:
        raise error

    return refuse


def test_a_folder_that_is_there_can_be_written_and_has_locks(make: Make, runs: Path) -> None:
    runs.mkdir(parents=True)
    assert folder_row(make(), runs) == Row("runs folder", State.OK, f"{runs}: can be written, has locks")


def test_a_folder_that_is_not_there_yet_is_not_made(make: Make, runs: Path, tmp_path: Path) -> None:
    asked: list[Path] = []

    def can_lock(folder: Path) -> bool:
        asked.append(folder)
        return True

    row = folder_row(make(can_lock=can_lock), runs)
    assert (row.state, asked) == (State.OK, [tmp_path])
    assert "made by the first run" in row.seen
    assert not runs.exists()


def test_a_folder_that_cannot_be_written_is_a_problem(make: Make, runs: Path) -> None:
    row = folder_row(make(can_lock=raising(OSError(30, "Read-only file system"))), runs)
    assert (row.state, row.seen) == (State.PROBLEM, f"{runs} can't be written (Read-only file system)")
    assert "--runs" in row.advice


def test_a_file_system_without_locks_is_a_note(make: Make, runs: Path) -> None:
    row = folder_row(make(can_lock=lambda _: False), runs)
    assert row.state is State.NOTE
    assert "local disk" in row.advice


@pytest.mark.parametrize(
    ("free", "state", "words"),
    [
        (50e9, State.OK, "50.0 GB free"),
        (1e9, State.OK, "1.0 GB free"),
        (999e6, State.NOTE, "999.0 MB free"),
        (200e6, State.NOTE, "200.0 MB free"),
        (199e6, State.PROBLEM, "199.0 MB free"),
        (0, State.PROBLEM, "0.0 MB free"),
    ],
)
def test_little_room_is_told_in_time(make: Make, runs: Path, free: float, state: State, words: str) -> None:
    row = disk_row(make(free=free), runs)
    assert row.state is state
    assert row.seen.startswith(words)
    assert bool(row.advice) is (state is not State.OK)


def test_no_runs_are_fine(runs: Path) -> None:
    assert runs_row(runs) == Row("runs", State.OK, "none yet")


def test_live_runs_are_counted(runs: Path) -> None:
    with holding(acquire(a_run(runs, 1))):
        assert runs_row(runs) == Row("runs", State.OK, "1 run, 0.0 MB, 1 queued")


def test_of_interrupted_runs_the_newest_can_be_resumed_by_the_advice(runs: Path) -> None:
    a_run(runs, 1)
    newest = a_run(runs, 2)
    (newest.path / "model.safetensors").write_bytes(bytes(2_000_000))
    assert runs_row(runs) == Row(
        "runs", State.NOTE, "2 runs, 2.0 MB, 2 interrupted", f"go on with: fmnist-tui resume {newest.run_id}"
    )


def test_a_trainer_without_a_sign_of_life_is_told(runs: Path) -> None:
    run = a_run(runs, 1)
    with holding(acquire(run)):
        run.heartbeat.write_text('{"pid": 1, "time": 0}\n')
        row = runs_row(runs)
    assert (row.state, row.seen) == (State.NOTE, "1 run, 0.0 MB, 1 live, not responding")
    assert run.run_id in row.advice


def test_a_file_in_the_place_of_the_runs_is_a_problem(runs: Path) -> None:
    runs.parent.mkdir()
    runs.touch()
    row = runs_row(runs)
    assert row.state is State.PROBLEM
    assert "Not a directory" in row.seen
