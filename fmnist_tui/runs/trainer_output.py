"""What a trainer process printed last, where it died before it could write an event."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.text import safe

_BYTES = 8192
_CHARACTERS = 300
_ERROR = re.compile(r"[\w.]*(Error|Exception|Interrupt)\b(: .*)?$")
_MISSING = re.compile(r"(?:ModuleNotFoundError: |: )No module named '?fmnist_tui'?")


def why_trainer_died(run: RunDirectory) -> str:
    """What the last lines of train.log say of a trainer's death, and what to do about it; "" where they say nothing.

    To be put behind "<run> ..., ": one line, safe to show.
    """
    lines = _last_lines(run)
    if not lines:
        return ""
    why = next((line for line in reversed(lines) if _ERROR.match(line)), lines[-1])
    if _MISSING.search(why):
        install = f"{sys.executable} -m pip install -e {Path(__file__).parents[2]}"
        return f"{why}: the trainer's Python can't find this program; install it with: {install}"
    return why


def _last_lines(run: RunDirectory) -> list[str]:
    """The lines that aren't empty."""
    try:
        with run.train_log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line for one in text.splitlines() if (line := safe(one).strip()[:_CHARACTERS])]
