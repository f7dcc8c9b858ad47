"""A run's log as people read it."""

from __future__ import annotations

import os
import time

from rich.text import Text

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.runs.snapshot import SnapshotFold
from fmnist_tui.text import safe
from fmnist_tui.training import events
from fmnist_tui.training.telling import describe

_LINES = 300
_PRINTED = 8192


class RunLog:
    """The events that are worth a line, newest last, then what the trainer process printed."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._reader = LogReader(run.events)
        self._fold = SnapshotFold(run.run_id)
        self._alerts: list[str] = []
        self._lines: list[tuple[bool, str]] = []
        """Whether it is an alert, and its words."""

    def read(self) -> Text:
        """The log as it stands now: its newest lines, and before them all older alerts."""
        for logged in self._reader:
            self._fold.add(logged)
            if words := self._words(logged.event):
                line = f"{time.strftime('%H:%M:%S', time.localtime(logged.time))}  {words}"
                self._lines.append((isinstance(logged.event, events.Alert), line))
        older, self._lines = self._lines[:-_LINES], self._lines[-_LINES:]
        self._alerts += [line for is_alert, line in older if is_alert]
        printed = _printed(self._run)
        lines = [*self._alerts, *(line for _, line in self._lines)]
        return Text("\n".join([*lines, *(["", "printed:", printed] if printed else [])]))

    def _words(self, event: events.Event) -> str:
        if isinstance(event, events.RunFinished):
            return self._fold.snapshot().ending
        return "" if isinstance(event, events.Step) else describe(event)


def _printed(run: RunDirectory) -> str:
    try:
        with run.train_log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _PRINTED))
            text = file.read(_PRINTED).decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(map(safe, text.split("\n"))).strip()
