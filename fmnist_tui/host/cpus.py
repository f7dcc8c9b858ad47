"""The CPUs that this process may use, by affinity and cgroup quota."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

from fmnist_tui.files import exists

_OWN = Path("/proc/self/cgroup")
_ROOT = Path("/sys/fs/cgroup")


def available_cpus() -> int:
    """The number of CPUs by affinity and cgroup quota (Slurm, containers), which `os.cpu_count` ignores; at least 1."""
    return max(1, round(min([len(cpu_set()), *map(_quota, _groups())])))


def cpu_set() -> tuple[int, ...]:
    """The numbers of the CPUs that this process may run on, ascending; all of them on systems without affinity (macOS).

    Processes whose sets don't overlap don't compete for a CPU. A cgroup quota limits time, not which CPUs.
    """
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def _groups() -> Iterator[Path]:
    """This process's cgroups with CPU quotas, and their ancestors, whose quotas apply as well."""
    try:
        lines = _OWN.read_text("utf-8", "replace").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = _ROOT / "cpu" if controllers else _ROOT  # version 1 has one hierarchy per controller
        own = root / path.strip("/")
        yield from (group for group in (own, *own.parents) if group.is_relative_to(root))


def _quota(group: Path) -> float:
    """The group's quota in CPUs: from cpu.max (version 2), else from the two files of version 1; infinity if none."""
    try:
        if exists(group / "cpu.max"):
            quota, period = (group / "cpu.max").read_text("ascii").split()
        else:
            quota, period = ((group / f"cpu.cfs_{name}_us").read_text("ascii") for name in ("quota", "period"))
        return int(quota) / int(period) if int(quota) > 0 else math.inf
    except (OSError, ValueError, ZeroDivisionError):  # no file, or "max"
        return math.inf
