"""Who holds a run: an flock that the kernel drops when its holder dies, however it dies."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fmnist_tui.files import read_json
from fmnist_tui.runs.directory import RunDirectory, RunError

BEAT_SECONDS = 1.0
STALE_SECONDS = 10.0
_PATIENCE = 0.5
"""A reader that asks whether a lock is held holds it, shared, for an instant; a trainer tries again for this long."""


def acquire(run: RunDirectory) -> int:
    """Takes the run's lock; returns the file descriptor that holds it, which a child process may inherit.

    Raises:
        RunError: A trainer holds it, or the folder can't be written.
    """
    try:
        handle = os.open(run.lock, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise RunError(f"can't write to {run.path} ({error.strerror}); see to that, then try again") from None
    try:
        mine = _lock_patiently(handle)
    except OSError:  # a file system without locks
        mine = heartbeat_age(run) >= STALE_SECONDS
    if mine:
        now = time.time()  # this machine's clock, as the log has it: a file server's may differ
        os.utime(handle, (now, now))
        beat_once(run)
        return handle
    os.close(handle)
    raise RunError(f"run {run.run_id} is already being trained; watch it with: fmnist-tui attach {run.run_id}")


def is_held(run: RunDirectory) -> bool:
    """Whether a trainer holds the run; by its heartbeat where the file system has no locks."""
    try:
        handle = os.open(run.lock, os.O_RDONLY | os.O_NONBLOCK)  # should it be a pipe
    except OSError:
        return False
    try:
        return not _try(handle, fcntl.LOCK_SH)
    except OSError:
        return heartbeat_age(run) < STALE_SECONDS
    finally:
        os.close(handle)


def taken_at(run: RunDirectory) -> float:
    """When the run's lock was taken last (unix seconds)."""
    return run.lock.stat().st_mtime if run.lock.exists() else 0.0


def heartbeat_age(run: RunDirectory) -> float:
    """Seconds since the trainer's last sign of life; infinite where there is none."""
    beat = (read_json(run.heartbeat) or {}).get("time")
    return max(0.0, time.time() - beat) if isinstance(beat, int | float) else float("inf")


def beats_here(run: RunDirectory) -> bool:
    """Whether the run's last sign of life came from this machine: others may share the folder of runs."""
    host = socket.gethostname()
    return bool((read_json(run.heartbeat) or {}).get("host", host) == host)


@contextmanager
def beating(run: RunDirectory, handle: int, lost: Callable[[], object]) -> Iterator[None]:
    """Refreshes the heartbeat about every second, from a thread, for as long as the block lasts.

    Args:
        run: The run.
        handle: Holds its lock.
        lost: Called once where that lock is no longer the run's: its folder or the file was removed, so that anybody
            else could take it.
    """
    stop = threading.Event()
    thread = threading.Thread(target=_beat, args=(run, handle, lost, stop), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def try_exclusive(path: Path) -> int | None:
    """Takes the lock at `path` if it is free: its file descriptor, or None."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    with suppress(OSError):  # where the file system has no locks nobody waits
        if not _try(handle, fcntl.LOCK_EX):
            os.close(handle)
            return None
    return handle


@contextmanager
def holding(handle: int) -> Iterator[None]:
    """Lets go of a lock, a run's or a device's, at the block's end."""
    try:
        yield
    finally:
        os.close(handle)


def beat_once(run: RunDirectory) -> None:
    """Gives a sign of life. A full disk must not end the run; the lock says that it lives."""
    temporary = run.path / ".heartbeat.tmp"
    beat = {"pid": os.getpid(), "host": socket.gethostname(), "time": round(time.time(), 3)}
    try:
        temporary.unlink(missing_ok=True)  # should it be a pipe
        if run.heartbeat.is_dir():
            run.heartbeat.rmdir()
        temporary.write_text(f"{json.dumps(beat)}\n", encoding="utf-8")
        temporary.replace(run.heartbeat)
    except OSError:  # on a full disk what lies there already can still be overwritten
        with suppress(OSError), run.heartbeat.open("r+", encoding="utf-8") as file:
            file.write(json.dumps(beat).ljust(run.heartbeat.stat().st_size - 1))
        with suppress(OSError):
            temporary.unlink()


def _beat(run: RunDirectory, handle: int, lost: Callable[[], object], stop: threading.Event) -> None:
    while not stop.is_set():
        if not _is_lock_of(run, handle):
            lost()
            return
        beat_once(run)
        stop.wait(BEAT_SECONDS)


def _is_lock_of(run: RunDirectory, handle: int) -> bool:
    try:
        return os.path.samestat(run.lock.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
    except OSError:  # a file server that is away comes back
        return True


def _lock_patiently(handle: int) -> bool:
    until = time.monotonic() + _PATIENCE
    while not _try(handle, fcntl.LOCK_EX):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def _try(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise
    return True
