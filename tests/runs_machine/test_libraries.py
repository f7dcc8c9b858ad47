from __future__ import annotations

from fmnist_tui.doctor.packages import libraries_check
from fmnist_tui.host.check import CheckState
from fmnist_tui.host.machine import this_machine

from .conftest import Make


def test_here_they_are_all_installed() -> None:
    row = libraries_check(this_machine())
    assert (row.state, row.advice) == (CheckState.OK, "")
    assert "numpy " in row.seen


def test_one_that_is_missing_is_named_with_the_command_that_brings_it(make: Make) -> None:
    row = libraries_check(make(version_of=lambda name: None if name in ("scipy", "plotext") else "1.0"))
    assert (row.state, row.seen) == (CheckState.PROBLEM, "scipy, plotext missing")
    assert row.advice == "install them: pip install scipy plotext"
