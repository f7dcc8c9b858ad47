"""Running a command of the system: with a time limit, stopped when asked, never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fmnist_tui.data import errors as steps
from fmnist_tui.data.errors import DataError, Stop, reason

TICK = 0.05  # seconds between two looks at the command
GRACE = 1.0  # seconds between asking it to end and making it


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended: its exit status and what it printed, errors included."""

    status: int
    output: str


def run(command: Sequence[str], folder: Path, limit: float, cancelled: Stop, tick: Callable[[], None]) -> Outcome:
    """Run `command` in `folder` and wait for its end.

    Args:
        command: The program and its arguments.
        folder: Its working directory.
        limit: Seconds it may take.
        cancelled: Asked while it runs.
        tick: Called while it runs.

    Raises:
        DataError: It cannot be started, or took too long.
        Cancelled: `cancelled` turned true.
    """
    with _output_file() as output:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "LC_ALL": "C"},
                start_new_session=True,
            )
        except OSError as error:
            raise DataError(f"{command[0]} cannot be started: {error.strerror}") from None
        try:
            _wait(process, command[0], limit, cancelled, tick)
        finally:
            _end(process)
        output.seek(0)
        return Outcome(process.returncode, output.read().decode("utf-8", "replace"))


def _output_file() -> BinaryIO:
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise DataError(f"no temporary file can be written: {reason(error)}") from None


def _wait(process: subprocess.Popen[bytes], name: str, limit: float, cancelled: Stop, tick: Callable[[], None]) -> None:
    end = time.monotonic() + limit
    while process.poll() is None:
        steps.check(cancelled)
        if time.monotonic() > end:
            raise DataError(f"{name} did not end within {limit:g} seconds")
        tick()
        time.sleep(TICK)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the command and the helpers it started, if it has not ended by itself."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    with suppress(ProcessLookupError, PermissionError):  # nobody is left, as Linux and macOS say it
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
