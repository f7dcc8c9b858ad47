"""Errors of the data package, and how its slow steps report progress and are cancelled."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fmnist_tui.text import safe

_DENIED = (errno.EACCES, errno.EPERM)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_SUCH_NAME = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
_NO_FILE = (errno.EINVAL, errno.EISDIR)
"""What `check_regular_file` raises for pipes, devices and folders."""
_OVERLOADED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
CACHE_ELSEWHERE = "or set XDG_CACHE_HOME to another folder"


class DataError(Exception):
    """Data that can't be loaded or is invalid. `str(error)` is one line that says what to do.

    Attributes:
        problem: What is wrong, and with which file.
        advice: What to do about it; empty if there is nothing to add.
    """

    def __init__(self, problem: str, advice: str = "") -> None:
        self.problem = safe(problem)
        self.advice = safe(advice)
        super().__init__(f"{self.problem}; {self.advice}" if advice else self.problem)


class CacheError(DataError):
    """The cache folder can't be written, so nothing can be downloaded, from any source."""


class Cancelled(Exception):
    """The caller asked to stop: its `cancelled()` returned True."""


def unreadable(path: Path, error: OSError) -> DataError:
    """The DataError for a file or folder that can't be read, with advice that fits the system's error."""
    if error.errno in _DENIED:
        advice = f"you lack the permission: ask the owner for it, or, if that is you: chmod -R u+rX {path}"
    elif error.errno in _NO_SUCH_NAME:
        advice = "check the name, or give another folder"
    elif error.errno in _NO_FILE:
        advice = "choose a regular file"
    elif error.errno == errno.EFBIG:
        advice = "make it smaller"
    elif error.errno in _OVERLOADED:
        advice = "the machine is out of memory or open files: try again when it is less busy"
    else:
        advice = "the disk or the network file system fails: copy the data elsewhere"
    return DataError(f"cannot read {path}: {reason(error)}", advice)


def unwritable(folder: Path, error: OSError) -> CacheError:
    """The CacheError for a cache folder that can't be written, with advice that fits the system's error."""
    if error.errno in _FULL:
        advice = f"free some space there, {CACHE_ELSEWHERE}"
    elif error.errno in _DENIED or error.errno == errno.EROFS:
        advice = f"make that folder writable, {CACHE_ELSEWHERE}"
    else:
        advice = f"fix this, {CACHE_ELSEWHERE}"
    return CacheError(f"cannot write to {folder}: {reason(error)}", advice)


def reason(error: Exception) -> str:
    """A short text on why a system call or a request failed."""
    cause = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    if isinstance(cause, Exception) and cause is not error:
        return reason(cause)
    return str(cause) or type(error).__name__


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of one step.

    Attributes:
        what: The step, such as "fetching train-images-idx3-ubyte.gz".
        done: Bytes so far.
        total: Bytes in total, or None if unknown.
    """

    what: str
    done: int
    total: int | None


ProgressCallback = Callable[[Progress], None]
CancelCheck = Callable[[], bool]


def quiet(_: Progress) -> None:
    """A progress callback that does nothing."""


def never() -> bool:
    """A cancel check that never cancels."""
    return False


def raise_if_cancelled(cancelled: CancelCheck) -> None:
    """Raise Cancelled if `cancelled` returns True."""
    if cancelled():
        raise Cancelled("cancelled")
