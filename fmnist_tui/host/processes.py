"""Running commands with a time limit, and this program's own modules as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

_FOLDER = Path(__file__).resolve().parents[2]
"""The folder that contains the package."""
_INSTALLED = ("site-packages", "dist-packages")
"""Folders that Python searches anyway. Put into PYTHONPATH, they would hide the standard library."""


def python_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of this package; start it with `python_environment()`."""
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
"""Seconds given to a killed command. One that hangs in a broken driver doesn't die; it is left to the system."""
_LONGEST = 1 << 16


@dataclass(frozen=True)
class CommandResult:
    """How a command ended.

    Attributes:
        status: Its exit status, minus a signal's number, or None where it didn't start or end in time.
        output: What it printed, even if it didn't end.
        errors: What it printed as errors; where `status` is None, why there is no result.
    """

    status: int | None
    output: str = ""
    errors: str = ""

    def report(self) -> dict[str, Any] | None:
        """The JSON object in its last line, below whatever libraries printed; None where it failed or has none."""
        if self.status != 0:
            return None
        try:
            report = json.loads(self.output.strip().rpartition("\n")[2])
        except (ValueError, RecursionError):
            return None
        return report if isinstance(report, dict) else None


class StartedCommand(Protocol):
    """A command that was started."""

    def result(self, seconds: float) -> CommandResult:
        """Wait for its end, for this long at most; it is killed then."""

    def close(self) -> None:
        """Kill it if it hasn't ended, and drop what it printed."""


class RunningCommand:
    """A command, started at once; it has an empty standard input, and runs in / as trainers do."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
        """Start `command`, a program and its arguments.

        Args:
            command: Where it can't be started, `result` says why.
            environ: Its environment; None for this process's, in which Python finds this package.
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
                cwd="/",
                env=python_environment() if environ is None else environ,
                start_new_session=True,
            )
        except OSError as error:
            self._fault = f"{command[0]} can't be started ({error.strerror})"

    def result(self, seconds: float) -> CommandResult:
        """Wait for its end, for this long at most; it is killed then."""
        if self._process is None:
            return CommandResult(None, errors=self._fault)
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._kill()
            return CommandResult(None, _text(self._output), f"no answer within {seconds:g} s")
        return CommandResult(status, _text(self._output), _text(self._errors))

    def close(self) -> None:
        """Kill it if it hasn't ended, and whatever it started; what it printed is gone."""
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
    """A file without a name. In memory where the system can: a full or read-only /tmp stops no check."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("output"), "w+b")
    return tempfile.TemporaryFile()  # read when the command has ended


def run_command(command: Sequence[str], seconds: float, environ: Mapping[str, str] | None = None) -> CommandResult:
    """The result of a command within this time; see `RunningCommand`."""
    with closing(RunningCommand(command, environ)) as running:
        return running.result(seconds)


def _text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read(_LONGEST).decode("utf-8", "replace")
