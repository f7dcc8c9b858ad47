"""How busy this machine and this process are, read from Linux's /proc in a fraction of a millisecond."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")
_IDLE = slice(3, 5)
"""Where a line of /proc/stat has the ticks that were spent idle, and waiting for a disk."""
_COUNTED = 8
"""Columns; those after them, of virtual machines, are contained in the first ones."""


def cpu_ticks(proc: Path = PROC) -> tuple[int, int] | None:
    """Since the start of the machine, ticks in which its CPUs were busy, and all ticks; None on other systems."""
    try:
        with (proc / "stat").open("rb") as file:
            ticks = [int(part) for part in file.readline().split()[1 : _COUNTED + 1]]
    except (OSError, ValueError):
        return None
    return (sum(ticks) - sum(ticks[_IDLE]), sum(ticks)) if len(ticks) == _COUNTED else None


def resident_memory(proc: Path = PROC) -> int | None:
    """Bytes of this process that are in memory; None on other systems."""
    try:
        return int((proc / "self" / "statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None
