"""A run's log in columns, over the screen; it grows while it is open."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.runs.fold import SnapshotFold
from fmnist_tui.text import duration, percent, safe
from fmnist_tui.training import events
from fmnist_tui.training.event_text import format_event
from fmnist_tui.tui.base_screens import Dialog
from fmnist_tui.tui.cells import cells, pad, wrap

_LINES = 300
_PRINTED = 8192
_TIME, _EVENT = 10, 12
"""Cells of the first two columns."""
_LEAST = 20

Line = tuple[str, str, str]
"""Time, event and detail; three empty texts for an empty line."""


class RunLog:
    """The events that people read, newest last, then what the trainer process printed."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._reader = LogReader(run.events)
        self._fold = SnapshotFold(run.run_id)
        self._alerts: list[Line] = []
        self._lines: list[Line] = []

    def read(self) -> tuple[list[Line], str]:
        """Reads what was added; returns the newest lines, before them all older alerts, and what was printed."""
        for logged in self._reader:
            self._fold.add(logged)
            event, detail = self._columns(logged.event)
            if event:
                moment = time.strftime("%H:%M:%S", time.localtime(logged.time))
                self._lines.append((moment, event, detail))
        older, self._lines = self._lines[:-_LINES], self._lines[-_LINES:]
        self._alerts += [line for line in older if line[1] == "alert"]
        return [*self._alerts, *self._lines], _printed(self._run)

    def _columns(self, event: events.Event) -> tuple[str, str]:
        """The event and its detail; two empty texts for what isn't worth a line."""
        match event:
            case events.Epoch():
                return f"epoch {event.epoch}", epoch_detail(event)
            case events.RunFinished():
                return "ended", self._fold.snapshot().ending
            case events.StepMetrics():
                return "", ""
        text = format_event(event)
        name, colon, detail = text.partition(": ")
        return (name, detail) if colon and len(name) < _EVENT else ("stage" if text else "", text)


def epoch_detail(event: events.Epoch) -> str:
    """The numbers of an epoch in columns of their own: accuracy, losses, seconds."""
    best = "★" if event.is_best else " "
    return (
        f"val {percent(event.validation_accuracy):>7} {best}  loss {event.train_loss:.4f}  "
        f"val loss {event.validation_loss:.4f}  {duration(event.seconds)}"
    )


def log_text(lines: Sequence[Line], printed: str, width: int) -> Text:
    """The lines in columns of `width` cells in all; details are wrapped within theirs, numbers never within."""
    room = max(_LEAST, width - _TIME - _EVENT)
    found: list[Text] = []
    for moment, event, detail in lines:
        is_alert = event == "alert"
        for number, part in enumerate(_wrapped(detail, room)):
            left = (pad(moment, _TIME), pad(event, _EVENT)) if number == 0 else (" " * _TIME, " " * _EVENT)
            found.append(Text.assemble((left[0], "dim"), (left[1], "bold"), (part, "bold" if is_alert else "")))
    if printed:
        found += [Text(), Text("Output of the trainer process:", style="bold"), Text(printed)]
    return Text("\n").join(found)


def _wrapped(detail: str, width: int) -> list[str]:
    """Lines of so many cells; what two spaces part stays whole where it fits."""
    lines: list[str] = []
    for part in detail.split("  "):
        if lines and cells(lines[-1]) + 2 + cells(part) <= width:
            lines[-1] += f"  {part}"
        else:
            lines += wrap(part, width)
    return lines


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
        self._shown: tuple[list[Line], str] = ([], "")

    def compose(self) -> ComposeResult:
        """The log, scrollable, in a frame with the run's name."""
        with Vertical(classes="dialog large") as dialog:
            dialog.border_title = self._heading
            dialog.border_subtitle = "esc: back"
            with VerticalScroll():
                yield Static("Reading the log ...", id="log")

    def on_mount(self) -> None:
        """Reads the log once the dialog has been laid out."""
        self.call_after_refresh(self._read)

    def on_resize(self) -> None:
        """Fits the columns to another width."""
        if any(self._shown):
            self.call_after_refresh(self._draw)

    def _read(self) -> None:
        self.app.threads.start(self._read_in_thread)

    def _read_in_thread(self) -> None:
        self.call_later(self._show, self._log.read())

    def _show(self, log: tuple[list[Line], str]) -> None:
        """Stays at the end, unless the user has scrolled back."""
        if log != self._shown:
            self._shown = log
            scroll = self.query_one(VerticalScroll)
            follows = scroll.is_vertical_scroll_end
            self._draw()
            if follows:
                scroll.scroll_end(animate=False)
        self.set_timer(_SECONDS * self.app.pace, self._read)

    def _draw(self) -> None:
        width = self.query_one(VerticalScroll).size.width
        self.query_one("#log", Static).update(log_text(*self._shown, width))
