"""Files that are either old or new, never half: temporary file, fsync, rename, fsync of the folder.

And checks of paths that never raise, whatever their owner and the state of their file system: `Path.exists`
and its like raise on a folder that may not be searched, on a dead mount, and on a name that is too long.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import stat
import threading
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Any

_LARGEST_JSON = 1_000_000
"""Bytes. What this program writes as one document is a hundredth of it."""


def check_regular_file(path: Path, largest: float = math.inf) -> None:
    """Says nothing where a file lies, or nothing at all.

    Raises:
        OSError: It is something else (to open a pipe or a device may take for ever), or has more than `largest` bytes.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no file", str(path))
    if status.st_size > largest:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))


def exists(path: Path) -> bool:
    """Whether something is there that can be seen; False for a link that leads nowhere."""
    return os.path.exists(path)  # noqa: PTH110 - never raises


def is_folder(path: Path) -> bool:
    """Whether a folder is there that can be seen."""
    return os.path.isdir(path)  # noqa: PTH112 - never raises


def is_file(path: Path) -> bool:
    """Whether a plain file is there that can be seen."""
    return os.path.isfile(path)  # noqa: PTH113 - never raises


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there and can be seen."""
    return next(path for path in (folder, *folder.parents) if exists(path))


def reading_fault(path: Path) -> str:
    """Why the file at `path` can't be opened ("permission denied"), or "": it can be, or nothing is there."""
    if os.access(path, os.R_OK):
        return ""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    except FileNotFoundError:
        return ""
    except OSError as error:
        return str(error.strerror).lower()
    return ""


def open_nofollow(path: str | Path, flags: int) -> int:
    """`os.open` for writing, but of no link: in a folder that others can write, it may lead to any file of this user.

    Raises:
        OSError: It can't be opened, or is a link.
    """
    try:
        return os.open(path, flags | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a link", str(path)) from None
        raise


def open_append(path: Path) -> FileIO:
    """Opens a plain file to append to and read, unbuffered; makes it, with the rights that the umask leaves.

    Raises:
        OSError: It can't be opened, or it is a link, or something else than a file.
    """
    handle = open_nofollow(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is no file", str(path))
        return FileIO(handle, "ab+")
    except BaseException:
        os.close(handle)
        raise


def write_atomically(path: Path, content: bytes, check: Callable[[], object] = lambda: None) -> None:
    """Puts `content` at `path`; a reader, or a machine that dies, sees the old file or the new one.

    Args:
        path: The file.
        content: All of it.
        check: Called when everything is written, just before it takes the old file's place; if it raises, it doesn't.

    Raises:
        OSError: It could not be written; the old file is as it was, and no temporary file is left.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as file:  # never through a link that another user put there
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        check()
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def sweep_temporary(path: Path) -> None:
    """Removes what writers of `path` left that were killed; nobody may be writing it now."""
    with contextlib.suppress(OSError):
        for left in path.parent.glob(f".{path.name}.*.tmp"):
            left.unlink()


def write_json(path: Path, value: Any, check: Callable[[], object] = lambda: None) -> None:
    """Puts a JSON document at `path` as `write_atomically` does."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, f"{text}\n".encode(errors="backslashreplace"), check)  # half a character becomes its escape


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object at `path`, or None where there is none, it is not an object, or far too large."""
    try:
        check_regular_file(path, _LARGEST_JSON)
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def finite(value: Any) -> Any:
    """The value with None for each float that JSON has no word for: NaN and the infinities."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def is_torn(path: Path) -> bool:
    """Whether a file of lines ends in the middle of one: its writer was killed."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def sync_folder(folder: Path) -> None:
    """Makes renames within `folder` last through a power cut; file systems that can't do so are let be."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
