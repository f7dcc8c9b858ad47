"""Ctrl-Z in a shell with job control, in a real pseudo-terminal."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from waiting import wait_until

from .terminal import ENTER, Terminal, installed_command

CTRL_Z = b"\x1a"
SHOWN = b"\x1b[?1049h"


@pytest.fixture
def shell(runs: Path, tmp_path: Path) -> Iterator[Terminal]:
    """A shell in which the app was started as a job."""
    environment = {
        **os.environ,
        "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8",
        "PS1": "shell> ",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "FMNIST_TUI_RUNS": str(runs),
        "FMNIST_TUI_DATA": "demo",
    }
    terminal = Terminal(["bash", "--norc", "--noprofile", "-i"], (80, 24), environment)
    try:
        terminal.wait_for("shell>")
        terminal.press(f"{installed_command()}", ENTER)
        terminal.wait_for("demo, train: 1-")
        yield terminal
    finally:
        for process in psutil.Process(terminal.process.pid).children(recursive=True):
            process.kill()
        terminal.close()


def app_in(shell: Terminal) -> psutil.Process:
    """The app's process."""
    [process] = psutil.Process(shell.process.pid).children()
    return process


def assert_the_shell_has_the_terminal(shell: Terminal) -> None:
    shell.wait_for("Stopped")
    shell.press("echo $((6 * 7)); stty -a | tr ' ' '\\n' | grep -x -e icanon -e echo", ENTER)
    shell.wait_for("42 icanon echo shell>")
    assert shell.sent.rfind(b"\x1b[?1049l") > shell.sent.rfind(b"\x1b[?1049h")
    assert shell.sent.rfind(b"\x1b[?1003l") > shell.sent.rfind(b"\x1b[?1003h")


def continue_in_the_foreground(shell: Terminal) -> None:
    """Enters `fg` and waits until the app has taken the terminal: keys pressed before are discarded.

    The screen's text doesn't tell: a frame that was being written when the process stopped may cover the prompt.
    """
    times_shown = shell.sent.count(SHOWN)
    shell.press("fg", ENTER)
    wait_until(lambda: shell.text() and shell.sent.count(SHOWN) > times_shown, "the app has the terminal")
    assert_the_screen_is_back(shell)


def assert_the_screen_is_back(shell: Terminal) -> None:
    shell.wait_until_gone("shell>")
    shell.wait_for("demo, train: 1-")
    assert "1 Data" in shell.text().splitlines()[0]
    shell.press("2")
    shell.wait_for("Dense network by hand")
    shell.press("1")
    shell.wait_for("demo, train: 1-")


def test_ctrl_z_gives_the_terminal_to_the_shell_and_fg_brings_the_screen_back(shell: Terminal) -> None:
    for _ in range(2):
        shell.press(CTRL_Z)
        assert_the_shell_has_the_terminal(shell)
        continue_in_the_foreground(shell)
    shell.press("q")
    shell.wait_for("shell>")
    shell.press("echo left with $?", ENTER)
    shell.wait_for("left with 0")


@pytest.mark.slow
def test_a_job_that_goes_on_in_the_background_waits_for_the_terminal(shell: Terminal) -> None:
    shell.press(CTRL_Z)
    assert_the_shell_has_the_terminal(shell)
    shell.press("bg", ENTER)
    wait_until(lambda: app_in(shell).status() == psutil.STATUS_STOPPED, "it is stopped again")
    shell.press("clear; echo still $((2 * 21))", ENTER)
    shell.wait_for("still 42")
    continue_in_the_foreground(shell)


@pytest.mark.parametrize("number", [pytest.param(signal.SIGTSTP, marks=pytest.mark.slow), signal.SIGSTOP])
def test_signals_from_outside_do_the_same(shell: Terminal, number: signal.Signals) -> None:
    app_in(shell).send_signal(number)
    shell.wait_for("Stopped")
    shell.wait_for("shell>")  # after SIGSTOP the app's screen is still there
    continue_in_the_foreground(shell)


@pytest.mark.slow
def test_without_job_control_the_screen_comes_back_at_once(runs: Path, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "FMNIST_TUI_RUNS": str(runs),
        "FMNIST_TUI_DATA": "demo",
    }
    terminal = Terminal([installed_command()], (80, 24), environment)
    try:
        terminal.wait_for("demo, train: 1-")
        terminal.press(CTRL_Z)
        wait_until(lambda: terminal.text() and terminal.sent.count(SHOWN) == 2, "the screen is there again")
        assert_the_screen_is_back(terminal)
        terminal.press("q")
        assert terminal.wait() == 0
    finally:
        terminal.close()
