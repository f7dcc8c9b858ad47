"""Whose the processes are that the driver lists on a GPU."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from fmnist_tui.host.gpu import GpuProcess

_PROGRAM = "fmnist-tui"
_PACKAGE = "fmnist_tui"
_LONGEST_COMMAND = 40


def gpu_process(pid: int, used: int | None, proc: Path) -> GpuProcess:
    """The process with its user and command, or with pid 0 where this machine does not show it.

    In a container, the driver may list numbers of the host's processes: no such process may be here, or another one.

    Args:
        pid: As the driver lists it.
        used: Bytes of GPU memory, or None.
        proc: The folder /proc.
    """
    folder = proc / str(pid)
    try:
        uid = folder.stat().st_uid
        arguments = [os.fsdecode(part) for part in (folder / "cmdline").read_bytes().split(b"\0")]
        command = Path(arguments[0]).name or (folder / "comm").read_text("utf-8", "replace").strip()
    except OSError:  # not here, or hidden (hidepid)
        return GpuProcess(0, "", "", used)
    if not _may_use_gpu(folder):
        return GpuProcess(0, "", "", used)
    is_ours = uid == os.getuid() and _is_this_program(arguments)
    return GpuProcess(pid, _user_name(uid), command[:_LONGEST_COMMAND], used, is_ours)


def _may_use_gpu(folder: Path) -> bool:
    """Whether the process has a GPU's device file open, as far as we may look."""
    try:
        targets = [os.readlink(entry.path) for entry in os.scandir(folder / "fd")]  # noqa: PTH115
    except OSError:  # another user's, or files that it has just closed
        return True
    return any(target.startswith(("/dev/nvidia", "/dev/dxg")) for target in targets)


def _is_this_program(arguments: Sequence[str]) -> bool:
    modules = [module for option, module in pairwise(arguments) if option == "-m"]
    return any(module.partition(".")[0] == _PACKAGE for module in modules) or any(
        Path(argument).name == _PROGRAM for argument in arguments[:2]
    )


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
