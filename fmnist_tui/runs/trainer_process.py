"""The trainer process, as `launch` starts it: its arguments are the folder, the lock's descriptor, an offset."""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from pathlib import Path
from types import FrameType

from fmnist_tui.runs.control import Inbox
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.drive import drive
from fmnist_tui.runs.launch import EARLY_SIGNALS
from fmnist_tui.runs.lock import beating, holding
from fmnist_tui.training.control import Command

_EXIT = {"completed": 0, "stopped": 0, "diverged": 1, "failed": 1}


def main(arguments: list[str]) -> int:
    """Trains; returns 0, 1 where it failed, or 130/143 where a SIGINT/SIGTERM stopped it and everything is saved."""
    run = RunDirectory(Path(arguments[0]))
    lock, offset = int(arguments[1]), int(arguments[2])
    os.set_inheritable(lock, False)  # noqa: FBT003
    inbox = Inbox(run, offset)
    received = _listen_to_signals(inbox)
    with holding(lock), beating(run, lock, partial(_end_alone, run, inbox)):
        finished = drive(run, inbox)
    if finished.reason == "stopped" and finished.message:
        return 1  # it couldn't be saved
    if finished.reason == "stopped" and received:
        return 128 + received[0]
    return _EXIT[finished.reason]


def _end_alone(run: RunDirectory, inbox: Inbox) -> None:
    """The run can be taken by another trainer, or is gone."""
    print(f"{run.lock} was removed: this trainer saves what it can and ends", file=sys.stderr, flush=True)  # noqa: T201
    inbox.put(Command.STOP_NOW)


def _listen_to_signals(inbox: Inbox) -> list[int]:
    """Turns signals into wishes: SIGINT and SIGTERM save and end, a second SIGINT ends at once, SIGUSR1 saves."""
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        if number == signal.SIGINT and signal.SIGINT in received:
            os._exit(128 + number)
        received.append(number)
        inbox.put(Command.STOP_NOW)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, lambda *_: inbox.put(Command.SAVE))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, EARLY_SIGNALS)
    return received


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
