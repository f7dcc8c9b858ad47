"""Asking a command something: with a time limit, and without waiting for one that can't even be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Protocol

_GRACE = 0.5
"""Seconds given to a killed command. One that hangs in a broken driver doesn't die; it is left to the system."""
_LONGEST = 1 << 16


@dataclass(frozen=True)
class Answer:
    """What a command answered.

    Attributes:
        status: Its exit status, minus a signal's number, or None where it didn't start or end in time.
        output: What it printed.
        errors: What it complained about; where `status` is None, why there is no answer.
    """

    status: int | None
    output: str = ""
    errors: str = ""


class Asked(Protocol):
    """A command that was started."""

    def answer(self, seconds: float) -> Answer:
        """Waits for its end, for this long at most; it is ended then."""

    def close(self) -> None:
        """Ends it, if it hasn't ended, and lets go of what it printed."""


class AskedProcess:
    """A command of the system, started at once; it reads nothing, and runs in / as trainers do."""

    def __init__(self, command: Sequence[str]) -> None:
        """Starts `command`, a program and its arguments."""
        self._output: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - read when it has ended
        self._errors: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115
        self._process: subprocess.Popen[bytes] | None = None
        self._fault = ""
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._errors,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            self._fault = f"{command[0]} can't be started ({error.strerror})"

    def answer(self, seconds: float) -> Answer:
        """Waits for its end, for this long at most; it is ended then."""
        if self._process is None:
            return Answer(None, errors=self._fault)
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._end()
            return Answer(None, errors=f"no answer within {seconds:g} s")
        return Answer(status, _text(self._output), _text(self._errors))

    def close(self) -> None:
        """Ends it, if it hasn't ended, and whatever it started; what it printed is gone."""
        self._end()
        self._output.close()
        self._errors.close()

    def _end(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        with suppress(ProcessLookupError, PermissionError):  # it has just gone, as Linux and macOS say it
            os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)


def _text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read(_LONGEST).decode("utf-8", "replace")
