"""Keeping the cache small: old entries and what killed processes left behind."""

from __future__ import annotations

import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

KEPT_ENTRIES = 8  # of 55 MB each, for Fashion-MNIST
LEFT_BEHIND = 24 * 3600.0  # seconds after which nobody works on a temporary file any more
TEMPORARY = re.compile(r"\.(new-|apt-).*|\..*\.tmp")


def prune(folder: Path, kept: int = KEPT_ENTRIES) -> None:
    """Remove all folders in `folder` but the `kept` that were used last, by their time of change.

    An entry that another process has mapped may be among them: POSIX keeps the pages of an unlinked file until
    the last mapping is gone. A process that is about to map one finds it missing and decodes its files again.
    """
    with suppress(OSError):
        entries = [path for path in folder.iterdir() if not path.name.startswith(".")]
        for path in sorted(entries, key=_time, reverse=True)[kept:]:
            shutil.rmtree(path, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove this program's temporary files and folders in `folder` that are older than a day."""
    with suppress(OSError):
        for path in folder.iterdir():
            if TEMPORARY.fullmatch(path.name) and _time(path) < time.time() - LEFT_BEHIND:
                _remove(path)


def _time(path: Path) -> float:
    return path.lstat().st_mtime


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
