"""Writers of a file take turns: what is changed by two at once must not be lost.

Creating a file exclusively works on every file system, while locks may be local to a node, and appending isn't atomic
between clients of a network file system.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_TURN_SECONDS = 3.0
"""How long a writer may take for a line; an older lock file was left by a writer that was killed."""


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Exclude other writers of a file, also on other hosts, for the block.

    Raises:
        OSError: The file's folder can't be written.
    """
    turn = path.with_name(f".{path.name}.turn")
    patience = _TURN_SECONDS * (1 + random.random())  # noqa: S311 - so that of many who wait one gives up first
    last, since = b"", time.monotonic()
    while True:
        try:
            handle = os.open(turn, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            if (now := _first_bytes(turn)) != last:  # another writer's turn
                last, since = now, time.monotonic()
            elif time.monotonic() - since > patience:  # the writer was killed
                turn.unlink(missing_ok=True)
            time.sleep(0.01)
        else:
            with suppress(OSError):  # a full disk
                os.write(handle, os.urandom(8).hex().encode())
            os.close(handle)
            break
    try:
        yield
    finally:
        with suppress(OSError):
            turn.unlink()


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(64)
    except OSError:
        return b""
