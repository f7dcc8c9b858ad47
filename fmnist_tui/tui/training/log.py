"""A run's log as text, over the screen; it grows while it is open."""

from __future__ import annotations

import os
import time

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.runs.fold import SnapshotFold
from fmnist_tui.text import safe
from fmnist_tui.training import events
from fmnist_tui.training.event_text import format_event
from fmnist_tui.tui.base_screens import Dialog

_LINES = 300
_PRINTED = 8192


class RunLog:
    """The events that people read, newest last, then what the trainer process printed."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._reader = LogReader(run.events)
        self._fold = SnapshotFold(run.run_id)
        self._alerts: list[str] = []
        self._lines: list[tuple[bool, str]] = []
        """Whether it is an alert, and its text."""

    def read(self) -> Text:
        """Reads what was added; returns the newest lines, and before them all older alerts."""
        for logged in self._reader:
            self._fold.add(logged)
            if text := self._text(logged.event):
                line = f"{time.strftime('%H:%M:%S', time.localtime(logged.time))}  {text}"
                self._lines.append((isinstance(logged.event, events.Alert), line))
        older, self._lines = self._lines[:-_LINES], self._lines[-_LINES:]
        self._alerts += [line for is_alert, line in older if is_alert]
        printed = _printed(self._run)
        lines = [*self._alerts, *(line for _, line in self._lines)]
        return Text("\n".join([*lines, *(["", "Output of the trainer process:", printed] if printed else [])]))

    def _text(self, event: events.Event) -> str:
        if isinstance(event, events.RunFinished):
            return self._fold.snapshot().ending
        return "" if isinstance(event, events.StepMetrics) else format_event(event)


def _printed(run: RunDirectory) -> str:
    try:
        with run.train_log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _PRINTED))
            text = file.read(_PRINTED).decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(map(safe, text.split("\n"))).strip()


_SECONDS = 1.0


class LogDialog(Dialog[None]):
    """The trainer's events and output, newest last; read in a thread, since logs can be long."""

    BINDINGS = [Binding("enter,space,q,l", "dismiss", "Back")]

    def __init__(self, run: RunDirectory) -> None:
        super().__init__()
        self._log = RunLog(run)
        self._heading = f"Log of {run.run_id}, newest last"
        self._shown = Text()

    def compose(self) -> ComposeResult:
        """Heading and log, scrollable."""
        with Vertical(classes="dialog large"):
            yield Static(Text(self._heading, style="bold"))
            with VerticalScroll():
                yield Static("Reading the log ...", id="log")

    def on_mount(self) -> None:
        """Reads the log once the dialog has been laid out."""
        self.call_after_refresh(self._read)

    def _read(self) -> None:
        self.app.threads.start(self._read_in_thread)

    def _read_in_thread(self) -> None:
        self.call_later(self._show, self._log.read())

    def _show(self, text: Text) -> None:
        """Stays at the end, unless the user has scrolled back."""
        if text != self._shown:
            self._shown = text
            scroll = self.query_one(VerticalScroll)
            follows = scroll.is_vertical_scroll_end
            self.query_one("#log", Static).update(text)
            if follows:
                scroll.scroll_end(animate=False)
        self.set_timer(_SECONDS * self.app.pace, self._read)
