"""Trainers give way to the app while keys are pressed, and only they do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from waiting import wait_until

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.heartbeat import read_heartbeat
from fmnist_tui.runs.priority import YIELDING, GivingWay

from .trainers import ENDLESS_V0, request, running

OWN = Path("/proc/self/autogroup")


def can_be_set() -> bool:
    """Whether the kernel has groups of sessions, whose priority may be changed here."""
    try:
        OWN.write_text(OWN.read_text().split()[-1])
    except BlockingIOError:  # so soon after another change
        return True
    except (OSError, IndexError):
        return False
    return True


if_it_can_be_set = pytest.mark.skipif(not can_be_set(), reason="no session's priority can be changed here (autogroup)")
pytestmark = if_it_can_be_set


def nice_of(pid: int) -> int:
    """Of the process's session."""
    return int(Path(f"/proc/{pid}/autogroup").read_text().split()[-1])


@contextmanager
def trained(run: RunDirectory) -> Iterator[int]:
    """A trainer of this run that has begun; its process id."""
    with running(run) as trainer:
        wait_until(lambda: read_heartbeat(run) is not None, "it beats")
        yield trainer.pid


def _was_set(pid: int, nice: int) -> bool:
    try:
        Path(f"/proc/{pid}/autogroup").write_text(str(nice))
    except BlockingIOError:  # so soon after another change
        return False
    return True


def keep_trying(giving_way: GivingWay, runs: list[RunDirectory], pid: int, nice: int) -> None:
    """The kernel may refuse a change so soon after another one; the app tries again every second."""

    def done() -> bool:
        giving_way.update(runs)
        return nice_of(pid) == nice

    wait_until(done, f"its nice value is {nice}")


def test_a_trainer_gives_way_and_has_its_share_again(runs: Path) -> None:
    run, giving_way = request(runs, ENDLESS_V0), GivingWay()
    with trained(run) as pid:
        keep_trying(giving_way, [run], pid, YIELDING)
        keep_trying(giving_way, [], pid, 0)
        keep_trying(giving_way, [run], pid, YIELDING)
        giving_way.end()
        assert nice_of(pid) == 0
        giving_way.update([run])
        assert nice_of(pid) == 0, "what still looks while the app ends changes nothing"


def test_it_gives_way_while_any_of_two_apps_wants_it(runs: Path) -> None:
    run, one, other = request(runs, ENDLESS_V0), GivingWay(), GivingWay()
    with trained(run) as pid:
        keep_trying(one, [run], pid, YIELDING)
        other.update([run])
        one.end()
        keep_trying(other, [run], pid, YIELDING)
        other.end()
        assert nice_of(pid) == 0


def test_a_trainer_that_a_killed_app_left_behind_has_its_share_again(runs: Path) -> None:
    run, killed, later = request(runs, ENDLESS_V0), GivingWay(), GivingWay()
    with trained(run) as pid:
        keep_trying(killed, [run], pid, YIELDING)
        later.update([run])
        keep_trying(later, [], pid, 0)


def test_a_process_that_only_has_the_number_of_a_trainer_is_left_alone(runs: Path) -> None:
    run, giving_way = request(runs, ENDLESS_V0), GivingWay()
    with trained(run):
        beat = read_heartbeat(run)
    assert beat is not None
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as other:
        try:
            run.heartbeat.write_bytes(msgspec.json.encode(msgspec.structs.replace(beat, pid=other.pid)))
            giving_way.update([run])
            assert nice_of(other.pid) == 0
        finally:
            other.kill()
    run.heartbeat.write_bytes(msgspec.json.encode(msgspec.structs.replace(beat, pid=os.getpid())))
    giving_way.update([run])
    assert nice_of(os.getpid()) == 0


def test_a_priority_that_the_user_has_chosen_stays(runs: Path) -> None:
    run, giving_way = request(runs, ENDLESS_V0), GivingWay()
    with trained(run) as pid:
        wait_until(lambda: _was_set(pid, 5), "its nice value is 5")
        giving_way.update([run])
        giving_way.end()
        assert nice_of(pid) == 5
