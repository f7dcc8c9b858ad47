from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fmnist_tui.files import read_json
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.events import RunFinished, StepMetrics

from .commands import ENDLESS, call, copy_of, finish, first, newest, started, wait_for_status
from .conftest import Fmnist

COMMANDS = ["pause", "continue", "stop"]
WITH_RUN = ["show", "attach", "resume", *COMMANDS]


@pytest.fixture
def live(runs: Path) -> Iterator[RunDirectory]:
    """A detached run that takes its steps."""
    assert call("train", *ENDLESS, "--detach", "--runs", runs).status == 0
    run = newest(runs)
    first(run, StepMetrics)
    yield run
    assert not status_of(run).has_trainer


def test_a_run_is_paused_continued_and_stopped_after_its_epoch(fmnist: Fmnist, live: RunDirectory, runs: Path) -> None:
    assert fmnist("runs", "--json", "--runs", runs).json[0]["status"] == "running"
    paused = fmnist("pause", "last", "--runs", runs)
    assert (paused.status, paused.out, paused.err) == (0, f"Pause requested for {live.run_id}.\n", "")
    wait_for_status(live, Status.PAUSED)
    assert "paused" in fmnist("runs", "--runs", runs).lines[1]
    assert fmnist("continue", "last", "--runs", runs).out == f"Continue requested for {live.run_id}.\n"
    wait_for_status(live, Status.RUNNING)
    stop = fmnist("stop", "last", "--runs", runs)
    assert stop.out == f"Stop requested for {live.run_id} (after the current epoch).\n"
    assert first(live, RunFinished) == RunFinished("stopped", scored=True)
    wait_for_status(live, Status.FINISHED)
    result = read_json(live.result) or {}
    assert result["reason"] == "stopped"
    assert result["test_accuracy"] > 0


def test_a_follower_prints_the_commands_of_others_and_ends_with_its_run(fmnist: Fmnist, runs: Path) -> None:
    with started("train", *ENDLESS, "--runs", runs) as follower:
        run = newest(runs)
        first(run, StepMetrics)
        refused = fmnist("resume", "last", "--runs", runs)
        assert fmnist("pause", "last", "--runs", runs).status == 0
        wait_for_status(run, Status.PAUSED)
        stop = fmnist("stop", "last", "--now", "--runs", runs)
        assert stop.out == f"Stop requested for {run.run_id} (now; it will be saved, not scored).\n"
        outcome = finish(follower)
    assert (outcome.status, outcome.err) == (0, "")
    printed = [line.removeprefix(f"{run.run_id}  ") for line in outcome.lines]
    assert printed[-3].startswith("paused at step ")
    assert printed[-2:] == ["stop requested: now", "stopped: saved, can be resumed"]
    assert status_of(run) is Status.STOPPED
    assert refused.status == 1
    assert refused.complaint == f"run {run.run_id} is running; watch it with: fmnist-tui attach {run.run_id}"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_run_without_a_trainer_takes_no_commands(
    fmnist: Fmnist, finished: RunDirectory, runs: Path, command: str
) -> None:
    run = copy_of(finished, runs)
    outcome = fmnist(command, "last", "--runs", runs)
    assert (outcome.status, outcome.out) == (1, "")
    show = f"fmnist-tui show {run.run_id}"
    assert outcome.complaint == f"{run.run_id} has finished: nothing to {command}; see it with: {show}"
    assert not run.control.exists()


@pytest.mark.parametrize("command", WITH_RUN)
def test_a_missing_run_is_one_line(
    fmnist: Fmnist, finished: RunDirectory, runs: Path, tmp_path: Path, command: str
) -> None:
    copy_of(finished, runs)
    outcome = fmnist(command, "v7-2020", "--runs", runs)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.complaint == f"there is no run 'v7-2020' in {runs}; `fmnist-tui runs` lists them"
    empty = fmnist(command, "last", "--runs", tmp_path / "none")
    assert (empty.status, empty.out) == (1, "")
    assert empty.complaint == f"there are no runs in {tmp_path / 'none'} yet; start one with: fmnist-tui train v0"


@pytest.mark.parametrize("command", [*WITH_RUN, "export"])
@pytest.mark.parametrize("word", ["v0", "twice"])
def test_an_ambiguous_run_is_one_line(
    fmnist: Fmnist, finished: RunDirectory, runs: Path, tmp_path: Path, command: str, word: str
) -> None:
    copies = [copy_of(finished, runs, f"v0-20250101-000000-000{number}") for number in range(2)]
    for run in copies:
        run.label.write_text('{"name": "twice"}')
    to = ["--to", tmp_path / "out"] if command == "export" else []
    outcome = fmnist(command, word, *to, "--runs", runs)
    assert (outcome.status, outcome.out) == (1, "")
    newest_first = ", ".join(run.run_id for run in reversed(copies))
    assert outcome.complaint == f"'{word}' is ambiguous ({newest_first}): use a longer prefix"


def test_a_control_file_that_cannot_be_written_is_one_line(fmnist: Fmnist, live: RunDirectory, runs: Path) -> None:
    live.control.mkdir()
    try:
        outcome = fmnist("pause", "last", "--runs", runs)
    finally:
        live.control.rmdir()
        stopped = fmnist("stop", "last", "--now", "--runs", runs)
        wait_for_status(live, Status.STOPPED)
    assert (outcome.status, stopped.status) == (1, 0)
    assert outcome.complaint == f"can't write {live.control} (Is a directory); fix that, then try again"
