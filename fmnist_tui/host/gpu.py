"""A GPU or MIG instance, and the processes that use it."""

from __future__ import annotations

import os
import pwd
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from fmnist_tui.text import amount, safe

_UNLISTED_BYTES = 300_000_000
"""Less than any CUDA process uses, more than an idle GPU has in use."""
_UNLISTED_BUSY = 20
"""Percent."""
_MAX_NAMED = 3


@dataclass(frozen=True)
class GpuProcess:
    """A process that computes on a GPU.

    Attributes:
        pid: Its process id, or 0 for processes that aren't visible here (in a container, for example).
        user: The name of its user, or the user's number if there is no name; "" if pid is 0.
        command: The name of its program; "" if pid is 0. It may contain any text: make it safe before printing.
        used: Bytes of GPU memory, or None if the driver doesn't report them.
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
        key: Its UUID ("GPU-...", "MIG-..."); if neither NVML nor the driver's files report it, its device file's name
            ("nvidia0"), or its name in CUDA_VISIBLE_DEVICES. CUDA accepts a UUID as a name: see `is_uuid`.
        index: N in `cuda:N`, for a process with the given environment and CUDA_DEVICE_ORDER set to PCI_BUS_ID. (With
            MIG, CUDA offers a process one instance only, as cuda:0: start it with CUDA_VISIBLE_DEVICES set to the key.)
        name: The product's name, or "" if unknown.
        total: Bytes of memory; 0 if the driver doesn't report them.
        free: Bytes of free memory.
        busy: Recent utilisation in percent, or None if the driver doesn't report it.
        processes: The known processes that compute on it.
        graphics: The number of graphics processes (of a desktop).
        unlisted: Bytes in use that belong to none of these processes.
        speed: Cores times clock (MHz), to find the fastest of different GPUs; 0 if the driver doesn't report it. A MIG
            instance has the value of the whole GPU.
    """

    key: str
    index: int
    name: str
    total: int = 0
    free: int = 0
    busy: int | None = None
    processes: tuple[GpuProcess, ...] = ()
    graphics: int = 0
    unlisted: int = 0
    speed: int = 0

    @property
    def is_uuid(self) -> bool:
        """Whether the key can be given to CUDA_VISIBLE_DEVICES."""
        return self.key.startswith(("GPU-", "MIG-"))

    @property
    def short_key(self) -> str:
        """The key, with a UUID shortened to its first part: "GPU-5f3a9c01"."""
        return self.key[:12] if self.is_uuid and "/" not in self.key else self.key


def others_on(gpu: Gpu, own_pids: Collection[int] = ()) -> tuple[GpuProcess, ...]:
    """Other processes on a GPU: other users', and this user's outside fmnist-tui.

    In a container the driver may list no processes, or ids that mean nothing there. Memory in use by no listed process,
    or a busy GPU without processes, is then reported as one process with pid 0, unless one of `own_pids` isn't listed
    either: then it may be that one.

    Args:
        gpu: A fresh reading.
        own_pids: Processes of this program on this GPU, besides those recognised by their command.
    """
    listed = [process for process in gpu.processes if process.pid]
    others = [process for process in listed if process.pid not in own_pids and not process.is_ours]
    if len(others) == len(listed) and own_pids:
        return tuple(others)
    unlisted = sum(process.used or 0 for process in gpu.processes if not process.pid) + gpu.unlisted
    if len(listed) < len(gpu.processes) or unlisted > _UNLISTED_BYTES:
        others.append(GpuProcess(0, "", "", unlisted or None))
    elif not (gpu.processes or gpu.graphics) and (gpu.busy or 0) > _UNLISTED_BUSY:
        others.append(GpuProcess(0, "", "", None))
    return tuple(others)


def others_text(gpu: Gpu, others: Sequence[GpuProcess]) -> str:
    """Text like "GPU 0 (H200) is also used by alice: python (12.3 GB)"; "" for no others."""
    return f"{gpu_title(gpu)} is also used by {processes_text(others)}" if others else ""


def gpu_title(gpu: Gpu) -> str:
    """Text like "GPU 0 (H200)"."""
    return f"GPU {gpu.index}" + (f" ({safe(gpu.name.removeprefix('NVIDIA '))})" if gpu.name else "")


def processes_text(processes: Sequence[GpuProcess]) -> str:
    """Text like "alice: python (12.3 GB), bob: python (1.0 GB)"."""
    named = [process_text(process) for process in processes[:_MAX_NAMED]]
    if len(processes) > _MAX_NAMED:
        named.append(f"{len(processes) - _MAX_NAMED} more")
    return ", ".join(named)


def process_text(process: GpuProcess) -> str:
    """Text like "alice: python (12.3 GB)"."""
    used = f" ({amount(process.used)})" if process.used else ""
    if not process.pid:
        return f"processes that are not visible here{used}"
    return f"{safe(process.user)}: {safe(process.command)}{used}"


_PROGRAM = "fmnist-tui"
_PACKAGE = "fmnist_tui"
_MAX_COMMAND = 40


def gpu_process(pid: int, used: int | None, proc: Path) -> GpuProcess:
    """The process with its user and command, or with pid 0 if it isn't visible here.

    In a container, the driver may list process ids of the host: here they may belong to no process, or to another one.

    Args:
        pid: The process id that the driver lists.
        used: Bytes of GPU memory, or None.
        proc: The folder /proc.
    """
    folder = proc / str(pid)
    try:
        uid = folder.stat().st_uid
        arguments = [os.fsdecode(part) for part in (folder / "cmdline").read_bytes().split(b"\0")]
        command = Path(arguments[0]).name or (folder / "comm").read_text("utf-8", "replace").strip()
    except OSError:  # no such process, or a hidden one (hidepid)
        return GpuProcess(0, "", "", used)
    if not _may_use_gpu(folder):
        return GpuProcess(0, "", "", used)
    is_ours = uid == os.getuid() and _is_this_program(arguments)
    return GpuProcess(pid, user_name(uid), command[:_MAX_COMMAND], used, is_ours)


def _may_use_gpu(folder: Path) -> bool:
    """Whether the process has a GPU's device file open; True if its files can't be read."""
    try:
        targets = [os.readlink(entry.path) for entry in os.scandir(folder / "fd")]  # noqa: PTH115
    except OSError:  # another user's process, or files that were just closed
        return True
    return any(target.startswith(("/dev/nvidia", "/dev/dxg")) for target in targets)


def _is_this_program(arguments: Sequence[str]) -> bool:
    modules = [module for option, module in pairwise(arguments) if option == "-m"]
    return any(module.partition(".")[0] == _PACKAGE for module in modules) or any(
        Path(argument).name == _PROGRAM for argument in arguments[:2]
    )


def user_name(uid: int) -> str:
    """The user's name, or the number if there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
