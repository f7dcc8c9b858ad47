"""Fetching the official files from a mirror, with progress and without surprises."""

from __future__ import annotations

import threading
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from queue import Empty, Queue

from fmnist_tui.data import errors as steps
from fmnist_tui.data.cache import is_kept, keep_file, make_folder
from fmnist_tui.data.errors import DataError, Progress, Report, Stop, reason
from fmnist_tui.data.official import OfficialFile

CHUNK = 1 << 16
OVERHEAD = 1 << 16  # a gzipped file is never longer than what it holds, but for this much
TICK = 0.05  # seconds between two looks at `cancelled`


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a body, and the length of the whole in bytes where the server tells it."""

    content: bytes
    total: int | None


Pieces = Queue[_Piece | Exception]


def fetch(
    files: tuple[OfficialFile, ...], mirror: str, folder: Path, timeout: float, report: Report, cancelled: Stop
) -> None:
    """Bring `files` from `mirror` into `folder`, but for those that are there and right.

    Args:
        files: What is wanted.
        mirror: Address of the folder on the web, with a slash at its end.
        folder: Where to keep the files; made if needed.
        timeout: Seconds to wait for an answer, and for each next piece of it.
        report: Told about every piece.
        cancelled: Asked at every piece, and twenty times a second while none comes.

    Raises:
        DataError: The mirror cannot be reached, or sends something else.
        CacheError: `folder` cannot be written.
        Cancelled: `cancelled` turned true. Files that were complete stay.
    """
    make_folder(folder)
    for file in files:
        if not is_kept(folder, file):
            keep_file(folder, file, _download(f"{mirror}{file.name}.gz", file, timeout, report, cancelled))


def _download(url: str, file: OfficialFile, timeout: float, report: Report, cancelled: Stop) -> bytes:
    """Return the body of `url`, which must be no longer than `file` can be, and stop at once when asked.

    A look-up of a name, a chain of dead addresses and a body that stalls can't be interrupted, so a thread waits
    for them; one that is given up ends by itself at its next piece or time-out.
    """
    pieces: Pieces = Queue()
    given_up = threading.Event()
    threading.Thread(target=_receive, args=(url, timeout, pieces, given_up), daemon=True).start()
    try:
        return _collect(pieces, file, timeout, report, cancelled)
    except (OSError, HTTPException) as error:
        raise DataError(f"could not be reached ({reason(error)})") from None
    finally:
        given_up.set()


def _collect(pieces: Pieces, file: OfficialFile, timeout: float, report: Report, cancelled: Stop) -> bytes:
    body = bytearray()
    while (piece := _next(pieces, timeout, cancelled)).content:
        body += piece.content
        if len(body) > file.size + OVERHEAD:
            raise DataError(f"{file.name} is not the official file: it is too long")
        report(Progress(f"fetching {file.name}.gz", len(body), piece.total))
    if piece.total is not None and len(body) != piece.total:
        raise DataError(f"{file.name} arrived cut short: {len(body)} bytes of {piece.total}")
    return bytes(body)


def _next(pieces: Pieces, timeout: float, cancelled: Stop) -> _Piece:
    end = time.monotonic() + timeout
    while True:
        steps.check(cancelled)
        with suppress(Empty):
            piece = pieces.get(timeout=TICK)
            if isinstance(piece, Exception):
                raise piece
            return piece
        if time.monotonic() > end:
            raise TimeoutError(f"no answer within {timeout:g} seconds")


def _receive(url: str, timeout: float, pieces: Pieces, given_up: threading.Event) -> None:
    """Pass the body of `url` on in pieces, of which the last one is empty, or an error in its place."""
    try:
        with urllib.request.build_opener().open(url, timeout=timeout) as response:
            total = response.length
            content = b"?"
            while content and not given_up.is_set():
                content = response.read1(CHUNK)
                pieces.put(_Piece(content, total))
    except (OSError, HTTPException) as error:
        pieces.put(error)
