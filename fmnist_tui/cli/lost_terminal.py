"""Standard error that a lost terminal can't break.

Textual draws from a thread, to `sys.__stderr__`. Where the terminal goes away (a closed window, a dropped link), a
write fails, that thread would die, and the app would wait for it for ever instead of saving and ending.
"""

from __future__ import annotations

import io
import sys
from typing import Any


class _Lasting(io.FileIO):
    """What can't be written counts as written."""

    def write(self, data: Any) -> int:
        """Writes, or drops the data where nobody is there to read it."""
        try:
            return super().write(data)
        except OSError:
            return len(data)


def outlive_the_terminal() -> None:
    """Has `sys.__stderr__` go on when the terminal behind it is gone."""
    old = sys.__stderr__
    if old is not None:
        raw = _Lasting(old.fileno(), "w", closefd=False)
        new = io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="replace", newline="")
        sys.__stderr__ = new  # type: ignore[misc]
