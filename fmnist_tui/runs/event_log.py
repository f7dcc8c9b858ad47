"""The append-only event log: one writer, any number of readers, none of whom ever sees half an event."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fmnist_tui.files import is_torn
from fmnist_tui.training.events import Event, from_json, to_json

_LATEST = 1e11


@dataclass(frozen=True)
class Logged:
    """An event with what the log adds: when it was written (unix seconds), and its number in the log."""

    event: Event
    time: float
    seq: int


class EventLog:
    """Appends events. A torn last line, left by a writer that was killed, is ended before the next one."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab+", buffering=0)
        if is_torn(path):
            self._file.write(b"\n")
        self._seq = _lines(path)

    def append(self, event: Event) -> Logged:
        """Writes one event with a single system call."""
        logged = Logged(event, round(time.time(), 3), self._seq)
        self._file.write(encode(logged))
        self._seq += 1
        return logged

    def sync(self) -> None:
        """Makes what was appended last through a power cut."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


class LogReader:
    """Reads what was appended since the last call."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""

    def read(self) -> list[Logged]:
        """The new events, oldest first; what doesn't parse or is unknown is passed over."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                new = file.read()
        except OSError:
            return []
        self._offset += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        return list(_parsed(lines))


def read_tail(path: Path, size: int = 16_384) -> list[Logged]:
    """The events of the last `size` bytes, oldest first: enough to know a run's status, however long its log."""
    try:
        with path.open("rb") as file:
            length = file.seek(0, os.SEEK_END)
            file.seek(max(0, length - size))
            lines = file.read().split(b"\n")
    except OSError:
        return []
    return list(_parsed(lines))


def encode(logged: Logged) -> bytes:
    """The event's line."""
    record = {**to_json(logged.event), "time": logged.time, "seq": logged.seq}
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def _parsed(lines: list[bytes]) -> Iterator[Logged]:
    for line in lines:
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
