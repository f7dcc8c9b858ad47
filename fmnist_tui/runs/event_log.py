"""The append-only event log: one writer, any number of readers, none of whom ever sees half an event."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fmnist_tui.files import check_plain, is_torn, open_append
from fmnist_tui.training.events import Event, Step, from_json, name_in_log, to_json

LARGEST_LOG = 1 << 30
"""Bytes; a larger file is not read. A thousand epochs of a CNN take a thirtieth of it."""
_LATEST = 1e11
_MOST_KEPT = 10_000
"""Events that wait for room on a full disk: some megabytes. Past it steps are given up, the oldest first."""


@dataclass(frozen=True)
class Logged:
    """An event with what the log adds: when it was written (unix seconds), and its number in the log."""

    event: Event
    time: float
    seq: int


class EventLog:
    """Appends events. A torn last line, left by a writer that was killed, is ended before the next one.

    A full disk must not end the run: what can't be written is kept, and written with a
    later event, or at the end, if there is room again.
    """

    def __init__(self, path: Path) -> None:
        """Opens the log, or begins one.

        Raises:
            OSError: It can't be opened.
        """
        check_plain(path, LARGEST_LOG)
        self._file = open_append(path)
        torn = is_torn(path)
        self._seq = _lines(path) + torn
        self._begun = b"\n" if torn else b""  # what is to be written first: the rest of a line
        self._kept: deque[tuple[Event, float]] = deque()

    def append(self, event: Event) -> None:
        """Writes one event with a single system call, after those that there was no room for."""
        if len(self._kept) >= _MOST_KEPT:
            self._kept.remove(next((kept for kept in self._kept if isinstance(kept[0], Step)), self._kept[0]))
        self._kept.append((event, round(time.time(), 3)))
        with suppress(OSError):
            self._write()

    def sync(self) -> None:
        """Makes what was appended last through a power cut, where the disk lets it."""
        with suppress(OSError):
            self._write()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Closes the file."""
        with suppress(OSError):
            self._file.close()

    def _write(self) -> None:
        """Until nothing is left, or an OSError; a full disk may take a line in part."""
        while self._begun or self._kept:
            if not self._begun:
                self._begun = encode(Logged(*self._kept.popleft(), self._seq))
                self._seq += 1
            self._begun = self._begun[self._file.write(self._begun) :]


class LogReader:
    """Reads what was appended since the last call."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""

    def read(self) -> list[Logged]:
        """The new events, oldest first; what doesn't parse or is unknown is passed over."""
        try:
            check_plain(self._path, LARGEST_LOG)
            with self._path.open("rb") as file:
                file.seek(self._offset)
                new = file.read()
        except OSError:
            return []
        self._offset += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        return list(parse(lines))


def read_tail(path: Path, size: int = 16_384, kinds: tuple[type[Event], ...] = ()) -> list[Logged]:
    """The events of the last `size` bytes, oldest first: enough to know a run's status, however long its log.

    Where there are none in them, of more.

    Args:
        path: The log.
        size: Bytes.
        kinds: Those that are wanted, if not all: the lines of others are not parsed.
    """
    words = [f'"{name_in_log(kind)}"'.encode() for kind in kinds]
    try:
        check_plain(path, LARGEST_LOG)
        with path.open("rb") as file:
            length = file.seek(0, os.SEEK_END)
            while True:
                file.seek(max(0, length - size))
                lines = file.read().split(b"\n")
                if kinds:
                    lines = [line for line in lines if any(word in line for word in words)]
                if (found := list(parse(lines))) or size >= length:
                    return found
                size *= 8
    except OSError:
        return []


def as_record(logged: Logged) -> dict[str, Any]:
    """The event as a JSON object."""
    return {**to_json(logged.event), "time": logged.time, "seq": logged.seq}


def encode(logged: Logged) -> bytes:
    """The event's line."""
    return json.dumps(as_record(logged), separators=(",", ":")).encode() + b"\n"


def parse(lines: Iterable[bytes]) -> Iterator[Logged]:
    """The events of a log's lines; what doesn't parse or is unknown is passed over."""
    for line in filter(None, lines):
        try:
            record: Any = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if not isinstance(record, dict):
            continue
        event = from_json(record)
        when, seq = record.get("time"), record.get("seq")
        if event is not None and isinstance(when, int | float) and 0 <= when < _LATEST and isinstance(seq, int):
            yield Logged(event, float(when), seq)


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
