"""The app's side of the process that holds the networks: starts it, sends it the newest requests, passes answers on."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast

import msgspec

from fmnist_tui.host.processes import python_command, python_environment
from fmnist_tui.inspection.requests import Answer, AnyRequest, Done, Failed, read_answer, write_message

Take = Callable[[Answer], object]
Key = tuple[str, str]
COMMAND = python_command("fmnist_tui.inspection.worker")
_REST_SECONDS = 300.0
"""After which nobody is expected back soon: with PyTorch the process takes 340 MB, and two seconds to start."""


@dataclass(frozen=True)
class _Open:
    """A request that may still be answered."""

    key: Key
    take: Take


class InspectionClient:
    """Requests are sent and answers are read in threads, so that no call waits.

    The process is started by the first request, and again by the next one after it has ended: because it died, or some
    minutes after the last screen that uses it was left.
    """

    def __init__(
        self,
        start: Callable[[Callable[[], object]], object],
        command: Sequence[str] | None = None,
        rest_seconds: float = _REST_SECONDS,
    ) -> None:
        """Starts nothing yet.

        Args:
            start: Runs what it is given in a thread.
            command: The process; for tests.
            rest_seconds: How long it is kept once nobody holds it any more.
        """
        self._start = start
        self._command = command or COMMAND
        self._rest_seconds = rest_seconds
        self._holders: set[object] = set()
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()
        self._number = 0
        self._open: dict[int, _Open] = {}
        self._waiting: dict[Key, AnyRequest] = {}
        self._is_writing = False
        self._is_closed = False
        self._process: subprocess.Popen[bytes] | None = None

    def send(self, request: AnyRequest, take: Take) -> int:
        """Sends a request, in the place of one of the same kind about the same run that wasn't sent yet.

        While a drag sends requests faster than they are answered, answers to earlier ones still come, each newer than
        the one before; whoever must not show those compares their number.

        Args:
            request: Its number is set here.
            take: Called in a thread with each answer, `Done` and `Failed` included. If the process dies, it is a
                `Failed` that says so.

        Returns:
            The request's number, which its answers have.
        """
        with self._lock:
            self._number += 1
            number = self._number
            replaced = self._waiting.get(request.key)
            if replaced is not None:
                del self._open[replaced.number]
            self._waiting[request.key] = msgspec.structs.replace(request, number=number)
            self._open[number] = _Open(request.key, take)
            if self._is_writing or self._is_closed:
                return number
            self._is_writing = True
        self._start(self._write)
        return number

    def hold(self, holder: object) -> None:
        """Keeps the process while the holder, a screen, is shown."""
        with self._lock:
            self._holders.add(holder)
            self._stop_timer()

    def release(self, holder: object) -> None:
        """The holder is no longer shown; some time after the last one the process is ended."""
        with self._lock:
            self._holders.discard(holder)
            if not self._holders and (self._process or self._open):
                self._start_timer()

    def _start_timer(self) -> None:
        self._stop_timer()
        if not self._is_closed:
            self._timer = threading.Timer(self._rest_seconds, self._rest)
            self._timer.daemon = True
            self._timer.start()

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _rest(self) -> None:
        """Ends the process, unless it is needed again or still has something to answer."""
        with self._lock:
            if self._holders or self._is_closed or self._process is None:
                return
            if self._open:
                self._start_timer()
                return
            process, self._process = self._process, None
            process.kill()

    def close(self) -> None:
        """Ends the process; no answer is passed on from now on."""
        with self._lock:
            self._is_closed = True
            self._stop_timer()
            self._open.clear()
            self._waiting.clear()
            if self._process:
                self._process.kill()

    def _write(self) -> None:
        """Sends what waits, in a thread of its own."""
        while True:
            with self._lock:
                if not self._waiting or self._is_closed:
                    self._is_writing = False
                    return
                process = self._process
            try:
                process = process or self._started()
            except OSError as error:
                self._fail_all(f"the process that holds the networks can't be started ({error.strerror})")
                continue
            with self._lock:
                request = self._waiting.pop(next(iter(self._waiting)), None) if self._waiting else None
            if request is None:
                continue
            try:
                write_message(cast("BinaryIO", process.stdin), request)
            except (OSError, ValueError):
                continue  # it has died: the thread that reads its answers says so

    def _started(self) -> subprocess.Popen[bytes]:
        """The process, just started.

        Raises:
            OSError: It can't be.
        """
        process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            env=python_environment(),
        )
        with self._lock:
            self._process = process
            if self._is_closed:
                process.kill()
        self._start(lambda: self._read(process))
        return process

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        """Passes answers on until the process ends, in a thread of its own."""
        with process:
            while answer := read_answer(cast("BinaryIO", process.stdout)):
                if take := self._taker(answer):
                    take(answer)
            process.kill()  # what can't be read is no answer
        with self._lock:
            if self._process is not process:
                return  # it was ended with nothing left to answer; there may be another one
            self._process = None
        how = _how(process.returncode)
        self._fail_all(f"the process that holds the networks ended ({how}); it starts again with the next request")

    def _taker(self, answer: Answer) -> Take | None:
        """Who takes the answer; the requests that it replaces won't be answered any more."""
        with self._lock:
            found = self._open.get(answer.number)
            if found is None:
                return None
            for number in [n for n, one in self._open.items() if n < answer.number and one.key == found.key]:
                del self._open[number]
            if isinstance(answer, Done):
                del self._open[answer.number]
            return found.take

    def _fail_all(self, reason: str) -> None:
        with self._lock:
            failed, self._open = self._open, {}
            self._waiting.clear()
        for number, one in failed.items():
            one.take(Failed(number=number, reason=reason))


def _how(status: int) -> str:
    return f"signal {-status}, {signal.strsignal(-status)}" if status < 0 else f"exit status {status}"
