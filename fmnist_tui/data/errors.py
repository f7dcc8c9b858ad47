"""What can go wrong with data, how a slow step reports progress, and how it is cancelled."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fmnist_tui.text import safe

_DENIED = (errno.EACCES, errno.EPERM)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_SUCH_NAME = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
_OVERLOADED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
CACHE_ELSEWHERE = "or set XDG_CACHE_HOME to a folder elsewhere"


class DataError(Exception):
    """Data that cannot be had or is not right. `str(error)` is one line that says what to do.

    Attributes:
        problem: What is wrong, and with which file.
        advice: What to do about it; empty where there is nothing to add.
    """

    def __init__(self, problem: str, advice: str = "") -> None:
        self.problem = safe(problem)
        self.advice = safe(advice)
        super().__init__(f"{self.problem}; {self.advice}" if advice else self.problem)


class CacheError(DataError):
    """The cache's folder cannot be written, so that nothing can be fetched into it, from wherever."""


class Cancelled(Exception):
    """The caller asked to stop: its `cancelled()` turned true."""


def unreadable(path: Path, error: OSError) -> DataError:
    """The DataError for a file or folder that the system refuses to read, with advice that fits the refusal."""
    if error.errno in _DENIED:
        advice = f"you lack the permission: ask the owner for it, or, if that is you: chmod -R u+rX {path}"
    elif error.errno in _NO_SUCH_NAME:
        advice = "check the name, or give another folder"
    elif error.errno in _OVERLOADED:
        advice = "the machine has no memory or no open files left: try again when it is less busy"
    else:
        advice = "the disk or the network file system fails: copy the data to another one"
    return DataError(f"cannot read {path}: {reason(error)}", advice)


def unwritable(folder: Path, error: OSError) -> CacheError:
    """The CacheError for a folder of the cache that the system refuses to write, with advice that fits the refusal."""
    if error.errno in _FULL:
        advice = f"make room there, {CACHE_ELSEWHERE}"
    elif error.errno in _DENIED or error.errno == errno.EROFS:
        advice = f"make that folder writable, {CACHE_ELSEWHERE}"
    else:
        advice = f"see to that, {CACHE_ELSEWHERE}"
    return CacheError(f"cannot write to {folder}: {reason(error)}", advice)


def reason(error: Exception) -> str:
    """Say in a few words why the system or the network refused something."""
    cause = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    if isinstance(cause, Exception) and cause is not error:
        return reason(cause)
    return str(cause) or type(error).__name__


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step has come.

    Attributes:
        what: The step, in a few words, such as "fetching train-images-idx3-ubyte.gz".
        done: Bytes so far.
        total: Bytes in all, or None where that is not known.
    """

    what: str
    done: int
    total: int | None


Report = Callable[[Progress], None]
Stop = Callable[[], bool]


def quiet(_: Progress) -> None:
    """Report to nobody."""


def never() -> bool:
    """Never stop."""
    return False


def check(cancelled: Stop) -> None:
    """Raise `Cancelled` if the caller wants to stop."""
    if cancelled():
        raise Cancelled("stopped before it was done")
