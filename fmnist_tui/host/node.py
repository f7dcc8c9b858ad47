"""The machine that this process runs on, as others know it: its name, boot, cluster job, and the CPUs it may use."""

from __future__ import annotations

import math
import os
import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

from fmnist_tui.files import exists
from fmnist_tui.text import small_number

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_OWN = Path("/proc/self/cgroup")
_ROOT = Path("/sys/fs/cgroup")


def host_name() -> str:
    """This machine's host name."""
    return socket.gethostname()


def boot_id() -> str:
    """An identifier of this machine's current boot, or "" if the system has none (macOS)."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def slurm_job(environ: Mapping[str, str] = os.environ) -> str:
    """The Slurm job that a process with this environment belongs to, or "".

    The value becomes part of a path, so only digits and underscores are accepted.
    """
    job = environ.get("SLURM_JOB_ID", "")
    return job if re.fullmatch(r"[0-9][0-9_]{0,39}", job) else ""


def available_cpus() -> int:
    """The number of CPUs by affinity, cgroup quota and Slurm's allocation, which `os.cpu_count` ignores; at least 1.

    Not every cluster confines a job to the CPUs that it was given.
    """
    return max(1, round(min([len(cpu_set()), *map(_quota, _groups()), _allocated()])))


def cpu_set() -> tuple[int, ...]:
    """The numbers of the CPUs that this process may run on, ascending; all of them on systems without affinity (macOS).

    Processes whose sets don't overlap don't compete for a CPU. A cgroup quota limits time, not which CPUs.
    """
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def _allocated(environ: Mapping[str, str] = os.environ) -> float:
    """The CPUs of this node that belong to the Slurm job; infinity outside of one."""
    cpus = small_number(environ.get("SLURM_CPUS_ON_NODE", ""))
    return cpus if slurm_job(environ) and cpus else math.inf


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
