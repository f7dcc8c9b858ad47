"""Starting a trainer: as a process of its own, or, for `--in-app`, in a thread of this one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from functools import partial

from fmnist_tui.files import open_append
from fmnist_tui.runs.access import refused
from fmnist_tui.runs.control import Inbox, control_end
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.lock import acquire, beating
from fmnist_tui.training.control import Command
from fmnist_tui.training.events import RunFinished

EARLY_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
"""What a trainer process hears from its first moment on: they wait until it has its handlers."""


def launch(run: RunDirectory) -> subprocess.Popen[bytes]:
    """Starts a trainer process that outlives this one, its terminal and its session.

    The child inherits the lock, so that the run is never without a holder in between.

    Raises:
        RunError: A trainer holds the run already, or the process can't be started.
    """
    lock = acquire(run)
    arguments = [str(run.path.absolute()), str(lock), str(control_end(run))]
    command = [sys.executable, "-m", "fmnist_tui.runs.trainer_process", *arguments]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, EARLY_SIGNALS)  # the child inherits it
    try:
        with open_append(run.train_log) as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(lock,),
                cwd="/",
            )
    except OSError as error:
        again = f"fmnist-tui resume {run.run_id}"
        raise refused(f"start a trainer for {run.run_id}", run.path, error, again) from None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(lock)


class InAppRun:
    """A training that this process drives itself, in whatever thread calls `drive`; it ends with the process.

    It holds the run from the start, also while it waits for others that are driven before it, until `drive` or
    `close`.
    """

    def __init__(self, run: RunDirectory) -> None:
        """Takes the run's lock, and beats.

        Raises:
            RunError: A trainer holds the run already.
        """
        self.run = run
        with ExitStack() as held:
            lock = acquire(run)
            held.callback(os.close, lock)
            self.inbox = Inbox(run, control_end(run))
            held.enter_context(beating(run, lock, partial(self.inbox.put, Command.STOP_NOW)))
            self._held = held.pop_all()

    def drive(self) -> RunFinished:
        """Trains to the end and lets the run go; returns the last event."""
        from fmnist_tui.runs.drive import drive  # SciPy and more, which the app's first paint must not wait for

        with self._held:
            return drive(self.run, self.inbox)

    def close(self) -> None:
        """Lets the run go, driven or not."""
        self._held.close()
