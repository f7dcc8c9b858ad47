"""Downloading the official files from a mirror, with progress and cancellation."""

from __future__ import annotations

import threading
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from queue import Empty, Queue

from fmnist_tui.data.cache import create_folder, is_cached, save_file
from fmnist_tui.data.errors import CancelCheck, DataError, Progress, ProgressCallback, raise_if_cancelled, reason
from fmnist_tui.data.official import OfficialFile

CHUNK = 1 << 16
OVERHEAD = 1 << 16  # bytes by which a gzipped file may exceed its contents, at most
TICK = 0.05  # seconds between two calls of `cancelled`


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a response body, and the length of the whole body in bytes if the server reports it."""

    content: bytes
    total: int | None


Pieces = Queue[_Piece | Exception]


def fetch(
    files: tuple[OfficialFile, ...],
    mirror: str,
    folder: Path,
    timeout: float,
    report: ProgressCallback,
    cancelled: CancelCheck,
) -> None:
    """Download `files` from `mirror` into `folder`, except those that are already there and valid.

    Args:
        files: The files to download.
        mirror: URL of a folder, with a trailing slash.
        folder: Where to save the files; created if needed.
        timeout: Seconds to wait for a response, and for each part of it.
        report: Called after every part.
        cancelled: Polled at every part, and twenty times a second while waiting for one.

    Raises:
        DataError: The mirror can't be reached, or sends something else.
        CacheError: `folder` can't be written.
        Cancelled: `cancelled` returned True. Files that are complete stay.
    """
    create_folder(folder)
    for file in files:
        if not is_cached(folder, file):
            save_file(folder, file, _download(f"{mirror}{file.name}.gz", file, timeout, report, cancelled))


def _download(url: str, file: OfficialFile, timeout: float, report: ProgressCallback, cancelled: CancelCheck) -> bytes:
    """The response body of `url`, which must not be longer than `file` can be.

    A name lookup, a chain of dead addresses and a stalled body can't be interrupted, so a thread waits for them. An
    abandoned thread ends at its next piece or time-out.
    """
    pieces: Pieces = Queue()
    abandoned = threading.Event()
    threading.Thread(target=_receive, args=(url, timeout, pieces, abandoned), daemon=True).start()
    try:
        return _collect(pieces, file, timeout, report, cancelled)
    except (OSError, HTTPException) as error:
        raise DataError(f"could not be reached ({reason(error)})") from None
    finally:
        abandoned.set()


def _collect(
    pieces: Pieces, file: OfficialFile, timeout: float, report: ProgressCallback, cancelled: CancelCheck
) -> bytes:
    body = bytearray()
    while (piece := _next(pieces, timeout, cancelled)).content:
        body += piece.content
        if len(body) > file.size + OVERHEAD:
            raise DataError(f"{file.name} is not the official file: it is too long")
        report(Progress(f"fetching {file.name}.gz", len(body), piece.total))
    if piece.total is not None and len(body) != piece.total:
        raise DataError(f"{file.name} is truncated: {len(body)} of {piece.total} bytes arrived")
    return bytes(body)


def _next(pieces: Pieces, timeout: float, cancelled: CancelCheck) -> _Piece:
    end = time.monotonic() + timeout
    while True:
        raise_if_cancelled(cancelled)
        with suppress(Empty):
            piece = pieces.get(timeout=TICK)
            if isinstance(piece, Exception):
                raise piece
            return piece
        if time.monotonic() > end:
            raise TimeoutError(f"no response within {timeout:g} s")


def _receive(url: str, timeout: float, pieces: Pieces, abandoned: threading.Event) -> None:
    """Put the body of `url` into `pieces`, ending with an empty piece or an error."""
    try:
        with urllib.request.build_opener().open(url, timeout=timeout) as response:
            total = response.length
            content = b"?"
            while content and not abandoned.is_set():
                content = response.read1(CHUNK)
                pieces.put(_Piece(content, total))
    except (OSError, HTTPException) as error:
        pieces.put(error)
