from __future__ import annotations

from pathlib import Path

import pytest

from fmnist_tui.doctor.checkup import check_up
from fmnist_tui.host.gpu_sources import LIBRARY
from fmnist_tui.host.machine import CheckState
from fmnist_tui.host.processes import CommandResult

from .conftest import Make
from .machines import TORCH, Commands, gpus_reported, reported

ORDER = [
    *("terminal", "colours", "characters", "session", "clipboard", "cpu", "libraries"),
    *("runs folder", "disk", "runs", "home", "queue", "cache", "logout", "trainer", "data", "torch"),
]


def test_every_check_has_its_row_in_a_fixed_order(make: Make, runs: Path, tmp_path: Path) -> None:
    rows = list(check_up(make(), runs, "demo", tmp_path / "cache"))
    assert [row.check for row in rows] == ORDER
    assert {row.check for row in rows if row.state is CheckState.PROBLEM} == set()


def test_gpus_have_a_row_only_where_their_library_is(make: Make, runs: Path, tmp_path: Path) -> None:
    answers = {"host.gpus": gpus_reported(fault="Driver Not Loaded")}
    rows = list(check_up(make(libraries=[LIBRARY], answers=answers), runs, "demo", tmp_path / "cache"))
    assert [row.check for row in rows] == [*ORDER[:-1], "gpu", "torch"]


def test_pytorch_is_checked_first_and_reported_last(make: Make, runs: Path, tmp_path: Path) -> None:
    commands = Commands({"torch_probe": reported(**TORCH), "trainer_process": CommandResult(0)})
    rows = check_up(make(commands=commands), runs, "demo", tmp_path / "cache")
    assert next(rows).check == "terminal"
    assert (commands.started, commands.closed) == (["torch_probe"], [])
    *_, last = rows
    assert last.check == "torch"
    assert commands.closed == ["trainer_process", "torch_probe"]


def test_nothing_continues_once_the_reader_has_stopped(make: Make, runs: Path, tmp_path: Path) -> None:
    commands = Commands({"torch_probe": reported(**TORCH), "trainer_process": CommandResult(0)})
    rows = check_up(make(commands=commands), runs, "demo", tmp_path / "cache")
    next(rows)
    rows.close()
    assert commands.closed == ["torch_probe"]


@pytest.mark.parametrize("environ", [{}, {"TERM": "", "LANG": "", "COLORTERM": "", "TMUX": "x", "STY": "y"}])
def test_a_machine_that_reports_nothing_is_checked_all_the_same(
    make: Make, runs: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    machine = make(environ=environ, files={"proc/cpuinfo": ""}, size=None, commands=Commands({}), libraries=[LIBRARY])
    rows = list(check_up(machine, runs, None, tmp_path / "cache"))
    assert len(rows) == len(ORDER) + 1
    for row in rows:
        assert row.message
        assert "\n" not in row.message + row.advice
