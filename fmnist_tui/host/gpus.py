"""NVIDIA's GPUs and MIG instances that a process may use, by UUID, and who uses them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fmnist_tui.host.command import CommandResult, run_command
from fmnist_tui.host.python import python_command, python_environment
from fmnist_tui.text import amount, safe

QUERY_SECONDS = 5.0
DEVICES = Path("/dev")
PROC = Path("/proc")
_UNLISTED_BYTES = 300_000_000
"""Less than any CUDA process takes, more than an idle GPU has in use."""
_UNLISTED_BUSY = 20
_NAMED = 3


@dataclass(frozen=True)
class GpuProcess:
    """A process that computes on a GPU.

    Attributes:
        pid: Its number, or 0 for processes that this machine (a container, often) does not show.
        user: Its user's name, or number where there is no name; "" where pid is 0.
        command: Its program's name, or "" where pid is 0. It may hold any text: make it safe before it is printed.
        used: Bytes of GPU memory, or None where the driver doesn't report them.
        is_ours: Whether it is this user's and belongs to fmnist-tui.
    """

    pid: int
    user: str
    command: str
    used: int | None
    is_ours: bool = False


@dataclass(frozen=True)
class Gpu:
    """A GPU, or a MIG instance of one.

    Attributes:
        key: Its UUID ("GPU-...", "MIG-..."); where neither NVML nor the driver's files give it, its device file's name
            ("nvidia0"), or its name in CUDA_VISIBLE_DEVICES. What has a UUID can be named so to CUDA: see `is_uuid`.
        index: Its N in `cuda:N`, for a process with the environment that was asked about. (With MIG, CUDA offers a
            process one instance only, as cuda:0: start it with CUDA_VISIBLE_DEVICES set to the key.)
        name: What its maker calls it, or "" where it isn't known.
        total: Bytes of memory; 0 where the driver doesn't report them.
        free: Bytes of memory that are free.
        busy: Percent of the last moments in which it worked, or None where the driver doesn't report it.
        processes: What computes on it, as far as it is shown here.
        unlisted: Bytes that no listed process holds.
    """

    key: str
    index: int
    name: str
    total: int = 0
    free: int = 0
    busy: int | None = None
    processes: tuple[GpuProcess, ...] = ()
    unlisted: int = 0

    @property
    def is_uuid(self) -> bool:
        """Whether the key can be given to CUDA_VISIBLE_DEVICES."""
        return self.key.startswith(("GPU-", "MIG-"))

    @property
    def short_key(self) -> str:
        """The key with as much of the UUID as people need to tell GPUs apart: "GPU-5f3a9c01"."""
        return self.key[:12] if self.is_uuid and "/" not in self.key else self.key


@dataclass(frozen=True)
class GpuReport:
    """What was found out about the GPUs.

    Attributes:
        visible: What a process with this environment may use, in CUDA's order; `index` numbers them from 0.
        hidden: What this user may open, but CUDA_VISIBLE_DEVICES leaves out; numbered from 0 as well.
        driver: The driver's version, or "".
        fault: Why NVML could not be asked, in its own words, or "". The GPUs are those of the device files then.
    """

    visible: tuple[Gpu, ...] = ()
    hidden: tuple[Gpu, ...] = ()
    driver: str = ""
    fault: str = ""
