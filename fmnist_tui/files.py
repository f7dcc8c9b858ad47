"""Atomic writes (temporary file, fsync, rename, fsync of the folder), safe reads, and checks of paths that never raise.

`Path.exists` and similar methods raise OSError for a folder that can't be searched, a dead mount, or a name that is too
long; the functions here return False.
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

_MAX_JSON = 1_000_000
"""Bytes, a hundred times the size of the largest document that this program writes."""
_MAX_DEPTH = 100
"""Levels of nesting; this program writes four. Deeper documents may be read but not copied or written again."""


def check_regular_file(path: Path, largest: float = math.inf) -> None:
    """Raise OSError if `path` exists and is not a regular file of at most `largest` bytes.

    Opening anything else may block forever (a pipe, a device).
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    if status.st_size > largest:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))


def read_regular_file(path: Path, largest: float) -> bytes:
    """The content of a regular file of at most `largest` bytes; never blocks.

    Raises:
        OSError: There is none, or it can't be read.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # should it be a pipe
    with FileIO(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > largest:
            check_regular_file(path, largest)
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        return file.readall()


def exists(path: Path) -> bool:
    """Whether the path exists and is visible; False for a broken link."""
    return os.path.exists(path)  # noqa: PTH110 - never raises


def is_folder(path: Path) -> bool:
    """Whether the path is a visible folder."""
    return os.path.isdir(path)  # noqa: PTH112 - never raises


def is_file(path: Path) -> bool:
    """Whether the path is a visible regular file."""
    return os.path.isfile(path)  # noqa: PTH113 - never raises


def existing(folder: Path) -> Path:
    """The folder, or its nearest parent that exists and is visible."""
    return next(path for path in (folder, *folder.parents) if exists(path))


def reading_fault(path: Path) -> str:
    """Why the file can't be opened ("permission denied"); "" if it can be opened or doesn't exist."""
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
    """`os.open` for writing, without following links: in a shared folder, a link may point to any file of this user.

    Raises:
        OSError: The file can't be opened, or is a link.
    """
    try:
        return os.open(path, flags | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a symbolic link", str(path)) from None
        raise


def open_append(path: Path) -> FileIO:
    """Open a regular file for appending and reading, unbuffered; create it with the permissions of the umask.

    Raises:
        OSError: It can't be opened, is a link, or is not a regular file.
    """
    handle = open_nofollow(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        return FileIO(handle, "ab+")
    except BaseException:
        os.close(handle)
        raise


def write_atomically(path: Path, content: bytes, check: Callable[[], object] = lambda: None) -> None:
    """Write a file so that readers, and a machine that crashes, see either the old file or the new one.

    Args:
        path: The file.
        content: Its whole content.
        check: Called when the content is written, before it replaces the old file; if it raises, the old file stays.

    Raises:
        OSError: The file could not be written; the old file is unchanged, and no temporary file is left.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as file:  # "x": never follow a link created by another user
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
    """Remove temporary files of killed writers of `path`; no process may be writing it."""
    with contextlib.suppress(OSError):
        for left in path.parent.glob(f".{path.name}.*.tmp"):
            left.unlink()


def write_json(path: Path, value: Any, check: Callable[[], object] = lambda: None) -> None:
    """Write a JSON document as `write_atomically` does."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, f"{text}\n".encode(errors="backslashreplace"), check)  # lone surrogates are escaped


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object at `path`, or None if the file is missing, invalid, not an object, far too large or deep."""
    try:
        content = read_regular_file(path, _MAX_JSON)
        value = json.loads(content)
    except (OSError, ValueError, RecursionError):
        return None
    may_be_deep = content.count(b"{") + content.count(b"[") > _MAX_DEPTH
    return value if isinstance(value, dict) and not (may_be_deep and _is_too_deep(value)) else None


def _is_too_deep(value: Any) -> bool:
    """Whether a JSON value is nested so deeply that recursive functions may fail on it."""
    level = [value]
    for _ in range(_MAX_DEPTH):
        members = (item for one in level for item in (one.values() if isinstance(one, dict) else one))
        level = [item for item in members if isinstance(item, dict | list)]
        if not level:
            return False
    return True


def finite(value: Any) -> Any:
    """The value with None in place of NaN and infinities, which JSON doesn't have."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def is_torn(path: Path) -> bool:
    """Whether a file of lines ends with an incomplete one, because its writer was killed."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def sync_folder(folder: Path) -> None:
    """Make renames within `folder` survive a power failure, if the file system supports it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
