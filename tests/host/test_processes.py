from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from leftovers import has_ended
from waiting import wait_until

from fmnist_tui.host.processes import CommandResult, RunningCommand, run_command

PATIENCE = 30.0
TICKING = """
while :; do echo tick >> ticks; sleep 0.02; done &
wait
"""
SLEEPS = (sys.executable, "-c", "import sys, time; print('up', flush=True); time.sleep(60)")


def asked(code: str) -> CommandResult:
    process = RunningCommand((sys.executable, "-c", code))
    try:
        return process.result(PATIENCE)
    finally:
        process.close()


def test_a_command_answers_with_what_it_printed() -> None:
    assert asked("import sys; print('yes'); sys.stderr.write('but'); sys.exit(3)") == CommandResult(3, "yes\n", "but")


def test_it_reads_nothing_and_works_where_trainers_do() -> None:
    assert asked("import os; print(os.getcwd())").output == "/\n"
    assert "EOFError" in asked("input()").errors


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert asked(r"import os; os.write(1, b'\xff')").output == "\ufffd"


def test_a_missing_command_is_reported() -> None:
    assert RunningCommand(("no-such-program-here",)).result(1) == CommandResult(
        None, errors="no-such-program-here can't be started (No such file or directory)"
    )


def test_what_it_printed_until_its_time_was_over_is_known(tmp_path: Path) -> None:
    process = RunningCommand(SLEEPS)
    wait_until(lambda: os.fstat(process._output.fileno()).st_size, "it has printed")
    assert process.result(0.0) == CommandResult(None, "up\n", "no answer within 0 s")
    process.close()


@pytest.mark.parametrize(
    ("result", "report"),
    [
        (CommandResult(0, 'noise\n{"a": 1}\n'), {"a": 1}),
        (CommandResult(1, '{"a": 1}\n'), None),
        (CommandResult(None, '{"a": 1}\n'), None),
        (CommandResult(0, "noise"), None),
        (CommandResult(0, "[1]"), None),
        (CommandResult(0), None),
    ],
)
def test_a_report_is_the_json_in_the_last_line(result: CommandResult, report: dict[str, int] | None) -> None:
    assert result.report() == report


def test_one_that_takes_too_long_is_ended() -> None:
    process = RunningCommand(SLEEPS)
    before = time.monotonic()
    result = process.result(0.2)
    assert (result.status, result.errors) == (None, "no answer within 0.2 s")
    assert time.monotonic() - before < PATIENCE
    assert process._process is not None
    assert process._process.returncode == -9
    process.close()


def test_closing_ends_it_and_its_children(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = (
        "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        f"open({str(pid) + '.new'!r}, 'w').write(str(child.pid)); import os; os.rename({str(pid) + '.new'!r}, "
        f"{str(pid)!r}); time.sleep(60)"
    )
    process = RunningCommand((sys.executable, "-c", code))
    wait_until(pid.exists, "the child has begun")
    process.close()
    wait_until(lambda: has_ended(int(pid.read_text())), "the child has ended")
    process.close()  # again: nothing to do


class Stop(Exception):
    """Raised at a tick."""


def run_until_ticking(script: str, folder: Path) -> None:
    """Run a script in a folder until its helper has ticked once; then a tick raises Stop."""

    def tick() -> None:
        if (folder / "ticks").exists():
            raise Stop

    run_command(["sh", "-c", script], PATIENCE, folder=folder, tick=tick)


def assert_silent(folder: Path) -> None:
    """No process writes into the folder any more."""
    before = (folder / "ticks").stat().st_size
    time.sleep(0.1)
    assert (folder / "ticks").stat().st_size == before


def test_a_command_runs_in_the_folder_and_environment_that_are_given(tmp_path: Path) -> None:
    result = run_command(["/bin/sh", "-c", "pwd; echo $LC_ALL >&2"], PATIENCE, {"LC_ALL": "C"}, tmp_path)
    assert result == CommandResult(0, f"{tmp_path.resolve()}\n", "C\n")


def test_the_time_limit_kills_the_command_and_its_children(tmp_path: Path) -> None:
    result = run_command(["sh", "-c", TICKING], 0.3, folder=tmp_path, tick=lambda: None)
    assert (result.status, result.errors) == (None, "no answer within 0.3 s")
    assert_silent(tmp_path)


@pytest.mark.parametrize("script", [TICKING, f"trap '' TERM\n{TICKING}"])
def test_an_exception_at_a_tick_kills_the_command_and_its_children(script: str, tmp_path: Path) -> None:
    with pytest.raises(Stop):
        run_until_ticking(script, tmp_path)
    assert_silent(tmp_path)
