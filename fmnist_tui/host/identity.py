"""What identifies this machine, its current boot, and the cluster job we are in."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def host_name() -> str:
    """The name that the operating system gives this machine."""
    return socket.gethostname()


def boot_id() -> str:
    """A text that changes with every boot of this machine, or "" where the system has none (macOS)."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def slurm_job(environ: Mapping[str, str] = os.environ) -> str:
    """The Slurm job that a process with this environment belongs to, or "".

    The value becomes part of a path: anything but the digits of a job number, with underscores, is no job.
    """
    job = environ.get("SLURM_JOB_ID", "")
    return job if re.fullmatch(r"[0-9][0-9_]{0,39}", job) else ""
