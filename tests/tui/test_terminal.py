"""Whole sessions with the installed command in a pseudo-terminal."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from builtin_names import SPAN
from waiting import PATIENCE, wait_until

from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.fold import read_snapshot
from fmnist_tui.runs.run import read_run
from fmnist_tui.runs.status import Status, status_of

from .demo_runs import write_demo_run
from .terminal import (
    BACK_TAB,
    DOWN,
    END,
    ENTER,
    FAR_LEFT,
    TAB,
    Terminal,
    app_in_terminal,
    assert_restored,
    installed_command,
)


def train_v0(terminal: Terminal, epochs: str) -> None:
    """Fills in the form and starts v0, by keys; ends on the training screen."""
    terminal.press_and_settle("2", TAB, TAB)
    terminal.press(*epochs)
    terminal.wait_for(f"epochs {epochs}")
    terminal.press_and_settle(BACK_TAB, BACK_TAB, "t")
    if terminal.wait_for_match(r"(This takes|by hand · tuned\*)") == "This takes":  # it asks before ten minutes
        terminal.press(ENTER)
    terminal.wait_for("v0 Dense network by hand · tuned*")


def wait_until_it_learns(run: RunDirectory) -> psutil.Process:
    """Waits for the first steps; returns the process that takes them."""
    wait_until(lambda: read_snapshot(run).step, "the first step was taken")
    snapshot = read_snapshot(run)
    assert snapshot.started is not None
    return psutil.Process(snapshot.started.pid)


def only_run(runs: Path) -> RunDirectory:
    [run] = list_runs(runs)
    return run


@pytest.mark.parametrize(
    ("options", "size"),
    [((), (80, 24)), pytest.param(("--in-app",), (120, 40), marks=pytest.mark.slow)],
    ids=["a process at 80x24", "in-app at 120x40"],
)
def test_a_whole_short_run_by_keys_alone(runs: Path, options: tuple[str, ...], size: tuple[int, int]) -> None:
    with app_in_terminal(runs, *options, size=size) as terminal:
        train_v0(terminal, "5")
        terminal.wait_for("finished 5/5")
        terminal.wait_for("TEST ACCURACY")
        terminal.press("4")
        terminal.wait_for("recipe modified; data is demo")
        terminal.press("f")
        terminal.wait_for(f"{SPAN}, recipe tuned, all scored runs")
        scores = read_run(only_run(runs)).scores
        assert scores is not None
        terminal.wait_for(f"{scores.accuracy * 100:.2f}%")
        terminal.press("q")
        assert terminal.wait() == 0
        assert_restored(terminal)
    run = only_run(runs)
    assert status_of(run) is Status.FINISHED
    started = read_snapshot(run).started
    assert started is not None
    assert (started.pid == terminal.process.pid) is bool(options)


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, *(pytest.param(number, marks=pytest.mark.slow) for number in (signal.SIGINT, signal.SIGHUP))],
)
def test_a_signal_restores_the_terminal_from_the_first_byte_on(runs: Path, number: signal.Signals) -> None:
    environment = {**os.environ, "TERM": "xterm-256color", "FMNIST_TUI_RUNS": str(runs), "FMNIST_TUI_DATA": "demo"}
    terminal = Terminal([installed_command()], (80, 24), environment)
    try:
        while not terminal.sent:
            terminal.sent_in(0.01)
        terminal.process.send_signal(number)
        assert terminal.wait() == 128 + number
        assert terminal.sent.rfind(b"\x1b[?1049l") > terminal.sent.rfind(b"\x1b[?1049h") >= 0
        assert terminal.modes == terminal.modes_before
    finally:
        terminal.close()


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGHUP, marks=pytest.mark.slow)])
def test_a_signal_restores_the_terminal(runs: Path, number: signal.Signals) -> None:
    with app_in_terminal(runs) as terminal:
        terminal.process.send_signal(number)
        assert terminal.wait() == 128 + number
        assert_restored(terminal)


@pytest.mark.parametrize("how", ["hang-up", pytest.param("SIGTERM", marks=pytest.mark.slow)])
def test_an_in_app_run_is_saved_when_the_app_is_ended_from_outside(runs: Path, how: str) -> None:
    with app_in_terminal(runs, "--in-app") as terminal:
        train_v0(terminal, "9999")
        run = only_run(runs)
        assert wait_until_it_learns(run).pid == terminal.process.pid
        if how == "hang-up":
            terminal.hang_up()
        else:
            terminal.process.send_signal(signal.SIGTERM)
        assert terminal.wait() == 128 + (signal.SIGHUP if how == "hang-up" else signal.SIGTERM)
        if how == "SIGTERM":
            assert_restored(terminal)
    assert status_of(run) is Status.STOPPED
    snapshot = read_snapshot(run)
    assert snapshot.saved_step == snapshot.step > 0


def test_a_signal_ends_the_app_while_its_terminal_takes_nothing_and_what_it_takes_later_restores_it(
    runs: Path,
) -> None:
    with app_in_terminal(runs, "--in-app") as terminal:
        train_v0(terminal, "9999")
        run = only_run(runs)
        wait_until_it_learns(run)
        terminal.fill()
        terminal.press_unseen(*"12345678" * 6)
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.process.wait(PATIENCE) == 128 + signal.SIGTERM
        assert status_of(run) is Status.STOPPED
        terminal.wait()
        assert_restored(terminal)


def test_what_a_terminal_that_took_nothing_should_show_is_sent_when_it_goes_on(runs: Path) -> None:
    with app_in_terminal(runs) as terminal:
        terminal.fill()
        terminal.press_unseen(*"12345678" * 6, "2")
        terminal.wait_for("v0 Dense network")
        terminal.press("q")
        assert terminal.wait() == 0
        assert_restored(terminal)


@pytest.mark.slow
def test_a_terminal_that_is_lost_while_the_app_is_ending_keeps_no_process(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for seed in range(3):
        write_demo_run(runs, "v0", seed=seed, wrong=50)
    with app_in_terminal(runs) as terminal:
        terminal.press_and_settle("4", "f")
        terminal.wait_for("all scored runs")
        terminal.press("e")
        terminal.wait_for("enter writes there")
        terminal.press("\r")
        wait_until((tmp_path / "fmnist-tui-export").exists, "the export has begun")
        terminal.press("q")
        terminal.sent_in(0.5)  # the screen is given back, the export still runs
        terminal.process.send_signal(signal.SIGHUP)
        terminal.process.send_signal(signal.SIGCONT)
        terminal.hang_up()
        terminal.wait()


@pytest.mark.slow
def test_a_terminal_that_is_lost_without_a_signal_ends_the_app(runs: Path) -> None:
    environment = {**os.environ, "TERM": "xterm-256color", "FMNIST_TUI_RUNS": str(runs), "FMNIST_TUI_DATA": "demo"}
    shell = ["sh", "-c", "trap : HUP; $0; status=$?; exit $status", installed_command()]
    terminal = Terminal(shell, (80, 24), environment)
    try:
        terminal.wait_for("demo, train: 1-")
        terminal.hang_up()
        assert terminal.wait() == 128 + signal.SIGHUP
    finally:
        terminal.close()


@pytest.mark.parametrize("pause", [0.03, *(pytest.param(pause, marks=pytest.mark.slow) for pause in (0.0, 0.1))])
def test_a_terminal_that_is_lost_ends_the_app_whenever_its_signals_come(runs: Path, pause: float) -> None:
    with app_in_terminal(runs) as terminal:
        terminal.process.send_signal(signal.SIGHUP)
        for _ in range(3):
            time.sleep(pause)
            with suppress(ProcessLookupError):
                terminal.process.send_signal(signal.SIGCONT)
        terminal.hang_up()
        assert terminal.wait() == 128 + signal.SIGHUP


@pytest.mark.slow
def test_a_killed_app_leaves_the_trainer_going_and_the_next_app_shows_the_whole_curve(runs: Path) -> None:
    with app_in_terminal(runs) as terminal:
        train_v0(terminal, "9999")
        run = only_run(runs)
        trainer = wait_until_it_learns(run)
        os.kill(terminal.process.pid, signal.SIGKILL)
        terminal.wait()
    epoch = read_snapshot(run).epoch
    with app_in_terminal(runs, opens_on="● running") as terminal:
        terminal.wait_for("v0 Dense network by hand · tuned*")
        assert int(terminal.wait_for_match(r"% +epoch (\d+) of 9999")) >= epoch
        terminal.press("c", *[FAR_LEFT] * 8)
        terminal.wait_for("step 1, epoch 1:")
        terminal.press("q")
        terminal.wait_for(f"Still running: {run.run_id}")
        terminal.press(DOWN, ENTER)
        assert terminal.wait() == 0
        assert_restored(terminal)
    trainer.wait(PATIENCE)
    assert status_of(run) is Status.STOPPED


def test_q_asks_while_a_run_is_running_and_can_leave_it_running(runs: Path) -> None:
    with app_in_terminal(runs) as terminal:
        train_v0(terminal, "9999")
        run = only_run(runs)
        trainer = wait_until_it_learns(run)
        terminal.press("q")
        terminal.wait_for("Still running")
        terminal.press(END, ENTER)
        terminal.wait_until_gone("Still running")
        terminal.press_and_settle("q")
        terminal.press(ENTER)
        assert terminal.wait() == 0
        assert_restored(terminal)
    assert status_of(run) is Status.RUNNING
    trainer.terminate()
    trainer.wait(PATIENCE)
    assert status_of(run) is Status.STOPPED
