"""How many CPUs this process may really use."""

from __future__ import annotations

import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def available_cpus() -> int:
    """CPUs by affinity and cgroup quota (Slurm, containers), which `os.cpu_count` ignores; at least 1."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, _quota()))


def _quota() -> int:
    try:
        quota, period = _QUOTA.read_text().split()
        return round(int(quota) / int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return 1 << 16
