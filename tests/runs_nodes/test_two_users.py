"""Two users share a folder of runs: each trains in it, and does with the other's runs what their modes allow."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cli.commands import PROGRAM, TINY, Outcome
from runs.trainers import Watch
from waiting import PATIENCE, wait_until

import fmnist_tui
from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.lock import is_held
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.events import Paused, RunFinished, StepMetrics

from .nodes import end_all

pytestmark = pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("setpriv") is None, reason="only root can become two users"
)
GROUP = 61_500
OPEN_ROOT = """
mask=$(umask); umask 022
for path in $2; do mkdir -p "$1/$path" && mount --bind "$path" "$1/$path" || exit; done
mount -t tmpfs -o mode=755 none "$3"
for path in $2; do mkdir -p "$path" && mount --bind "$1/$path" "$path" || exit; done
umask "$mask"; shift 3 && exec "$@"
"""
"""Python may lie in root's home folder, which nobody else may enter: in a mount namespace of ours they may."""
ENDLESS = ("v0", "--data", "demo", "--epochs", "10000", "--batch-size", "16", "--threads", "1")


def reachable(shared: Path) -> list[str]:
    """A command that lets other users start this Python."""
    needed = {str(Path(path).resolve()) for path in (sys.base_prefix, sys.prefix, fmnist_tui.__path__[0])}
    closed = next(
        (path for path in reversed(Path(sys.base_prefix).resolve().parents) if not path.stat().st_mode & 1), None
    )
    if closed is None:
        return []
    inside = " ".join(sorted(path for path in needed if Path(path).is_relative_to(closed)))
    return ["unshare", "-m", "sh", "-c", OPEN_ROOT, "sh", str(shared / "mounts"), inside, str(closed)]


@dataclass(frozen=True)
class User:
    uid: int
    home: Path
    runs: Path
    umask: int

    def call(self, *arguments: object) -> Outcome:
        """Runs a command on the shared runs, as this user, to its end."""
        become = [
            *reachable(self.home.parent),
            "setpriv",
            f"--reuid={self.uid}",
            f"--regid={self.uid}",
            f"--groups={GROUP}",
        ]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        done = subprocess.run(
            [*reachable(self.home.parent), *become, *PROGRAM, *map(str, arguments), "--runs", str(self.runs)],
            capture_output=True,
            check=False,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE,
            env={**environ, "HOME": str(self.home)},
            cwd="/",
            umask=self.umask,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def train(self, *arguments: object) -> RunDirectory:
        """Starts a run; returns it when it has taken steps."""
        outcome = self.call("train", *arguments, "--detach")
        assert outcome.status == 0, outcome
        run = RunDirectory(self.runs / outcome.lines[0])
        Watch(run).next(StepMetrics)
        return run


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that everybody can reach, unlike the tests' own."""
    folder = Path(tempfile.mkdtemp(prefix="fmnist-tui-shared-"))
    folder.chmod(0o755)
    yield folder
    end_all(folder)
    shutil.rmtree(folder)


def users(shared: Path, mode: int, umask: int) -> tuple[User, User]:
    runs = shared / "runs"
    runs.mkdir()
    os.chown(runs, 0, GROUP)
    runs.chmod(mode)
    made = []
    for uid in (61_001, 61_002):
        home = shared / str(uid)
        home.mkdir()
        os.chown(home, uid, uid)
        made.append(User(uid, home, runs, umask))
    return made[0], made[1]


def statuses(user: User) -> dict[str, str]:
    return {line["run"]: line["status"] for line in user.call("runs", "--json").json}


@pytest.mark.slow
def test_each_trains_and_reads_what_the_other_does_and_is_refused_the_rest_in_one_line(shared: Path) -> None:
    ada, bob = users(shared, 0o1777, 0o022)
    live = ada.train(*ENDLESS)
    assert bob.call("train", "v0", *TINY).status == 0
    mine = next(run for run in list_runs(bob.runs) if run != live)
    assert statuses(ada) == statuses(bob) == {live.run_id: "running", mine.run_id: "finished"}
    assert ada.call("show", mine.run_id, "--json").json["result"]["reason"] == "completed"
    assert ada.call("results", "--all").status == 0
    for command in (
        ("pause", live.run_id),
        ("stop", live.run_id, "--now"),
        ("delete", live.run_id, "--yes"),
        ("resume", live.run_id),
        ("label", live.run_id, "--name", "mine"),
    ):
        outcome = bob.call(*command)
        assert outcome.status == 1, outcome
        assert outcome.complaint, outcome
    assert "belongs to user 61002" in ada.call("delete", mine.run_id, "--yes").complaint
    assert status_of(live) is Status.RUNNING
    assert ada.call("stop", live.run_id, "--now").status == 0
    wait_until(lambda: not is_held(live), "it was saved")
    assert "belongs to user 61001" in bob.call("resume", live.run_id).complaint
    queues = [list((user.home / ".local/state/fmnist-tui/queue").iterdir()) for user in (ada, bob)]
    assert all(len(found) == 1 for found in queues)


@pytest.mark.slow
def test_what_is_for_its_owner_alone_is_a_line_in_the_list_and_stops_nobody(shared: Path) -> None:
    ada, bob = users(shared, 0o1777, 0o077)
    live = ada.train(*ENDLESS)
    assert bob.call("train", "v0", *TINY).status == 0
    mine = next(run for run in list_runs(bob.runs) if run != live)
    assert statuses(bob) == {live.run_id: "unreadable", mine.run_id: "finished"}
    assert statuses(ada) == {live.run_id: "running", mine.run_id: "unreadable"}
    assert "unreadable (permission denied)" in bob.call("show", live.run_id).out
    for command in ("pause", "stop", "resume"):
        assert "permission denied" in bob.call(command, live.run_id).complaint.lower()
    assert bob.call("show", "last", "--json").json["run"] == mine.run_id
    assert status_of(live) is Status.RUNNING


@pytest.mark.slow
def test_in_a_group_each_controls_resumes_and_deletes_the_others_runs(shared: Path) -> None:
    ada, bob = users(shared, 0o2775, 0o002)
    run = ada.train(*ENDLESS)
    watch = Watch(run)
    assert bob.call("pause", run.run_id).status == 0
    watch.next(Paused)
    assert bob.call("stop", run.run_id, "--now").status == 0
    watch.next(RunFinished)
    wait_until(lambda: not is_held(run), "it was saved")
    assert bob.call("resume", run.run_id, "--detach").status == 0
    watch.next(StepMetrics)
    assert ada.call("stop", run.run_id, "--now").status == 0
    watch.next(RunFinished)
    wait_until(lambda: not is_held(run), "it was saved")
    assert ada.call("resume", run.run_id, "--detach").status == 0
    watch.next(StepMetrics)
    assert ada.call("stop", run.run_id, "--now").status == 0
    wait_until(lambda: not is_held(run), "it was saved")
    assert bob.call("delete", run.run_id, "--yes").status == 0
    assert not run.path.exists()
