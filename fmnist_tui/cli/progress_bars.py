"""A progress bar for each run that the terminal has a row for, with their events above."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from fmnist_tui.files import read_json
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged
from fmnist_tui.runs.fold import Snapshot
from fmnist_tui.text import counted, grouped, percent
from fmnist_tui.training import events
from fmnist_tui.training.event_text import format_event
from fmnist_tui.training.events import StageKind
from fmnist_tui.tui.cells import cut, in_ascii

_SECONDS = 0.25
"""Between two repaints."""
_BESIDE = 3
"""Rows for the summary, the newest line above the bars, and the cursor."""
_BARS = ((100, 24), (72, 8), (0, 0))
"""The smallest terminal width, and the length of a bar from there on, in cells."""


class _State(IntEnum):
    """The state of a run; the first ones take precedence if there is no room for all."""

    RUNNING = 0
    QUEUED = 1
    ENDED = 2


@dataclass
class _Run:
    """A run's latest snapshot."""

    snapshot: Snapshot
    state: _State = _State.QUEUED

    @property
    def fraction(self) -> float:
        """The fraction of the training that is done, 0 to 1."""
        total = self.snapshot.started.total_steps if self.snapshot.started else 0
        return min(1.0, self.snapshot.step / total) if total else 0.0

    @property
    def ending(self) -> str:
        """Why it ended."""
        return self.snapshot.finished.reason if self.snapshot.finished else "interrupted"

    @property
    def text(self) -> str:
        """What the run is doing, with its latest metrics."""
        snapshot = self.snapshot
        if self.state is _State.ENDED:
            return ", ".join(filter(None, [self.ending, snapshot.stage]))
        if self.state is _State.QUEUED:
            return snapshot.stage or "queued"
        if snapshot.paused:
            return "paused"
        if snapshot.stage or not len(snapshot.curve):
            return snapshot.stage or "starting"
        epochs: Any = snapshot.started.epochs if snapshot.started else "?"
        return (
            f"epoch {snapshot.epoch}/{epochs}  loss {snapshot.curve.loss[-1]:.4f}  "
            f"{grouped(snapshot.curve.images_per_second[-1])} images/s"
        )


class ProgressBars:
    """A Rich progress bar for each run; if there are too few rows, for running runs first, then for the next in line.

    Epochs, ends and alerts are printed above the bars. Nothing is painted while nothing changes.
    """

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}
        self._painted = Text()
        self._due = 0.0
        size = shutil.get_terminal_size()
        self._console = Console(highlight=False, width=size.columns, height=size.lines)
        self._live = Live(
            console=self._console, auto_refresh=False, vertical_overflow="crop", get_renderable=lambda: self._painted
        )
        self._live.start()

    def report(self, run: RunDirectory, new: Iterable[Logged], snapshot: Snapshot) -> None:
        """Update the run's bar and print its events."""
        one = self._runs.setdefault(run.run_id, _Run(snapshot))
        one.snapshot = snapshot
        lines = []
        for logged in new:
            one.state = _state_after(logged.event, one.state)
            if isinstance(logged.event, events.Epoch | events.RunFinished | events.Alert):
                lines.append(f"{run.run_id}  {format_event(logged.event)}{_score(run, logged.event)}")
        self._paint(lines)

    def leave(self, run: RunDirectory) -> None:
        """Keep the run's bar as it is, while there is room for it."""
        one = self._runs[run.run_id]
        lost = one.state is not _State.ENDED
        one.state = _State.ENDED
        self._paint([f"{run.run_id}  {one.ending}"] if lost else [])

    def say(self, line: str) -> None:
        """Print a line above the bars."""
        self._paint([line])

    def close(self) -> None:
        """Paint the final state and leave the bars on the screen."""
        self._due = 0.0
        self._paint([])
        self._live.stop()

    def _paint(self, lines: list[str]) -> None:
        """Print lines above the bars; repaint the bars if they changed, but not too often."""
        if not lines and time.monotonic() < self._due:
            return
        size = shutil.get_terminal_size()
        self._console.size = (size.columns, size.lines)
        bars = self._bars(size.columns - 1, size.lines)
        if lines or bars != self._painted:
            self._painted = bars
            for line in lines:
                self._console.print(Text(self._encoded(line)), soft_wrap=True)
            self._live.refresh()
        self._due = time.monotonic() + _SECONDS

    def _bars(self, width: int, rows: int) -> Text:
        """A line per run, as far as there are rows, and a summary of all runs, `width` cells wide."""
        room = max(1, rows - _BESIDE)
        shown = self._runs
        if len(shown) > room:  # those that have ended keep only their line above
            waiting = sorted(
                (run for run in shown if shown[run].state < _State.ENDED), key=lambda run: shown[run].state
            )
            shown = {run: shown[run] for run in waiting[:room]}
        lines = [self._line(run, one, width) for run, one in shown.items()]
        if len(self._runs) > 1 and rows >= _BESIDE:
            lines.append(Text(cut(self._summary(), width)))
        return Text("\n", no_wrap=True, overflow="crop", end="").join(lines)

    def _line(self, run: str, one: _Run, width: int) -> Text:
        length = next(length for least, length in _BARS if width + 1 >= least)
        done = f"{one.fraction:4.0%}"
        if width < len(run) + len(done) + 1:
            return Text(self._encoded(cut(f"{done} {run}", width)))
        room = width - len(run) - len(done) - 2 - (length + 1 if length else 0)
        bar = Text.assemble(" ", *self._bar(one.fraction, length)) if length else Text()
        text = self._encoded(cut(one.text, room))
        return Text.assemble(run, bar, f" {done} {text}".rstrip())

    def _bar(self, fraction: float, length: int) -> list[tuple[str, str]]:
        done = round(fraction * length)
        dash = self._encoded("━")
        left = dash if self._console.color_system else " "
        return [(dash * done, "bar.complete"), (left * (length - done), "bar.back")]

    def _summary(self) -> str:
        """11 runs: 8 completed, 1 running, 2 queued."""
        ended = Counter(one.ending for one in self._runs.values() if one.state is _State.ENDED)
        states = Counter(one.state for one in self._runs.values())
        parts = [f"{count} {reason}" for reason, count in ended.items()]
        parts += [f"{states[state]} {state.name.lower()}" for state in (_State.RUNNING, _State.QUEUED) if states[state]]
        return f"{counted(len(self._runs), 'run')}: {', '.join(parts)}"

    def _encoded(self, text: str) -> str:
        return in_ascii(text) if self._console.options.ascii_only else text


def _state_after(event: events.Event, before: _State) -> _State:
    match event:
        case events.RunFinished():
            return _State.ENDED
        case events.Queued():
            return _State.QUEUED
        case events.Stage(kind=StageKind.WAITING):  # as 0.1.0 logs it
            return _State.QUEUED
        case events.Alert() | events.StopRequested():
            return before
    return _State.RUNNING


def _score(run: RunDirectory, event: events.Event) -> str:
    """A run's test accuracy, once it has ended."""
    if not isinstance(event, events.RunFinished) or not event.scored:
        return ""
    accuracy = (read_json(run.result) or {}).get("test_accuracy")
    return f", test accuracy {percent(accuracy)}" if isinstance(accuracy, float) else ""
