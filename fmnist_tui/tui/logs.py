"""A run's log as people read it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from rich.text import Text

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged, LogReader
from fmnist_tui.training import events
from fmnist_tui.training.telling import describe

_LINES = 300
_PRINTED = 8192


def log_words(run: RunDirectory) -> Text:
    """The events that are worth a line, newest last, then what the trainer process printed."""
    lines = list(_lines(LogReader(run.events).read()))[-_LINES:]
    printed = _printed(run)
    return Text("\n".join([*lines, *(["", "printed:", printed] if printed else [])]))


def _lines(log: list[Logged]) -> Iterator[str]:
    for logged in log:
        if not isinstance(logged.event, events.Step) and (words := describe(logged.event)):
            yield f"{time.strftime('%H:%M:%S', time.localtime(logged.time))}  {words}"


def _printed(run: RunDirectory) -> str:
    try:
        text = run.train_log.read_bytes()[-_PRINTED:].decode("utf-8", "replace")
    except OSError:
        return ""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text).strip()
