"""Whether a trainer process can be started: it runs in /, on its own, and has to find this program."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from fmnist_tui.runs.machine.row import Row, State
from fmnist_tui.text import safe

ASK_TRAINER = (sys.executable, "-c", "import fmnist_tui.runs.trainer_process, fmnist_tui.runs.drive")
TRAINER_SECONDS = 20.0
_INSTALL = f"install it for this Python: {sys.executable} -m pip install -e {Path(__file__).parents[3]}"


def trainer_row(status: int | None, errors: str) -> Row:
    """What came of importing the trainer as its process does.

    Args:
        status: The exit status, minus a signal's number, or None where there was no end in time.
        errors: What was printed on standard error, or why there is no status.
    """
    if status == 0:
        return Row("trainer", State.OK, "its process can be started")
    lines = [safe(line).strip() for line in errors.splitlines() if line.strip()]
    why = lines[-1] if lines else "it says nothing"
    if re.search(r"No module named '?fmnist_tui\b", why):
        return Row(
            "trainer", State.PROBLEM, f"{sys.executable} doesn't find this program outside this folder", _INSTALL
        )
    if status is None:
        return Row("trainer", State.NOTE, f"could not be tried: {why}", "a slow disk makes it so; try again")
    return Row("trainer", State.PROBLEM, f"its process can't be started: {why}", "install this program again")
