"""The control file: screens and the command line append commands, the trainer reads them."""

from __future__ import annotations

import os
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from fmnist_tui.errors import RunError
from fmnist_tui.files import is_torn, open_append, write_atomically
from fmnist_tui.host.node import host_name
from fmnist_tui.runs.access import check_readable, refused
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.fold import read_tail_fold
from fmnist_tui.runs.lock import has_started, is_held
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.runs.turns import alone
from fmnist_tui.training.events import Command, Stage

_VERBS = {
    Command.PAUSE: "pause",
    Command.CONTINUE: "continue",
    Command.STOP_AFTER_EPOCH: "stop",
    Command.STOP_NOW: "stop",
    Command.SAVE: "save",
}
_WITHOUT_TRAINER = {
    Status.QUEUED: ("is waiting for its device", "stop it with: fmnist-tui stop {run}"),
    Status.PENDING: ("is waiting for the cluster", "stop it with: fmnist-tui stop {run}"),
    Status.FINISHED: ("has finished", "see it with: fmnist-tui show {run}"),
    Status.FAILED: ("has failed", "see why with: fmnist-tui show {run}"),
    Status.STOPPED: ("was stopped", "resume it with: fmnist-tui resume {run}"),
    Status.INTERRUPTED: ("was interrupted", "resume it with: fmnist-tui resume {run}"),
}
_STOPS = (Command.STOP_NOW, Command.STOP_AFTER_EPOCH)
_REOPEN_SECONDS = 1.0
"""A network file system caches a file's size for up to a minute, unless the file is opened."""
_START_SECONDS = 3.0
"""How long a run may be locked by a process that isn't its trainer, or not yet: it queues or deletes the run."""


class _Line(msgspec.Struct, kw_only=True):
    """A command in the control file."""

    command: str
    id: str = ""
    time: float = 0.0
    pid: int = 0
    host: str = ""


def send_command(run: RunDirectory, command: Command) -> None:
    """Send a command to the run's trainer; to stop a run that waits for one, its place in the queue is given up.

    Raises:
        RunError: No trainer holds the run, or the file can't be written.
    """
    check_readable(run)
    until = time.monotonic() + _START_SECONDS
    while not (held := is_held(run)) or not (has_started(run) or time.monotonic() > until):
        if held:  # a trainer is just being started, or the run is being queued: a command would be lost
            time.sleep(0.02)
        elif _cancel(run, command, patient=time.monotonic() < until):
            return
    line = _Line(
        command=str(command), id=os.urandom(8).hex(), time=round(time.time(), 3), pid=os.getpid(), host=host_name()
    )
    try:
        with alone(run.control):
            _append_anyhow(run.control, msgspec.json.encode(line) + b"\n")
    except OSError as error:
        raise refused(f"write {run.control}", run.path, error) from None


def _cancel(run: RunDirectory, command: Command, *, patient: bool) -> bool:
    """Stop a run that waits for its device; return False if the run is just being started.

    Raises:
        RunError: There is nothing to stop, or it can't be stopped.
    """
    status = status_of(run)
    if status.has_trainer and not status.waits:
        return False
    if not status.waits or command not in _STOPS:
        raise RunError(_no_trainer(run, command))
    from fmnist_tui.runs.cluster.submit import cancel_pending
    from fmnist_tui.runs.queue.dispatch import cancel_queued

    try:
        (cancel_queued if status is Status.QUEUED else cancel_pending)(run)
    except RunError:
        if not patient or not (is_held(run) or not status_of(run).waits):
            raise
        return False
    return True


def _no_trainer(run: RunDirectory, command: Command) -> str:
    """A message: the run has no trainer, why, and what to do."""
    state, advice = _WITHOUT_TRAINER.get(status_of(run), ("has just been started", "try again"))
    return f"{run.run_id} {state}: nothing to {_VERBS[command]}; {advice.format(run=run.run_id)}"


def busy_stage(run: RunDirectory) -> str:
    """What the trainer is doing before its first step, while it reads no commands ("importing PyTorch"), or ""."""
    activity = read_tail_fold(run).activity
    doing = activity.event if activity else None
    return str(doing.name) if isinstance(doing, Stage) and not doing.kind.reads_commands else ""


def stop_requested_since(run: RunDirectory, offset: int) -> bool:
    """Whether somebody asked the run to stop, in the control file from `offset` on."""
    try:
        with run.control.open("rb") as file:
            file.seek(offset)
            return any(_parse(line) in _STOPS for line in file.read().splitlines())
    except OSError:
        return False


def control_end(run: RunDirectory) -> int:
    """The offset from which a trainer that takes the run now reads: earlier commands were for another trainer."""
    try:
        return run.control.stat().st_size
    except OSError:
        return 0


def _append_anyhow(path: Path, line: bytes) -> None:
    """Append the line, or replace the file by one that has it as well.

    The first sender of a command creates the file, and their umask may deny access to others who can write to the
    folder, the run's owner among them.
    """
    try:
        _append(path, line)
    except PermissionError:
        before = b""
        with suppress(OSError):
            before = path.read_bytes()
        torn = before and not before.endswith(b"\n")
        write_atomically(path, before + (b"\n" if torn else b"") + line)


def _append(path: Path, line: bytes) -> None:
    """Append the line, after a newline if a writer was killed within the previous line, and flush it to disk."""
    with open_append(path) as file:
        file.write((b"\n" if is_torn(path) else b"") + line)
        with suppress(OSError):
            os.fsync(file.fileno())


@dataclass
class Inbox:
    """The trainer's command queue: commands from the control file, and from its own process (signals, the app).

    Called at the end of every log interval: a call costs one `stat`, and about once a second one opening of the file;
    only what was added is read.
    """

    run: RunDirectory
    offset: int
    _own: deque[Command] = field(default_factory=deque)
    _waiting: deque[Command] = field(default_factory=deque)
    _opened: float = 0.0

    def put(self, command: Command) -> None:
        """Add a command from within the process; safe in signal handlers and threads."""
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
            due = time.monotonic() - self._opened >= _REOPEN_SECONDS
            if not due and os.stat(self.run.control).st_size == self.offset:  # noqa: PTH116 - a third of Path.stat's cost
                return
            self._opened = time.monotonic()
            with self.run.control.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size < self.offset:  # it was truncated
                    self.offset = 0
                file.seek(self.offset)
                new = file.read()
        except OSError:
            return
        whole = new[: new.rfind(b"\n") + 1]
        self.offset += len(whole)
        self._waiting.extend(command for line in whole.splitlines() if (command := _parse(line)))


def _parse(line: bytes) -> Command | None:
    try:
        return Command(msgspec.json.decode(line, type=_Line).command)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError):
        return None
