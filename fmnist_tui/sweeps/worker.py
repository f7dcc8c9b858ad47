"""A worker: it takes what is next in a sweep, trains it with the ordinary trainer, and takes the next."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from fmnist_tui.errors import RunError
from fmnist_tui.files import open_append
from fmnist_tui.host.node import host_name
from fmnist_tui.host.processes import python_command, python_environment
from fmnist_tui.runs.access import refused
from fmnist_tui.runs.control import send_command
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.heartbeat import STALE_SECONDS, age_of, ticking
from fmnist_tui.runs.lock import is_held, try_exclusive
from fmnist_tui.runs.queue.devices import is_free
from fmnist_tui.runs.status import is_waiting
from fmnist_tui.sweeps.directory import SweepDirectory
from fmnist_tui.sweeps.jobs import Start, Work, sweep_up, take_work, through_queue
from fmnist_tui.training.events import Command

_BEAT_SECONDS = 2.0
_POLL_SECONDS = 0.25
_IDLE_SECONDS = 1.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


def work(sweep: SweepDirectory, start: Start = through_queue) -> int:
    """Train trials until all is done, or the sweep is stopped.

    SIGINT and SIGTERM save the run that is being trained and end the worker, a second SIGINT ends it at once; SIGUSR1
    saves the run.

    Args:
        sweep: The sweep.
        start: What starts a run.

    Returns:
        0, or 128 plus the signal's number once everything is saved.

    Raises:
        RunError: The sweep can't be read or written, a run can't be started, or the first trials all failed.
        ConfigError: A custom model's code has changed, or Optuna is missing.
    """
    with _living(sweep), _receiving() as received:
        sweep_up(sweep)
        while True:
            found = take_work(sweep, start)
            if isinstance(found, Work):
                stopped_by = _wait(found, received)
            elif found.is_final:
                return 0
            else:
                stopped_by = _idle(received)
            if stopped_by:
                return 128 + stopped_by


def _wait(working: Work, received: deque[int]) -> int:
    """Wait until a run has ended, passing on signals; return the number of the one that stopped it, or 0."""
    stopped_by = 0
    while _is_going_on(working):
        while received:
            number = received.popleft()
            stopping = number != signal.SIGUSR1
            if stopping and stopped_by:
                continue
            stopped_by = number if stopping else stopped_by
            with suppress(RunError):  # it has just ended
                send_command(working.run, Command.STOP_NOW if stopping else Command.SAVE)
        time.sleep(_POLL_SECONDS)
    return stopped_by or _stopping(received)


def _is_going_on(working: Work) -> bool:
    if working.process is not None:
        return working.process.poll() is None
    run = working.run
    return is_held(run) or is_waiting(run) or is_held(run)  # it may have left the queue in between


def _idle(received: deque[int]) -> int:
    """Wait a moment for the others; return the number of a signal that ends the worker, or 0."""
    until = time.monotonic() + _IDLE_SECONDS
    while time.monotonic() < until and not received:
        time.sleep(_POLL_SECONDS)
    return _stopping(received)


def _stopping(received: deque[int]) -> int:
    found = next((number for number in received if number != signal.SIGUSR1), 0)
    received.clear()
    return found


@contextmanager
def _receiving() -> Iterator[deque[int]]:
    """Collect signals instead of ending the process."""
    received: deque[int] = deque()
    interrupted = False

    def receive(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        nonlocal interrupted
        if number == signal.SIGINT and interrupted:
            os._exit(128 + number)
        interrupted |= number == signal.SIGINT
        received.append(number)

    before = {number: signal.signal(number, receive) for number in _SIGNALS}
    try:
        yield received
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextmanager
def _living(sweep: SweepDirectory) -> Iterator[None]:
    """Hold a locked file, touched every other second, so that others see that this worker lives.

    Raises:
        RunError: It can't be written.
    """
    path = sweep.workers / f"{host_name()}-{os.getpid()}.lock"
    try:
        sweep.workers.mkdir(exist_ok=True)
        for old in _worker_files(sweep):
            if not _lives(old):
                old.unlink(missing_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        raise refused(f"write to {sweep.workers}", sweep.path, error) from None

    def touch() -> bool:
        with suppress(OSError):
            os.pwrite(handle, b"alive\n", 0)
        return True

    try:
        with suppress(OSError):  # a file system without locks: the file's age decides
            try_exclusive(handle)
        with ticking(touch, _BEAT_SECONDS, "worker"):
            yield
    finally:
        os.close(handle)
        path.unlink(missing_ok=True)


def live_workers(sweep: SweepDirectory) -> int:
    """How many workers a sweep has now, here and on other hosts."""
    return sum(_lives(path) for path in _worker_files(sweep))


def _worker_files(sweep: SweepDirectory) -> list[Path]:
    try:
        return [path for path in sweep.workers.iterdir() if path.suffix == ".lock"]
    except OSError:
        return []


def _lives(path: Path) -> bool:
    """Whether the worker's lock is held; locks of other hosts may not be visible here, but the file's age is."""
    if not is_free(path):
        return True
    if path.name.rpartition("-")[0] == host_name():
        return False
    try:
        age = age_of(path.stat(), path.parent)
    except OSError:
        return False
    return age is not None and age < STALE_SECONDS


def start_worker(sweep: SweepDirectory) -> subprocess.Popen[bytes]:
    """Start a worker that outlives this process, its terminal and its session.

    Raises:
        RunError: It can't be started.
    """
    command = python_command("fmnist_tui", "sweep", "work", sweep.sweep_id, "--runs", str(sweep.all_runs.absolute()))
    try:
        sweep.workers.mkdir(exist_ok=True)
        with open_append(sweep.workers / "log.txt") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
                env=python_environment(),
            )
    except OSError as error:
        raise refused(f"start a worker of {sweep.sweep_id}", sweep.workers, error) from None


def stop_trainers(runs: list[RunDirectory]) -> None:
    """Save and end all runs that have a trainer, and take those out of the queue that wait."""
    for run in runs:
        if is_held(run) or is_waiting(run):
            with suppress(RunError):  # it has just ended
                send_command(run, Command.STOP_NOW)
