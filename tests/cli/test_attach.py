from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.events import Epoch

from .commands import ENDLESS, call, finish, first, newest, started, wait_for_status
from .conftest import Fmnist
from .terminal import Terminal, terminal


@pytest.fixture
def live(runs: Path, fmnist: Fmnist) -> Iterator[RunDirectory]:
    """A detached run that takes its steps until the test has ended."""
    assert call("train", *ENDLESS, "--detach", "--runs", runs).status == 0
    run = newest(runs)
    first(run, Epoch)
    yield run
    assert fmnist("stop", "last", "--now", "--runs", runs).status == 0
    wait_for_status(run, Status.STOPPED)


def test_without_a_terminal_the_lines_of_a_finished_run_are_printed(finished: RunDirectory) -> None:
    outcome = call("attach", "last", "--runs", finished.path.parent)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.lines[0] == f"{finished.run_id}  loading data"
    assert outcome.lines[-1] == f"{finished.run_id}  completed"
    assert sum("  epoch " in line for line in outcome.lines) == 6


def test_without_a_terminal_a_signal_ends_the_follower_and_not_the_run(live: RunDirectory, runs: Path) -> None:
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)):
        with started("attach", "last", "--runs", runs) as process:
            assert process.stdout
            assert process.stdout.readline() == f"{live.run_id}  loading data\n"
            process.send_signal(number)
            outcome = finish(process)
        assert (outcome.status, outcome.err.strip()) == (status, "")
    assert status_of(live) is Status.RUNNING


def test_it_opens_the_training_screen_and_q_leaves_the_run_alone(live: RunDirectory, runs: Path) -> None:
    with terminal("attach", "last", "--runs", runs, columns=120, rows=40, FMNIST_TUI_DATA="demo") as app:
        app.wait_for(lambda it: live.run_id in it.text and "epoch" in it.text, "the run was on the screen")
        assert "v0 Dense network by hand" in app.text
        app.press("q")
        app.wait_for(lambda it: "Leave running" in it.text, "it was asked what becomes of the run")
        app.press("\r")
        assert app.status() == 0
        _terminal_is_restored(app)
    assert status_of(live) is Status.RUNNING


@pytest.mark.slow
def test_a_finished_run_is_left_without_a_question(finished: RunDirectory) -> None:
    arguments = ("attach", finished.run_id, "--runs", finished.path.parent)
    with terminal(*arguments, FMNIST_TUI_DATA="demo") as app:
        app.wait_for(lambda it: "TEST ACCURACY" in it.text and "finished" in it.text, "the run was on the screen")
        app.press("q")
        assert app.status() == 0
        _terminal_is_restored(app)


def _terminal_is_restored(app: Terminal) -> None:
    """The last sequences restore the alternate screen, the cursor and the mouse."""
    for mode in (b"1049", b"25", b"1000", b"2004"):
        on, off = app.sent.rfind(b"\x1b[?" + mode + b"h"), app.sent.rfind(b"\x1b[?" + mode + b"l")
        assert (on > off) is (mode == b"25"), mode


@pytest.mark.slow
def test_without_a_command_the_app_opens_on_the_folders_given(finished: RunDirectory, tmp_path: Path) -> None:
    arguments = ("--runs", finished.path.parent, "--data", "demo", "--in-app")
    with terminal(*arguments, columns=100, rows=30) as app:
        app.wait_for(lambda it: "Ankle boot" in it.text, "the demo set was on the screen")
        app.press("4")
        app.wait_for(lambda it: finished.run_id in it.text, "the results screen knew the run")
        app.press("q")
        assert app.status() == 0
        _terminal_is_restored(app)


def test_a_missing_run_is_one_line_in_a_terminal_too(finished: RunDirectory) -> None:
    with terminal("attach", "nothing", "--runs", finished.path.parent, columns=250) as app:
        assert app.status() == 1
        assert app.text.startswith("error: there is no run 'nothing' in ")
        assert len(app.text.splitlines()) == 1
