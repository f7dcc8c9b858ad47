"""The control file: any screen or command line appends a wish, the trainer reads it."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from dataclasses import dataclass, field

from fmnist_tui.files import is_torn, open_append
from fmnist_tui.runs.access import check_readable, refused
from fmnist_tui.runs.directory import RunDirectory, RunError
from fmnist_tui.runs.event_log import read_tail
from fmnist_tui.runs.lock import is_held
from fmnist_tui.runs.status import QUEUED_STAGE, Status, status_of
from fmnist_tui.training.control import Command
from fmnist_tui.training.events import SCORING, VALIDATING, Alert, Stage

_VERBS = {
    Command.PAUSE: "pause",
    Command.CONTINUE: "continue",
    Command.STOP_AFTER_EPOCH: "stop",
    Command.STOP_NOW: "stop",
    Command.SAVE: "save",
}
_WITHOUT_TRAINER = {
    Status.FINISHED: ("has finished", "see it with: fmnist-tui show {run}"),
    Status.FAILED: ("has failed", "see why with: fmnist-tui show {run}"),
    Status.STOPPED: ("was stopped", "go on with: fmnist-tui resume {run}"),
    Status.INTERRUPTED: ("was interrupted", "go on with: fmnist-tui resume {run}"),
}
_HEARING = (QUEUED_STAGE, VALIDATING, SCORING)
"""How the stages begin in which a trainer hears wishes. In all others, which come before the first step, they wait."""


def send(run: RunDirectory, command: Command) -> None:
    """Asks the run's trainer for something.

    Raises:
        RunError: No trainer holds the run, or the file can't be written.
    """
    check_readable(run)
    if not is_held(run):
        raise RunError(_nobody_hears(run, command))
    record = {"command": str(command), "time": round(time.time(), 3), "pid": os.getpid()}
    try:
        with open_append(run.control) as file:
            end = b"\n" if is_torn(run.control) else b""
            file.write(end + json.dumps(record).encode() + b"\n")
    except OSError as error:
        raise refused(f"write {run.control}", run.path, error) from None


def _nobody_hears(run: RunDirectory, command: Command) -> str:
    """That a run has no trainer, why, and what can be done with it."""
    said, advice = _WITHOUT_TRAINER.get(status_of(run), ("has just been started", "try again"))
    return f"{run.run_id} {said}: nothing to {_VERBS[command]}; {advice.format(run=run.run_id)}"


def deaf_while(run: RunDirectory) -> str:
    """What the trainer does before its first step, in which it hears nothing ("importing PyTorch"), or ""."""
    tail = [logged.event for logged in read_tail(run.events)]
    last = next((event for event in reversed(tail) if not isinstance(event, Alert)), None)
    return last.name if isinstance(last, Stage) and not last.name.startswith(_HEARING) else ""


def control_end(run: RunDirectory) -> int:
    """Where a trainer that takes the run now starts to read: older commands were meant for another."""
    try:
        return run.control.stat().st_size
    except OSError:
        return 0


@dataclass
class Inbox:
    """The trainer's ear: commands from the control file, and those that its own process puts in (signals, the app).

    Called at every window's end: a look costs one `stat`, and only what grew is read.
    """

    run: RunDirectory
    offset: int
    _own: deque[Command] = field(default_factory=deque)
    _waiting: deque[Command] = field(default_factory=deque)

    def put(self, command: Command) -> None:
        """Adds a command from within the process; safe in signal handlers and threads."""
        self._own.append(command)

    def __call__(self) -> Command | None:
        """The next command, or None; never waits."""
        if self._own:
            return self._own.popleft()
        if not self._waiting:
            self._read()
        return self._waiting.popleft() if self._waiting else None

    def _read(self) -> None:
        try:
            size = os.stat(self.run.control).st_size  # noqa: PTH116 - a third of the cost of Path.stat
            if size == self.offset:
                return
            if size < self.offset:  # somebody emptied it
                self.offset = 0
            with self.run.control.open("rb") as file:
                file.seek(self.offset)
                new = file.read()
        except OSError:
            return
        whole = new[: new.rfind(b"\n") + 1]
        self.offset += len(whole)
        self._waiting.extend(command for line in whole.splitlines() if (command := _parse(line)))


def _parse(line: bytes) -> Command | None:
    try:
        return Command(json.loads(line)["command"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
