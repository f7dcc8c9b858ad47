"""`train` as a person sees it in a terminal."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from cpus import on_one_cpu

from fmnist_tui.runs.status import Status, status_of

from .commands import ENDLESS, SHORT, TINY, newest, wait_for_status
from .conftest import Fmnist
from .terminal import Terminal, terminal

SEQUENCE = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]")
PERCENT = re.compile(r"(\d+)%")


def has_no_junk(shown: Terminal) -> bool:
    """No markup, no escape codes, no characters that aren't printable, none but well-formed sequences sent."""
    plain = SEQUENCE.sub(b"", shown.sent).decode()
    controls = {character for character in plain if unicodedata.category(character) == "Cc"} - {"\r", "\n"}
    return not controls and "[/" not in plain and "\x1b" not in plain


def test_a_bar_moves_to_its_end_and_the_cursor_comes_back(runs: Path) -> None:
    with terminal("train", *SHORT, "--epochs", "15", "--batch-size", "16", "--runs", runs) as shown:
        shown.wait_for(lambda it: re.search(r"epoch \d+/15", it.text), "an epoch was shown")
        bar = shown.text.splitlines()[-1]
        assert "━" in bar
        assert PERCENT.search(bar)
        assert shown.status() == 0
    bar, score = shown.text.splitlines()[-2:]
    run = newest(runs)
    assert bar.startswith(run.run_id)
    assert bar.endswith("100% completed")
    assert score.startswith(f"{run.run_id}: test accuracy ")
    assert "epoch 15: loss" in shown.text
    assert has_no_junk(shown)
    assert shown.sent.count(b"\x1b[?25l") == shown.sent.count(b"\x1b[?25h") == 1
    assert shown.sent.rindex(b"\x1b[?25h") > shown.sent.rindex(b"\x1b[?25l"), "the cursor is back before the score"


def test_a_narrow_terminal_shows_the_progress_and_ctrl_c_saves_it_and_leaves_a_clean_prompt(runs: Path) -> None:
    with terminal("train", *ENDLESS, "--runs", runs, columns=60, rows=18) as shown:
        shown.wait_for(lambda it: "epoch 2" in it.text, "the second epoch was shown")
        bar, said = shown.text.splitlines()[-1], shown.sent.decode()
        shown.press("\x03")
        assert shown.status() == 130
    assert bar.startswith("v0-")
    assert PERCENT.search(bar)
    assert "Ctrl-C saves and stops; resume with: fmnist-tui resume v0-" in said, "said before it is needed"
    assert "stopped: saved, can be resumed" in shown.text
    assert "Traceback" not in shown.text
    assert shown.sent.rstrip().endswith(b"\x1b[?25h")
    assert status_of(newest(runs)) is Status.STOPPED


def test_a_closed_window_leaves_the_run_alone(fmnist: Fmnist, runs: Path) -> None:
    with terminal("train", *ENDLESS, "--runs", runs) as shown:
        shown.wait_for(lambda it: "epoch 2" in it.text, "the second epoch was shown")
    assert status_of(newest(runs)) is Status.RUNNING
    assert fmnist("stop", "last", "--now", "--runs", runs).status == 0
    wait_for_status(newest(runs), Status.STOPPED)


@pytest.mark.slow
def test_two_runs_have_a_bar_each(runs: Path) -> None:
    with on_one_cpu(), terminal("train", *ENDLESS, "--threads", "0", "--seeds", "2", "--runs", runs) as shown:
        shown.wait_for(lambda it: "waiting for cpu" in it.text and "epoch 2" in it.text, "one ran and one waited")
        bars = [line for line in shown.text.splitlines() if PERCENT.search(line) and "━" in line]
        assert len(bars) == 2
        shown.press("\x03")
        assert shown.status() == 130
    assert has_no_junk(shown)


def test_json_lines_stay_json_lines_in_a_terminal(runs: Path) -> None:
    with terminal("train", "v0", *TINY, "--in-app", "--json", "--runs", runs, columns=250) as shown:
        assert shown.status() == 0
    assert b"\x1b" not in shown.sent
    assert shown.text.splitlines()[-1].startswith('{"run": "v0-')


def test_a_dumb_terminal_gets_lines_and_no_sequences(runs: Path) -> None:
    with terminal("train", "v0", *TINY, "--in-app", "--runs", runs, TERM="dumb") as shown:
        assert shown.status() == 0
    assert b"\x1b" not in shown.sent
    assert "epoch 1: loss" in shown.text
    assert "completed" in shown.text
