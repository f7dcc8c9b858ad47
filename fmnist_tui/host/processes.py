"""Running commands with a time limit, and this program's own modules as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

_FOLDER = Path(__file__).resolve().parents[2]
"""The folder that contains the package."""
_INSTALLED = ("site-packages", "dist-packages")
"""AppPaths that Python searches anyway. Put into PYTHONPATH, they would hide the standard library."""


def python_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of this package; run it in `python_environment()`."""
    return [sys.executable, "-m", module, *arguments]


def python_environment() -> dict[str, str]:
    """This process's environment, in which a child finds the package whatever its working directory.

    Trainers start in `/`: relative entries of PYTHONPATH are made absolute, and the folder that contains the package is
    put first unless the package is installed.
    """
    given = os.environ.get("PYTHONPATH")
    entries = [_absolute(entry) for entry in given.split(os.pathsep)] if given else []
    if _FOLDER.name not in _INSTALLED and str(_FOLDER) not in entries:
        entries.insert(0, str(_FOLDER))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(entries)} if entries else dict(os.environ)


def _absolute(entry: str) -> str:
    try:
        return os.path.abspath(entry)  # noqa: PTH100 - an empty entry means the working directory
    except FileNotFoundError:  # the working directory was removed
        return entry


_GRACE = 0.5
"""Seconds to wait for a killed command. One that hangs in a broken driver doesn't die; it is left to the system."""
_POLL = 0.05
"""Seconds between two calls of `tick`."""
_MAX_OUTPUT = 1 << 16
"""Bytes."""


@dataclass(frozen=True)
class CommandResult:
    """How a command ended.

    Attributes:
        status: Its exit status, or minus the number of the signal that ended it; None if it didn't start, or didn't end
            in time.
        output: Its standard output (the first 64 KiB), also if it was killed.
        errors: Its standard error; if `status` is None, why there is no result.
    """

    status: int | None
    output: str = ""
    errors: str = ""

    def report(self) -> dict[str, Any] | None:
        """The JSON object in the last line of its output, after whatever libraries printed.

        None if the command failed or printed no such line.
        """
        if self.status != 0:
            return None
        try:
            report = json.loads(self.output.strip().rpartition("\n")[2])
        except (ValueError, RecursionError):
            return None
        return report if isinstance(report, dict) else None


class StartedCommand(Protocol):
    """A running command, as the checks of `doctor` see it; tests replace it."""

    def result(self, seconds: float) -> CommandResult:
        """Wait until it ends, but kill it after this time."""

    def close(self) -> None:
        """Kill it if it hasn't ended, and discard its output."""


class RunningCommand:
    """A command in a session of its own, started by the constructor; its standard input is empty."""

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str] | None = None, folder: Path = Path("/")
    ) -> None:
        """Start the command.

        Args:
            command: A program and its arguments. If it can't be started, `result` says why.
            environ: Its environment; None for this process's, in which Python finds this package.
            folder: Its working directory; by default the one in which trainers run.
        """
        self._output = _buffer()
        self._errors = _buffer()
        self._process: subprocess.Popen[bytes] | None = None
        self._fault = ""
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._errors,
                cwd=folder,
                env=python_environment() if environ is None else environ,
                start_new_session=True,
            )
        except OSError as error:
            self._fault = f"{command[0]} can't be started ({error.strerror})"

    def result(self, seconds: float, tick: Callable[[], object] | None = None) -> CommandResult:
        """Wait until it ends, but kill it after this time.

        Args:
            seconds: The time limit.
            tick: Called about twenty times a second meanwhile, if given; what it raises ends the waiting.
        """
        if self._process is None:
            return CommandResult(None, errors=self._fault)
        end = time.monotonic() + seconds
        while True:
            if tick:
                tick()
            remaining = max(0.0, end - time.monotonic())
            try:
                status = self._process.wait(min(_POLL, remaining) if tick else remaining)
                return CommandResult(status, _text(self._output), _text(self._errors))
            except subprocess.TimeoutExpired:
                if time.monotonic() < end:
                    continue
            self._kill()
            return CommandResult(None, _text(self._output), f"no answer within {seconds:g} s")

    def close(self) -> None:
        """Kill it if it hasn't ended, with all processes in its session, and discard its output."""
        self._kill()
        self._output.close()
        self._errors.close()

    def _kill(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        with suppress(ProcessLookupError, PermissionError):  # it has just gone, as Linux and macOS say it
            os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)


def _buffer() -> BinaryIO:
    """An unnamed file, in memory where the system supports it: a full or read-only /tmp then breaks no check."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("output"), "w+b")
    return tempfile.TemporaryFile()


def run_command(
    command: Sequence[str],
    seconds: float,
    environ: Mapping[str, str] | None = None,
    folder: Path = Path("/"),
    tick: Callable[[], object] | None = None,
) -> CommandResult:
    """Run a command and return its result; see `RunningCommand`. It is killed if `tick` raises."""
    with closing(RunningCommand(command, environ, folder)) as running:
        return running.result(seconds, tick)


def _text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read(_MAX_OUTPUT).decode("utf-8", "replace")
