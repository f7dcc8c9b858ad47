"""Which process trains a run: locks that the kernel releases with their holder, and attempt numbers that only increase.

A trainer holds two locks on one descriptor: an open-file-description lock, which cluster file systems propagate to
other nodes, and flock, which version 0.1.0 tests. Neither is trusted alone if the heartbeat of another host is fresh:
its locks may not be visible here.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import msgspec

from fmnist_tui.errors import RunError
from fmnist_tui.files import open_nofollow
from fmnist_tui.host.node import boot_id, host_name
from fmnist_tui.runs.access import refused
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import latest_attempt
from fmnist_tui.runs.heartbeat import (
    STALE_SECONDS,
    Heartbeat,
    age_of,
    is_fresh,
    is_seen_to_beat,
    is_trained_by,
    read_heartbeat,
    write_heartbeat,
)

_PATIENCE = 0.5
"""A reader that tests flock holds it, shared, for an instant; a trainer retries for this long."""
_FLOCK = "hhqqi"
"""`struct flock` of 64-bit Linux: type, whence, start, length, pid, with native padding."""
_BUSY = (errno.EWOULDBLOCK, errno.EACCES, errno.EAGAIN)
_LARGEST = 4096


class Superseded(RunError):
    """A newer trainer has taken the run: this one must not write anything more."""


class _Holder(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of the lock file, and of the file that makes an attempt number unique."""

    attempt: Annotated[int, msgspec.Meta(ge=0)] = 0
    host: str = ""
    boot: str = ""
    pid: int = 0


def acquire(run: RunDirectory) -> int:
    """Take the run's lock; return the file descriptor that holds it, which a child process may inherit.

    Raises:
        RunError: A trainer holds it, here or on another host, or the folder can't be written.
    """
    try:
        handle = open_nofollow(run.lock, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise refused(f"write to {run.path}", run.path, error) from None
    try:
        mine = _lock_patiently(handle) and not _beats_elsewhere(run)
    except OSError:  # a file system without locks
        mine = not is_fresh(run, STALE_SECONDS)
    if mine:
        return handle
    os.close(handle)
    raise RunError(_already_trained(run))


def new_attempt(run: RunDirectory, handle: int) -> int:
    """A number for a trainer that is about to start, higher than all before it; writes the first heartbeat.

    The number is unique even if two hosts that don't see each other's locks start a trainer at the same moment: a file
    with the number in its name is created exclusively, which works on every file system.

    Args:
        run: The run.
        handle: The descriptor that holds its lock.

    Raises:
        RunError: Another trainer has just been started, or the folder can't be written.
    """
    markers, newest = _markers(run), current_attempt(run)
    number = max([0, *markers])
    if _is_trained_elsewhere(run) or (number > newest and not _is_old_or_ours(markers[number])):
        raise RunError(_already_trained(run))
    attempt = max(number, newest, latest_attempt(run.events)) + 1
    content = msgspec.json.encode(_Holder(attempt=attempt, host=host_name(), boot=boot_id(), pid=os.getpid()))
    marker = _marker(run, attempt)
    try:
        with marker.open("xb") as file:
            file.write(content)
    except FileExistsError:
        raise RunError(_already_trained(run)) from None
    except OSError as error:
        end_attempt(run, attempt)
        raise refused(f"write to {run.path}", run.path, error) from None
    if current_attempt(run) >= attempt:  # another trainer had the number, and has ended since
        end_attempt(run, attempt)
        raise RunError(_already_trained(run))
    try:
        write_heartbeat(run, attempt, starting=True)  # before the number: readers check that first
        os.pwrite(handle, content.ljust(_LARGEST // 16) + b"\n", 0)
        with suppress(OSError):
            os.fsync(handle)  # the file stays open, so that another host would not see it for half a minute
    except OSError as error:
        abandon_attempt(run, attempt)
        raise refused(f"write to {run.path}", run.path, error) from None
    for old, path in markers.items():
        if old < attempt:
            with suppress(OSError):
                path.unlink()
    return attempt


def end_attempt(run: RunDirectory, attempt: int) -> None:
    """Remove the file that made the attempt's number unique; the lock file still has the number."""
    with suppress(OSError):
        _marker(run, attempt).unlink()


def abandon_attempt(run: RunDirectory, attempt: int) -> None:
    """End an attempt that led to no trainer, so that the run doesn't appear to have one."""
    if current_attempt(run) <= attempt:
        write_heartbeat(run, attempt, ended=True)
    end_attempt(run, attempt)


def current_attempt(run: RunDirectory) -> int:
    """The number of the newest trainer; 0 if only version 0.1.0 trained the run. Never stale: opens the file."""
    holder = _read_holder(run.lock)
    return holder.attempt if holder else 0


def check_attempt(run: RunDirectory, attempt: int) -> None:
    """Raise Superseded if a trainer newer than `attempt` has taken the run."""
    if (newest := current_attempt(run)) > attempt:
        raise Superseded(f"run {run.run_id} was taken by a newer trainer (attempt {newest}); attempt {attempt} ends")


def is_held(run: RunDirectory) -> bool:
    """Whether the run has a trainer, on this host or another."""
    locked = _is_locked(run.lock)
    if locked is None:
        return is_fresh(run)
    return locked or _is_trained_elsewhere(run)


def has_started(run: RunDirectory) -> bool:
    """Whether the lock's holder is a trainer, not a process that appends to the log of a queued run."""
    beat = read_heartbeat(run)
    return beat is not None and not beat.ended and beat.attempt == current_attempt(run)


def is_lock_of(run: RunDirectory, handle: int) -> bool:
    """Whether the descriptor is still the run's lock: the folder or the file may have been removed."""
    try:
        return os.path.samestat(run.lock.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
    except OSError:  # a file server that is unavailable comes back
        return True


@contextmanager
def holding(handle: int) -> Iterator[None]:
    """Release a lock at the end of the block."""
    try:
        yield
    finally:
        os.close(handle)


def try_exclusive(handle: int) -> bool:
    """Take both locks on an open, writable file, or neither.

    Raises:
        OSError: The file system has no locks at all.
    """
    if not _try_ofd(handle, fcntl.F_WRLCK):
        return False
    if _try_flock(handle, fcntl.LOCK_EX):
        return True
    _try_ofd(handle, fcntl.F_UNLCK)
    return False


def _already_trained(run: RunDirectory) -> str:
    beat = read_heartbeat(run)
    where = "" if beat is None or beat.is_from_here else f" on {beat.host}"
    return f"run {run.run_id} is already being trained{where}; watch it with: fmnist-tui attach {run.run_id}"


def _is_trained_elsewhere(run: RunDirectory) -> bool:
    """Whether there is a fresh heartbeat of a trainer whose lock may not be visible here."""
    beat = read_heartbeat(run)
    return beat is not None and not beat.ended and _may_be_unseen(run, beat) and is_fresh(run)


def _may_be_unseen(run: RunDirectory, beat: Heartbeat) -> bool:
    """Whether a trainer may be running though its lock isn't visible: on another host, or through another mount here.

    The latter is identified by its process; so is one whose lock file was removed, until it has saved.
    """
    return not beat.is_from_here or is_trained_by(beat.pid, run)


def _beats_elsewhere(run: RunDirectory) -> bool:
    """The same, before taking the run: a trainer that seems to have died is observed for a few heartbeats.

    The clock that stamps files may have been set, and some file systems (Lustre, GPFS) use each host's own.
    """
    beat = read_heartbeat(run)
    if beat is None or beat.ended or not _may_be_unseen(run, beat):
        return False
    return is_fresh(run, STALE_SECONDS) or is_seen_to_beat(run)


def _is_old_or_ours(marker: Path) -> bool:
    """Whether an attempt's file was left by a start that failed."""
    holder = _read_holder(marker)
    if holder is not None and holder.host == host_name() and holder.boot == boot_id():
        return True  # its lock would be visible
    try:
        age = age_of(marker.stat(), marker.parent)
    except OSError:
        return True
    return age is None or age >= STALE_SECONDS


def _marker(run: RunDirectory, attempt: int) -> Path:
    return run.path / f".attempt-{attempt}"


def _markers(run: RunDirectory) -> dict[int, Path]:
    return {
        int(path.name.removeprefix(".attempt-")): path
        for path in run.path.glob(".attempt-*")
        if path.name.removeprefix(".attempt-").isdecimal()
    }


def _read_holder(path: Path) -> _Holder | None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return msgspec.json.decode(os.read(handle, _LARGEST), type=_Holder)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    finally:
        os.close(handle)


def _lock_patiently(handle: int) -> bool:
    until = time.monotonic() + _PATIENCE
    while not try_exclusive(handle):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def _is_locked(path: Path) -> bool | None:
    """Whether the lock at `path` is held, as far as this host's kernel knows; None where it can't be tested."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # should it be a pipe
    except FileNotFoundError:
        return False
    except OSError:
        return None
    try:
        return _is_ofd_locked(handle) or not _try_flock(handle, fcntl.LOCK_SH)
    except OSError:
        return None
    finally:
        os.close(handle)


def _is_ofd_locked(handle: int) -> bool:
    """Test without taking the lock, so that a trainer that starts meanwhile isn't disturbed."""
    if not hasattr(fcntl, "F_OFD_GETLK"):
        return False
    try:
        answer = fcntl.fcntl(handle, fcntl.F_OFD_GETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    except OSError:
        return False
    return bool(struct.unpack(_FLOCK, answer)[0] != fcntl.F_UNLCK)


def _try_ofd(handle: int, kind: int) -> bool:
    """Take the lock; left to flock if the kernel or the file system has no such locks."""
    if not hasattr(fcntl, "F_OFD_SETLK"):
        return True
    try:
        fcntl.fcntl(handle, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, kind, os.SEEK_SET, 0, 0, 0))
    except OSError as error:
        return error.errno not in _BUSY
    return True


def _try_flock(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _BUSY:
            return False
        raise
    return True
