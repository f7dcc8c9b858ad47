from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.events import Resumed, Step

from .commands import ENDLESS, call, copy_of, finish, first, newest, started, wait_for_status
from .conftest import Fmnist


def test_a_finished_run_is_not_resumed(fmnist: Fmnist, finished: RunDirectory, runs: Path) -> None:
    run = copy_of(finished, runs)
    before = run.events.read_bytes()
    outcome = fmnist("resume", "last", "--runs", runs)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.complaint == f"run {run.run_id} is finished; start a new one with: fmnist-tui train v0"
    assert run.events.read_bytes() == before


def test_a_run_is_resumed_in_this_process_or_detached(fmnist: Fmnist, runs: Path) -> None:
    with started("train", *ENDLESS, "--json", "--runs", runs) as process:
        run = newest(runs)
        first(run, Step)
        assert fmnist("stop", "last", "--now", "--runs", runs).status == 0
        assert finish(process).status == 0
    detached = call("resume", "last", "--detach", "--runs", runs)
    assert (detached.status, detached.out, detached.err) == (0, f"{run.run_id}\n", "")
    first(run, Resumed)
    assert fmnist("stop", "last", "--now", "--runs", runs).status == 0
    wait_for_status(run, Status.STOPPED)
    with started("resume", "last", "--in-app", "--json", "--runs", runs) as process:
        wait_for_status(run, Status.LIVE)
        assert fmnist("stop", "last", "--now", "--runs", runs).status == 0
        outcome = finish(process)
    assert (outcome.status, outcome.err) == (0, "")
    resumed = [logged.event for logged in LogReader(run.events).read() if isinstance(logged.event, Resumed)]
    assert [event.pid for event in resumed][-1] == process.pid
    printed = [json.loads(line) for line in outcome.lines]
    assert [line["step"] for line in printed if line["event"] == "resumed"][-1] == resumed[-1].step


@pytest.mark.parametrize("mode", [[], ["--in-app"]], ids=["process", "in-app"])
def test_what_was_said_before_is_not_said_again(
    fmnist: Fmnist, finished: RunDirectory, runs: Path, mode: list[str]
) -> None:
    run = copy_of(finished, runs)
    before = b"".join(run.events.read_bytes().splitlines(keepends=True)[:-1])
    run.events.write_bytes(before)
    outcome = fmnist("resume", "last", "--json", *mode, "--runs", runs)
    assert (outcome.status, outcome.err) == (0, "")
    new = run.events.read_bytes().removeprefix(before).splitlines()
    assert [json.loads(line) for line in outcome.lines] == [{"run": run.run_id, **json.loads(line)} for line in new]


def test_a_run_that_never_took_a_step_starts_from_the_beginning(
    fmnist: Fmnist, finished: RunDirectory, runs: Path
) -> None:
    run = RunDirectory(runs / finished.run_id)
    run.path.mkdir(parents=True)
    shutil.copy(finished.request, run.request)
    assert status_of(run) is Status.INTERRUPTED
    outcome = fmnist("resume", "last", "--in-app", "--runs", runs)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.lines[-1] == f"{run.run_id}  completed"


def test_a_run_whose_checkpoints_are_damaged_is_not_resumed(fmnist: Fmnist, finished: RunDirectory, runs: Path) -> None:
    run = copy_of(finished, runs)
    with run.events.open("a") as log:
        log.write('{"event":"resumed","step":450,"pid":1,"time":1,"seq":0}\n')
    broken = run.checkpoints / "step-0000450"
    broken.mkdir(parents=True)
    (broken / "state.json").write_text("{}")
    outcome = fmnist("resume", "last", "--in-app", "--runs", runs)
    assert outcome.status == 1
    assert status_of(run) is Status.FAILED
    assert f"checkpoint {broken} is damaged, and there is no older one; start anew with: fmnist-tui train v0 --ep" in (
        outcome.complaint
    )


def test_detached_and_in_this_process_exclude_each_other(fmnist: Fmnist, finished: RunDirectory) -> None:
    outcome = fmnist("resume", "last", "--detach", "--in-app", "--runs", finished.path.parent)
    assert outcome.status == 2
