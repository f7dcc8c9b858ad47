"""The result of a check, and everything that checks ask of the machine, so that tests can replace it."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import importlib.metadata
import os
import platform
import pwd
import re
import shutil
import struct
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from fmnist_tui.host.node import available_cpus
from fmnist_tui.host.processes import CommandResult, RunningCommand, StartedCommand
from fmnist_tui.host.terminal import given_environment
from fmnist_tui.text import counted

_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
_WRITE_LOCK = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
"""`struct flock` of 64-bit Linux, on all of a file."""


class CheckState(StrEnum):
    """The outcome of a check: fine, worth knowing, or something doesn't work."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Check:
    """A check and its result; the fields are the keys of `doctor --json`.

    Attributes:
        check: The check's name.
        state: Its outcome.
        message: What was found, as one line. It may contain text from commands and files: make it safe before printing.
        advice: What to do about it, as one line; "" if there is nothing to do.
    """

    check: str
    state: CheckState
    message: str
    advice: str = ""


class Locks(StrEnum):
    """The kinds of locks that a file system supports."""

    OPEN_FILE = "open-file-description locks"
    FLOCK = "flock only"
    NONE = "no locks"


@dataclass(frozen=True)
class Machine:
    """The machine, as the checks see it.

    Attributes:
        environ: The environment that this process was started with.
        root: The folder that contains /proc, /etc, /var and /run.
        screen: The terminal's columns and rows (0 if unknown), or None without a terminal.
        system: "Linux" or "Darwin".
        processor: The CPU's architecture.
        cpus: The number of CPUs that may be used, and the number that exist.
        user: Returns the name of this process's user.
        start: Starts a command.
        has_library: Whether a shared library can be loaded.
        version_of: The version of an installed package, or None.
        free_bytes: The free space on a folder's file system. Raises OSError.
        locks: The locks that a folder's file system supports. Raises OSError if the folder can't be written.
    """

    environ: Mapping[str, str]
    root: Path
    screen: os.terminal_size | None
    system: str
    processor: str
    cpus: tuple[int, int]
    user: Callable[[], str]
    start: Callable[[Sequence[str]], StartedCommand]
    has_library: Callable[[str], bool]
    version_of: Callable[[str], str | None]
    free_bytes: Callable[[Path], int]
    locks: Callable[[Path], Locks]

    def ask(self, *command: str, seconds: float = 1.0) -> CommandResult:
        """The result of a command, which is killed after this time."""
        with closing(self.start(command)) as started:
            return started.result(seconds)

    def read(self, path: str) -> str:
        """The text of a file below the root, or "" if it can't be read."""
        try:
            return (self.root / path).read_text("utf-8", "replace")
        except OSError:
            return ""


def this_machine() -> Machine:
    """The machine that this process runs on."""
    return Machine(
        environ=given_environment(),
        root=Path("/"),
        screen=_screen(),
        system=platform.system(),
        processor=platform.machine(),
        cpus=(available_cpus(), os.cpu_count() or 1),
        user=_user,
        start=RunningCommand,
        has_library=_has_library,
        version_of=_version_of,
        free_bytes=lambda folder: shutil.disk_usage(folder).free,
        locks=_locks,
    )


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user without a name
        return str(os.getuid())


def _screen() -> os.terminal_size | None:
    for stream in (sys.stdout, sys.stderr, sys.stdin):
        try:
            return os.get_terminal_size(stream.fileno())
        except (AttributeError, OSError, ValueError):  # closed, a pipe, a file
            continue
    return None


def _has_library(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _version_of(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _locks(folder: Path) -> Locks:
    with tempfile.TemporaryFile(dir=folder) as file:  # unnamed: nothing is left even if this process is killed
        open_file = _is_granted(lambda: fcntl.fcntl(file, fcntl.F_OFD_SETLK, _WRITE_LOCK))
        flock = _is_granted(lambda: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB))
    if flock:
        return Locks.OPEN_FILE if open_file else Locks.FLOCK
    return Locks.NONE


def _is_granted(lock: Callable[[], object]) -> bool:
    """Whether the lock can be taken. Raise OSError if that fails for another reason than missing support."""
    try:
        lock()
    except AttributeError:  # macOS
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return False
        raise
    return True


def cpu_title(machine: Machine) -> str:
    """The number and the model of the usable CPUs: "2 CPUs, AMD EPYC"."""
    usable, total = machine.cpus
    count = counted(usable, "CPU") if usable == total else f"{usable} of {total} CPUs available"
    return f"{count}, {_processor(machine)}"


def _processor(machine: Machine) -> str:
    if machine.system == "Darwin":
        answer = machine.ask("sysctl", "-n", "machdep.cpu.brand_string")
        return answer.output.strip() or machine.processor
    model = re.search(r"^model name\s*:\s*(.+)", machine.read("proc/cpuinfo"), re.MULTILINE)
    return model[1] if model else machine.processor
