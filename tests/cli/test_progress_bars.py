"""Progress bars of many runs, in real terminals of all sizes."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from rich.cells import cell_len

from .terminal import Terminal, terminal

PLAY = """
import os
import sys
from pathlib import Path
from fmnist_tui.cli.progress_bars import ProgressBars
from fmnist_tui.cli.output import take_any_text
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged
from fmnist_tui.runs.fold import SnapshotFold
from fmnist_tui.training import events

take_any_text()
runs = [RunDirectory(Path(f"/nowhere/v0-20250101-{number:06d}-00ff")) for number in range(int(sys.argv[1]))]
folds = [SnapshotFold(run.run_id) for run in runs]
bars = ProgressBars()

def report(number, *new):
    logged = [Logged(event, 1.0, 0) for event in new]
    for one in logged:
        folds[number].add(one)
    bars.report(runs[number], logged, folds[number].snapshot())

for line in sys.stdin:
    word, *numbers = line.split()
    if word == "close":
        break
    for number in map(int, numbers):
        if word == "start":
            report(number, events.RunStarted("v0", 100, 50, 2, 10, 1), events.StepMetrics(50, 1, 0.5, 0.8, 0.1, 1000.0))
        elif word == "queue":
            report(number, events.Queued("cpu"))
        elif word == "finish":
            report(number, events.RunFinished("completed"))
            bars.leave(runs[number])
        elif word == "alert":
            report(number, events.Alert("x", "東京" * 30))
        elif word == "stage":
            report(number, events.Stage("wartet auf 東京 👍 e\u0301 " * 5))
        elif word == "lose":
            bars.leave(runs[number])
    for number in range(len(runs)):
        report(number)
    bars._due = 0
    bars._paint([])
    os.write(2, b"\\x1b]2;done\\x07")
bars.close()
"""
"""Plays what is typed: `queue 0 1`, `start 0 1`, `finish 0`, `alert 2`."""


class Player:
    """The bars of some runs in a terminal."""

    def __init__(self, shown: Terminal) -> None:
        self.shown = shown

    def play(self, line: str) -> list[str]:
        """Has it happen; returns the lines on the screen."""
        before = self.shown.sent.count(b"2;done")
        self.shown.press(f"{line}\n")
        self.shown.wait_for(lambda it: it.sent.count(b"2;done") > before, f"{line} was played")
        return self.shown.text.splitlines()


@contextmanager
def playing(count: int, columns: int = 80, rows: int = 24, **environment: str) -> Iterator[Player]:
    with terminal(
        count, program=(sys.executable, "-c", PLAY), columns=columns, rows=rows, echo=False, **environment
    ) as shown:
        yield Player(shown)
        shown.press("close\n")
        assert shown.status() == 0, shown.text
        assert b"Traceback" not in shown.sent


def bars_in(lines: list[str]) -> list[str]:
    """The numbers of the runs that have a bar."""
    return [found[1] for line in lines if (found := re.match(r"v0-20250101-0*(\d+)-00ff.* \d+%", line))]


def test_the_running_run_is_visible_if_there_are_more_runs_than_rows() -> None:
    with playing(11, rows=8) as player:
        player.play("start 0 1 2 3 4 5 6 7")
        lines = player.play("finish 0 1 2 3 4 5 6")
        assert bars_in(lines) == ["7", "8", "9", "10"]
        assert lines[-1] == "11 runs: 7 completed, 1 running, 3 queued"
        assert any(line.endswith("completed") for line in lines[:-5]), lines


def test_a_hundred_runs_are_bars_of_the_running_ones_and_a_summary() -> None:
    with playing(100) as player:
        player.play(f"queue {' '.join(map(str, range(100)))}")
        lines = player.play("start 60 80")
        assert bars_in(lines)[:2] == ["60", "80"]
        assert len(bars_in(lines)) == 21
        assert lines[-1] == "100 runs: 2 running, 98 queued"


def test_few_runs_keep_their_order_and_their_bars() -> None:
    with playing(3) as player:
        player.play("start 0 1")
        lines = player.play("finish 0")
        assert bars_in(lines) == ["0", "1", "2"]
        assert lines[-1] == "3 runs: 1 completed, 1 running, 1 queued"


def test_one_run_needs_no_summary() -> None:
    with playing(1) as player:
        assert len(player.play("start 0")) == 1


def test_a_run_whose_trainer_died_loses_its_row() -> None:
    with playing(5, rows=5) as player:
        player.play("start 0 1")
        lines = player.play("lose 0")
        assert bars_in(lines) == ["1", "2"]
        assert lines[-1] == "5 runs: 1 interrupted, 1 running, 3 queued"
        assert "v0-20250101-000000-00ff  interrupted" in lines


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        *((80, 2), (1, 1)),
        *(
            pytest.param(*size, marks=pytest.mark.slow)
            for size in ((20, 10), (80, 1), (80, 3), (80, 4), (20, 1), (200, 50))
        ),
    ],
)
def test_a_terminal_of_any_size_shows_the_running_run(columns: int, rows: int) -> None:
    with playing(6, columns=columns, rows=rows) as player:
        player.play("start 3")
        player.play("alert 3")
        lines = player.play("stage 3")
        if columns >= 20:
            running = next(line for line in lines if " 50%" in f" {line}")
            assert "v0-20250101-" in running
        assert len(lines) <= rows


@pytest.mark.parametrize(
    "size", [(40, 5), *(pytest.param(size, marks=pytest.mark.slow) for size in ((100, 30), (20, 2)))]
)
def test_bars_follow_a_change_of_the_terminal_size(size: tuple[int, int]) -> None:
    columns, rows = size
    with playing(20, rows=12) as player:
        player.play("start 4 5")
        player.shown.resize(columns, rows)
        player.play("start 6")
        lines = player.play("start 7")
        assert len(bars_in(lines) if columns > 30 else [1]) == min(20, max(1, rows - 3))
        assert all(cell_len(line) <= columns for line in lines)


def test_text_of_wide_and_combining_characters_stay_on_one_row() -> None:
    with playing(2, columns=60) as player:
        player.play("start 0")
        lines = player.play("stage 0")
        assert len(lines) == 3
        assert all(cell_len(line) < 60 for line in lines)
        assert "…" in lines[0]


def test_bars_are_ascii_if_the_encoding_is() -> None:
    with playing(2, PYTHONIOENCODING="ascii") as player:
        player.play("start 0")
        player.play("stage 0")
        assert player.shown.sent.isascii()
        assert re.search(r" =+ +50% wartet auf \?\?", player.shown.text)


@pytest.mark.parametrize(
    "columns",
    ["0", *(pytest.param(columns, marks=pytest.mark.slow) for columns in ("-3", "many", "\N{SUPERSCRIPT TWO}"))],
)
def test_an_invalid_size_in_the_environment_is_ignored(columns: str) -> None:
    with playing(2, COLUMNS=columns, LINES=columns) as player:
        assert bars_in(player.play("start 0")) == ["0", "1"]


def test_nothing_is_sent_while_nothing_changes() -> None:
    with playing(3) as player:
        player.play("start 0")
        before = len(player.shown.sent)
        player.play("nothing")
        assert player.shown.sent[before:] == b"\x1b]2;done\x07"
