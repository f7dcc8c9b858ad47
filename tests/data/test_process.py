from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from fmnist_tui.data import Cancelled, DataError
from fmnist_tui.data.errors import never
from fmnist_tui.data.process import run

TICKING = """
while :; do echo tick >> ticks; sleep 0.02; done &
wait
"""


def nothing() -> None:
    """Nothing to do at a tick."""


def assert_silent(folder: Path) -> None:
    """No process writes into the folder any more."""
    before = (folder / "ticks").stat().st_size
    time.sleep(0.1)
    assert (folder / "ticks").stat().st_size == before


def test_the_outcome_has_the_status_and_both_outputs(tmp_path: Path) -> None:
    outcome = run(["sh", "-c", "echo out; echo err >&2; pwd; exit 3"], tmp_path, 5, never, nothing)
    assert outcome.status == 3
    assert outcome.output.splitlines() == ["out", "err", str(tmp_path.resolve())]


def test_a_command_speaks_english_and_hears_nothing(tmp_path: Path) -> None:
    script = "import os, sys; print(os.environ['LC_ALL'], repr(sys.stdin.read()))"
    assert run([sys.executable, "-c", script], tmp_path, 5, never, nothing).output == "C ''\n"


def test_a_command_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no-such-command cannot be started"):
        run(["no-such-command"], tmp_path, 5, never, nothing)


def test_the_time_limit_ends_the_command_and_its_helpers(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"sh did not end within 0\.2 seconds"):
        run(["sh", "-c", TICKING], tmp_path, 0.2, never, nothing)
    assert_silent(tmp_path)


def test_a_wish_to_stop_ends_the_command_and_its_helpers(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        run(["sh", "-c", TICKING], tmp_path, 5, (tmp_path / "ticks").exists, nothing)
    assert_silent(tmp_path)


def test_a_helper_that_will_not_end_is_made_to(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        run(["sh", "-c", f"trap '' TERM\n{TICKING}"], tmp_path, 5, (tmp_path / "ticks").exists, nothing)
    assert_silent(tmp_path)


def test_an_exception_at_a_tick_leaves_no_process(tmp_path: Path) -> None:
    def fail() -> None:
        if (tmp_path / "ticks").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(["sh", "-c", TICKING], tmp_path, 5, never, fail)
    assert_silent(tmp_path)
