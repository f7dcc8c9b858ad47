"""A runs folder shared by several users, each restricted by the files' permissions."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from bystander import FULL, READ_ONLY, call_as_bystander, in_mounts, may_mount

from fmnist_tui.runs.directory import RunDirectory

from .commands import TINY, newest

OPEN, CLOSED = "v0-20990101-120000-0001", "v0-20990102-120000-0002"
UNREADABLE = f"run {CLOSED} can't be read (permission denied); it "
needs_mounts = pytest.mark.skipif(not may_mount(), reason="this user may not mount anything")


@pytest.fixture
def shared(runs: Path, finished: RunDirectory) -> Iterator[Path]:
    """Two finished runs, the newer one closed to everybody."""
    runs.mkdir()
    for name in (OPEN, CLOSED):
        shutil.copytree(finished.path, runs / name)
    (runs / CLOSED).chmod(0)
    yield runs
    (runs / CLOSED).chmod(0o700)


def test_an_unreadable_run_is_one_line_with_its_reason(shared: Path) -> None:
    _, first, second = call_as_bystander("runs", "--runs", shared).lines
    assert first.split() == [CLOSED, "unreadable", "(permission", "denied)"]
    assert second.startswith(OPEN)
    assert "finished" in second
    closed, open_ = call_as_bystander("runs", "--json", "--runs", shared).json
    assert (closed["status"], closed["reason"], closed["version"]) == ("unreadable", "permission denied", "v0")
    assert "reason" not in open_


def test_an_unreadable_run_is_excluded_from_comparisons(shared: Path) -> None:
    outcome = call_as_bystander("results", "--all", "--runs", shared)
    assert (outcome.status, outcome.err) == (0, "")
    assert f"{CLOSED}  unreadable (permission denied)" in outcome.out
    assert outcome.lines[3].split()[:2] == ["v0", "1*"]


def test_an_unreadable_run_is_shown_with_its_owner(shared: Path) -> None:
    lines = dict(line.split(maxsplit=1) for line in call_as_bystander("show", CLOSED, "--runs", shared).lines)
    assert (lines["run"], lines["status"]) == (CLOSED, "unreadable (permission denied)")
    assert lines["owner"]
    assert call_as_bystander("show", CLOSED, "--json", "--runs", shared).json["status"] == "unreadable"
    assert call_as_bystander("show", "last", "--json", "--runs", shared).json["run"] == OPEN


@pytest.mark.parametrize(
    "command",
    ["attach", "export", *(pytest.param(name, marks=pytest.mark.slow) for name in ("analyse", "resume", "pause"))],
)
def test_a_command_that_must_read_a_run_names_its_owner(shared: Path, tmp_path: Path, command: str) -> None:
    options = ("--to", tmp_path / "out") if command == "export" else ()
    outcome = call_as_bystander(command, CLOSED, *options, "--runs", shared)
    assert outcome.status == 1
    assert outcome.complaint.startswith(UNREADABLE)
    assert "chmod -R" in outcome.complaint


def test_all_other_runs_are_exported(shared: Path, tmp_path: Path) -> None:
    (shared / OPEN / "predictions.npz").unlink()  # nor are figures of them drawn
    outcome = call_as_bystander("export", "--to", tmp_path / "out", "--runs", shared)
    assert outcome.status == 0
    assert outcome.err.splitlines()[0] == f"{CLOSED}: not exported: unreadable (permission denied)"
    assert [path.name for path in (tmp_path / "out").iterdir()] == [OPEN]


@pytest.mark.parametrize("name", ["events.jsonl", "run.json"])
def test_a_run_without_its_log_or_settings_is_unreadable(shared: Path, name: str) -> None:
    (shared / OPEN / name).chmod(0)
    statuses = [run["status"] for run in call_as_bystander("runs", "--json", "--runs", shared).json]
    assert statuses == ["unreadable", "unreadable"]


def test_a_run_is_read_as_far_as_it_can_be(shared: Path) -> None:
    for name in ("result.json", "predictions.npz"):
        (shared / OPEN / name).chmod(0)
    outcome = call_as_bystander("show", OPEN, "--runs", shared)
    assert "result.json is unreadable (permission denied)" in outcome.out
    (shared / CLOSED).chmod(0o700)
    complaint = call_as_bystander("results", OPEN, CLOSED, "--runs", shared).complaint
    assert complaint.startswith(
        f"{OPEN} can't be compared: predictions.npz can't be read (permission denied); the run "
    )


def test_training_goes_on_beside_runs_of_others(shared: Path) -> None:
    outcome = call_as_bystander("train", "v0", *TINY, "--runs", shared)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.lines[-2].endswith("completed")


def test_what_cannot_be_written_is_reported_and_analyses_are_computed_anyway(shared: Path) -> None:
    (shared / OPEN / "lock").chmod(0o444)
    (shared / OPEN).chmod(0o555)
    for command in (("label", OPEN, "--name", "mine"), ("delete", OPEN, "--yes")):
        complaint = call_as_bystander(*command, "--runs", shared).complaint
        assert complaint.startswith("can't write ")
        assert f"(Permission denied); it is yours: chmod -R u+rwX {shared / OPEN}" in complaint
    outcome = call_as_bystander("analyse", OPEN, "--only", "gaps", "--only", "efficiency", "--runs", shared)
    assert outcome.status == 0
    assert outcome.err.splitlines()[-1].startswith(f"{OPEN}: gaps, efficiency: not saved: can't write to ")
    (shared / OPEN).chmod(0o700)


@pytest.mark.parametrize("umask", [0o002, pytest.param(0o077, marks=pytest.mark.slow)])
def test_runs_are_as_open_as_the_umask_leaves_them(runs: Path, umask: int) -> None:
    before = ("sh", "-c", f'umask {umask:03o}; exec "$@"', "sh")
    assert call_as_bystander("train", "v0", *TINY, "--runs", runs, before=before).status == 0
    for path in newest(runs).path.rglob("*"):
        wanted = (0o777 if path.is_dir() else 0o666) & ~umask
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


@pytest.mark.slow
@needs_mounts
def test_runs_on_a_read_only_mount_are_read_and_nothing_else(shared: Path, tmp_path: Path) -> None:
    read_only = in_mounts(READ_ONLY, shared)
    assert len(call_as_bystander("runs", "--json", "--runs", shared, before=read_only).json) == 2
    exported = call_as_bystander("export", OPEN, "--to", tmp_path / "out", "--runs", shared, before=read_only)
    assert exported.status == 0
    for command in (("label", OPEN, "--name", "x"), ("delete", OPEN, "--yes")):
        complaint = call_as_bystander(*command, "--runs", shared, before=read_only).complaint
        assert complaint.endswith("(Read-only file system); use a machine with write access to it")
    train = call_as_bystander("train", "v0", *TINY, "--runs", shared, before=read_only)
    assert train.complaint == f"can't write to {shared} (Read-only file system); choose another folder with --runs"


@pytest.mark.slow
@needs_mounts
def test_a_full_home_stops_no_training(runs: Path, tmp_path: Path) -> None:
    (home := tmp_path / "home").mkdir()
    places = dict.fromkeys(("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"), str(home))
    full = in_mounts(FULL, home)
    outcome = call_as_bystander("train", "v0", *TINY, "--runs", runs, before=full, TMPDIR=str(tmp_path), **places)
    assert outcome.status == 0, outcome
    rows = json.loads(call_as_bystander("doctor", "--json", before=full, TMPDIR=str(tmp_path), **places).out)
    message = {row["check"]: (row["state"], row["message"]) for row in rows}
    for check in ("home", "queue", "cache"):
        assert message[check][0] == "note"
        assert "no space left on device" in message[check][1]
    assert str(tmp_path / f"fmnist-tui-{os.getuid()}") in message["queue"][1]
