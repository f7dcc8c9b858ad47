"""Fetching the official files from a mirror, with progress and without surprises."""

from __future__ import annotations

import threading
import time
import urllib.request
from concurrent.futures import Future, wait
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from fmnist_tui.data import progress as steps
from fmnist_tui.data.errors import DataError, reason
from fmnist_tui.data.kept import is_kept, keep
from fmnist_tui.data.official import OfficialFile
from fmnist_tui.data.progress import Progress, Report, Stop

CHUNK = 1 << 16
OVERHEAD = 1 << 16  # a gzipped file is never longer than what it holds, but for this much
TICK = 0.05  # seconds between two looks at `cancelled`


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
        cancelled: Asked between the pieces.

    Raises:
        DataError: The mirror cannot be reached, or sends something else.
        Cancelled: `cancelled` turned true. Files that were complete stay.
    """
    for file in files:
        if not is_kept(folder, file):
            keep(folder, file, _download(f"{mirror}{file.name}.gz", file, timeout, report, cancelled))


def _download(url: str, file: OfficialFile, timeout: float, report: Report, cancelled: Stop) -> bytes:
    """Return the body of `url`, which must be no longer than `file` can be."""
    try:
        with _open(url, timeout, cancelled) as response:
            return _read(response, file, report, cancelled)
    except (OSError, HTTPException) as error:
        raise DataError(f"could not be reached ({reason(error)})") from None


def _read(response: HTTPResponse, file: OfficialFile, report: Report, cancelled: Stop) -> bytes:
    total = response.length
    body = bytearray()
    while total is None or len(body) < total:
        steps.check(cancelled)
        piece = response.read1(CHUNK)
        if not piece:
            break
        body += piece
        if len(body) > file.size + OVERHEAD:
            raise DataError(f"{file.name} is not the official file: it is too long")
        report(Progress(f"fetching {file.name}.gz", len(body), total))
    if total is not None and len(body) != total:
        raise DataError(f"{file.name} arrived cut short: {len(body)} bytes of {total}")
    return bytes(body)


def _open(url: str, timeout: float, cancelled: Stop) -> HTTPResponse:
    """Open `url` within `timeout` seconds, the look-up of its name included, and stop at once when asked.

    Neither a name look-up nor a chain of dead addresses keeps to a socket's time-out, so a thread waits for
    them; one that is given up ends by itself.
    """
    answer: Future[HTTPResponse] = Future()
    threading.Thread(target=_answer, args=(url, timeout, answer), daemon=True).start()
    end = time.monotonic() + timeout
    while not wait([answer], TICK).done:
        steps.check(cancelled)
        if time.monotonic() > end:
            raise TimeoutError(f"no answer within {timeout:g} seconds")
    return answer.result()


def _answer(url: str, timeout: float, answer: Future[HTTPResponse]) -> None:
    try:
        answer.set_result(urllib.request.build_opener().open(url, timeout=timeout))
    except (OSError, HTTPException) as error:
        answer.set_exception(error)
