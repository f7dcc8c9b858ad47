"""Identifiers of this machine, its current boot, and the cluster job of a process."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


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
