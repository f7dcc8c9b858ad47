"""Follows trainings on the command line: a progress bar on a terminal, plain lines or JSON lines elsewhere."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import click

from fmnist_tui.cli.printing import is_terminal
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged, as_record
from fmnist_tui.runs.follower import POLL_SECONDS, Follower
from fmnist_tui.runs.lock import is_held
from fmnist_tui.runs.queue.store import existing_queues
from fmnist_tui.runs.snapshot import Snapshot
from fmnist_tui.runs.status import is_waiting
from fmnist_tui.text import grouped
from fmnist_tui.training import events
from fmnist_tui.training.telling import describe

_WIDE = 80


class Reporter(Protocol):
    """Shows what happens to the runs."""

    def report(self, run: RunDirectory, new: Iterable[Logged], snapshot: Snapshot) -> None:
        """Shows new events of a run, and how it stands after them."""

    def close(self) -> None:
        """Nothing more comes."""


class JsonLines:
    """Each event as a JSON line, with its run."""

    def report(self, run: RunDirectory, new: Iterable[Logged], snapshot: Snapshot) -> None:  # noqa: ARG002
        """Prints the events."""
        for logged in new:
            click.echo(json.dumps({"run": run.run_id, **as_record(logged)}))

    def close(self) -> None:
        """Nothing to end."""


class PlainLines:
    """A line for each thing that a log file should tell."""

    def report(self, run: RunDirectory, new: Iterable[Logged], snapshot: Snapshot) -> None:  # noqa: ARG002
        """Prints the lines."""
        for logged in new:
            if line := describe(logged.event):
                click.echo(f"{run.run_id}  {line}")

    def close(self) -> None:
        """Nothing to end."""


class ProgressBars:
    """A bar for each run, by Rich; what ends, or goes wrong, stays above the bars."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskID, TextColumn

        description, share, words = (
            TextColumn(column, markup=False)
            for column in ("{task.description}", "{task.percentage:>3.0f} %", "{task.fields[words]}")
        )
        console = Console(highlight=False)
        columns = (description, BarColumn(24), share, words) if console.width >= _WIDE else (description, share)
        self._progress = Progress(*columns, console=console, refresh_per_second=4)
        self._tasks: dict[str, TaskID] = {}
        self._progress.start()

    def report(self, run: RunDirectory, new: Iterable[Logged], snapshot: Snapshot) -> None:
        """Moves the run's bar."""
        if run.run_id not in self._tasks:
            self._tasks[run.run_id] = self._progress.add_task(run.run_id, total=None, words="starting")
        for logged in new:
            if isinstance(logged.event, events.Epoch | events.RunFinished | events.Alert):
                self._progress.console.print(f"{run.run_id}  {describe(logged.event)}", markup=False, emoji=False)
        total = snapshot.started.total_steps if snapshot.started else None
        words = _progress_words(snapshot)
        self._progress.update(self._tasks[run.run_id], total=total, completed=snapshot.step, words=words)

    def close(self) -> None:
        """Leaves the bars as they stand."""
        self._progress.stop()


def follow(
    followers: Sequence[Follower], reporter: Reporter, each_look: Callable[[], object] = lambda: None
) -> dict[str, Snapshot]:
    """Reports what the followers haven't seen yet until every run has ended; returns the last snapshot of each.

    Args:
        followers: One for each run.
        reporter: Shows what happens.
        each_look: Called before each look.
    """
    left = list(followers)
    queues = existing_queues()
    waiting: set[str] = set()
    try:
        while left:
            each_look()
            for follower in list(left):
                run = follower.run
                if run.run_id in waiting and any(queue.holds(run.path) for queue in queues):
                    continue  # a hundred waiting runs must cost nothing
                held = is_held(run)
                _report_new(follower, reporter)
                waiting.discard(run.run_id)
                if not held and is_waiting(run):
                    queues = existing_queues()
                    waiting.add(run.run_id)
                elif not held and not is_held(run):
                    _report_new(follower, reporter)
                    left.remove(follower)
            if left:
                time.sleep(POLL_SECONDS)
        return {follower.run.run_id: follower.snapshot for follower in followers}
    finally:
        reporter.close()


def _report_new(follower: Follower, reporter: Reporter) -> None:
    reporter.report(follower.run, (), follower.snapshot)
    for new in follower.batches():
        reporter.report(follower.run, new, follower.snapshot)


def choose_reporter(*, as_json: bool) -> Reporter:
    """The reporter that fits where the output goes."""
    if as_json:
        return JsonLines()
    return ProgressBars() if is_terminal(sys.stdout) else PlainLines()


def _progress_words(snapshot: Snapshot) -> str:
    if snapshot.finished:
        return snapshot.finished.reason
    if snapshot.paused:
        return "paused"
    if snapshot.stage or not len(snapshot.curve):
        return snapshot.stage or "starting"
    epochs: Any = snapshot.started.epochs if snapshot.started else "?"
    return (
        f"epoch {snapshot.epoch}/{epochs}  loss {snapshot.curve.loss[-1]:.4f}  "
        f"{grouped(snapshot.curve.images_per_second[-1])} images/s"
    )
