"""The append-only event log: one writer, any number of readers, none of whom ever sees half an event."""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import msgspec

from fmnist_tui.files import check_regular_file, is_torn, open_append
from fmnist_tui.training.events import Event, StepMetrics, Whole, decode, displayable, from_json, name_in_log, to_json

LARGEST_LOG = 1 << 30
"""Bytes; a larger file is not read. A thousand epochs of a CNN take a thirtieth of this."""
CHUNK = 1 << 20
TAIL = 1 << 14
"""Bytes that are read from a log's end first: usually enough, however long the log."""
_LONGEST_LINE = 1 << 20
"""Bytes. A longer line is no event, and is skipped without being held in memory."""
_MAX_PENDING = 10_000
"""Events buffered while the disk is full: some megabytes. Beyond that, steps are dropped, the oldest first."""
_BATCH_SECONDS = 0.5
"""Lines written within this time are one batch."""
STEP = b'{"event":"step",'
"""How the line of a log interval begins; nearly all lines are such."""

Attempt = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class Logged(msgspec.Struct, frozen=True, gc=False):
    """An event with the fields that the log adds.

    Attributes:
        event: What happened.
        time: When it was written (unix seconds, by the writer's clock).
        seq: Its number in the log, from 0.
        attempt: The number of the trainer that wrote it, or None in logs of versions before 0.2.0.
    """

    event: Event
    time: float
    seq: int
    attempt: int | None = None


class _Envelope(msgspec.Struct, frozen=True, gc=False):
    """The fields of a line besides the event's."""

    time: Annotated[float, msgspec.Meta(ge=0, lt=1e11)]
    seq: Whole
    attempt: Attempt | None = None


class EventLog:
    """Appends events. A torn last line, left by a writer that was killed, is ended before the next one.

    A full disk must not end the run: events that can't be written are buffered in memory, and written with a later
    event, or at the end, once there is space again.
    """

    def __init__(self, path: Path, attempt: int | None = None, check: Callable[[], None] | None = None) -> None:
        """Open the log, or create it.

        Args:
            path: The log.
            attempt: The number of the trainer that writes, for each line.
            check: Called before each batch of lines, and before the last ones; raises if another trainer has taken the
                run over. Then nothing is written, and the exception reaches the caller.

        Raises:
            OSError: It can't be opened.
        """
        check_regular_file(path, LARGEST_LOG)
        self._file = open_append(path)
        torn = is_torn(path)
        self._seq = _count_lines(path) + torn
        self._attempt = attempt
        self._check = check
        self._checked = -_BATCH_SECONDS
        self._partial = b"\n" if torn else b""  # the rest of a line, to be written first
        self._pending: deque[tuple[Event, float]] = deque()
        self._closing = threading.Lock()

    def append(self, event: Event) -> None:
        """Write one event with a single system call, after those that are buffered."""
        if time.monotonic() - self._checked >= _BATCH_SECONDS:
            self._check_writer()
        if len(self._pending) >= _MAX_PENDING:
            self._pending.remove(
                next((item for item in self._pending if isinstance(item[0], StepMetrics)), self._pending[0])
            )
        self._pending.append((event, round(time.time(), 3)))
        with suppress(OSError):
            self._write()

    def sync(self) -> None:
        """Flush to disk, so that the log survives a power cut as far as the disk allows."""
        self._check_writer()
        with suppress(OSError):
            self._write()
            os.fsync(self._file.fileno())

    def flush_remote(self) -> None:
        """Flush to the file server, whose other clients see the events only then; safe in any thread."""
        with self._closing, suppress(OSError, ValueError):  # closed
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file; writes nothing."""
        with self._closing, suppress(OSError):
            self._file.close()

    def _check_writer(self) -> None:
        if self._check is not None:
            self._check()
            self._checked = time.monotonic()

    def _write(self) -> None:
        """Write until nothing is left, or an OSError; a full disk may accept a part of a line."""
        while self._partial or self._pending:
            if not self._partial:
                self._partial = encode(Logged(*self._pending.popleft(), self._seq, self._attempt))
                self._seq += 1
            self._partial = self._partial[self._file.write(self._partial) :]


class LogReader:
    """Reads what was appended since the last call, a chunk at a time; unknown or invalid lines are skipped."""

    def __init__(self, path: Path, *, steps: bool = True) -> None:
        """Read nothing yet.

        Args:
            path: The log, which need not exist yet.
            steps: Whether to include `StepMetrics`. Nearly all lines are, and skipping them is ten times as fast.
        """
        self._path = path
        self._steps = steps
        self._offset = 0
        self._rest = b""
        self._skipping = False

    def batches(self) -> Iterator[list[Logged]]:
        """The new events, oldest first, in lists of bounded size, none of them empty."""
        is_behind = True
        while is_behind:
            chunk, is_behind = self._next_chunk()
            lines = self._whole_lines(chunk)
            if not self._steps:
                lines = [line for line in lines if not line.startswith(STEP)]
            if batch := parse_all(lines):
                yield batch

    def __iter__(self) -> Iterator[Logged]:
        """The new events, oldest first, without holding all of them in memory."""
        for batch in self.batches():
            yield from batch

    def read(self) -> list[Logged]:
        """The new events, oldest first."""
        return list(self)

    def _next_chunk(self) -> tuple[bytes, bool]:
        """The next bytes, and whether there are more."""
        try:
            with _opened(self._path) as (handle, size):
                chunk = os.pread(handle, CHUNK, self._offset)
        except OSError:
            return b"", False
        self._offset += len(chunk)
        return chunk, len(chunk) > 0 and self._offset < size

    def _whole_lines(self, chunk: bytes) -> list[bytes]:
        first, *others = chunk.split(b"\n")
        if not others:
            self._take_part(first)
            return []
        lines = [] if self._skipping else [self._rest + first]
        *complete, rest = others
        self._rest, self._skipping = b"", False
        self._take_part(rest)
        return lines + complete

    def _take_part(self, part: bytes) -> None:
        """Take in the start or the middle of a line."""
        if not self._skipping:
            self._rest += part
        if len(self._rest) > _LONGEST_LINE:
            self._rest, self._skipping = b"", True


def read_tail(path: Path, size: int = TAIL, kinds: tuple[type[Event], ...] = ()) -> list[Logged]:
    """The events of the last `size` bytes, oldest first; if there are none, those of an earlier part.

    Args:
        path: The log.
        size: Bytes.
        kinds: The types of events to return; () for all.
    """
    names = [in_line(name_in_log(kind)) for kind in kinds]
    for block in blocks_backwards(path, size):
        if kinds and not any(name in block for name in names):
            continue
        found = [logged for logged in parse(block.split(b"\n")) if not kinds or isinstance(logged.event, kinds)]
        if found:
            return found
    return []


def has_events(path: Path, kinds: tuple[type[Event], ...]) -> bool:
    """Whether a log has an event of these types; the newest lines are read first."""
    names = [in_line(name_in_log(kind)) for kind in kinds]
    blocks = (block for block in blocks_backwards(path) if any(name in block for name in names))
    return any(isinstance(logged.event, kinds) for block in blocks for logged in parse(reversed(block.split(b"\n"))))


def blocks_backwards(path: Path, size: int = TAIL) -> Iterator[bytes]:
    """The lines of the log's last `size` bytes, then those of ever larger parts before; each byte is read once.

    Nothing if the log can't be read. The file is open until the iterator is closed or exhausted.
    """
    try:
        with _opened(path) as (handle, length):
            end = length
            later = b""  # the end of a line that begins further back
            while end > 0:
                start = max(0, end - size)
                block = os.pread(handle, end - start, start) + later
                first, _, lines = block.partition(b"\n") if start > 0 else (b"", b"", block)
                later = first if len(first) <= _LONGEST_LINE else b""
                yield lines
                end, size = start, min(4 * size, CHUNK)
    except OSError:
        return


def in_line(text: str) -> bytes:
    """How a string without special characters appears in a line."""
    return f'"{text}"'.encode()


def as_record(logged: Logged) -> dict[str, Any]:
    """The event as a JSON object."""
    attempt = {} if logged.attempt is None else {"attempt": logged.attempt}
    return {**to_json(logged.event), "time": logged.time, "seq": logged.seq, **attempt}


def encode(logged: Logged) -> bytes:
    """The event's line."""
    return json.dumps(as_record(logged), separators=(",", ":")).encode() + b"\n"


_ENVELOPES = msgspec.json.Decoder(_Envelope)
_EVENT_LIST, _ENVELOPE_LIST = msgspec.json.Decoder(list[Event]), msgspec.json.Decoder(list[_Envelope])


def parse_all(lines: Sequence[bytes]) -> list[Logged]:
    """The events of a log's lines, as `parse` gives them, in half the time if none of the lines is invalid."""
    together = b"[" + b",".join(lines) + b"]"
    try:
        found, envelopes = _EVENT_LIST.decode(together), _ENVELOPE_LIST.decode(together)
    except (ValueError, RecursionError):
        return list(parse(lines))
    if len(found) != len(lines):  # a line with more than one event is invalid
        return list(parse(lines))
    safe = (event if type(event) is StepMetrics else displayable(event) for event in found)
    return [
        Logged(event, envelope.time, envelope.seq, envelope.attempt)
        for event, envelope in zip(safe, envelopes, strict=True)
    ]


def parse(lines: Iterable[bytes]) -> Iterator[Logged]:
    """The events of a log's lines; unknown or invalid lines are skipped."""
    for line in lines:
        if not line:
            continue
        try:
            event, envelope = decode(line), _ENVELOPES.decode(line)
        except (ValueError, RecursionError):
            if (found := _parse_leniently(line)) is not None:
                yield found
        else:
            yield Logged(event, envelope.time, envelope.seq, envelope.attempt)


def _parse_leniently(line: bytes) -> Logged | None:
    """The event of a line that isn't strict JSON (a lone surrogate), or has null for a number, or None; slow."""
    try:
        record: Any = json.loads(line)
        event = from_json(record) if isinstance(record, dict) else None
        envelope = msgspec.convert(record, _Envelope) if event is not None else None
    except (ValueError, RecursionError):
        return None
    if event is None or envelope is None:
        return None
    return Logged(event, envelope.time, envelope.seq, envelope.attempt)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[int, int]]:
    """A file descriptor of the log, and its size; reopening the file shows what other clients wrote.

    Raises:
        OSError: It can't be opened, isn't a regular file, or is too large.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # should it be a pipe
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_LOG:
            check_regular_file(path, LARGEST_LOG)
        yield handle, status.st_size
    finally:
        os.close(handle)


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(CHUNK), b""))


def latest_attempt(path: Path) -> int:
    """The number of the last trainer in the log; 0 if there is none, or none with a number."""
    return max((logged.attempt or 0 for logged in read_tail(path)), default=0)
