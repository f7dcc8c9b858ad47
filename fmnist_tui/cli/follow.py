"""Follows runs on the command line: progress bars on a terminal, plain lines or JSON lines elsewhere."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import click

from fmnist_tui.cli.output import can_redraw
from fmnist_tui.cli.progress_bars import ProgressBars
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged, as_record
from fmnist_tui.runs.fold import Snapshot
from fmnist_tui.runs.follower import POLL_SECONDS, Follower
from fmnist_tui.runs.lock import is_held
from fmnist_tui.runs.queue.store import existing_queues
from fmnist_tui.runs.status import is_waiting
from fmnist_tui.training.event_text import format_event

_ELSEWHERE_SECONDS = 2.0
"""Between two looks at a run that waits for another machine."""


class Reporter(Protocol):
    """Shows the progress of runs."""

    def report(self, run: RunDirectory, new: Iterable[Logged], snapshot: Snapshot) -> None:
        """Show new events of a run, and its state after them."""

    def leave(self, run: RunDirectory) -> None:
        """The run has no trainer any more."""

    def close(self) -> None:
        """There are no more events."""


class JsonLines:
    """Each event as a JSON line, with its run's id."""

    def report(self, run: RunDirectory, new: Iterable[Logged], snapshot: Snapshot) -> None:  # noqa: ARG002
        """Print the events."""
        for logged in new:
            click.echo(json.dumps({"run": run.run_id, **as_record(logged)}))

    def leave(self, run: RunDirectory) -> None:
        """Nothing to print: the last event has been."""

    def close(self) -> None:
        """Nothing to end."""


class PlainLines:
    """A line for each event that is worth one in a log file."""

    def say(self, line: str) -> None:
        """Print a line that is no event."""
        click.echo(line)

    def report(self, run: RunDirectory, new: Iterable[Logged], snapshot: Snapshot) -> None:  # noqa: ARG002
        """Print the lines."""
        for logged in new:
            if line := format_event(logged.event):
                click.echo(f"{run.run_id}  {line}")

    def leave(self, run: RunDirectory) -> None:
        """Nothing to print: the last event has been."""

    def close(self) -> None:
        """Nothing to end."""


def follow(
    followers: Sequence[Follower], reporter: Reporter, before_poll: Callable[[], object] = lambda: None
) -> dict[str, Snapshot]:
    """Report new events until every run has ended.

    Args:
        followers: One for each run.
        reporter: Shows them.
        before_poll: Called before each look at the runs.

    Returns:
        The last snapshot of each run, by its id.
    """
    left = list(followers)
    queues = existing_queues()
    waiting: dict[str, float] = {}
    try:
        while left:
            before_poll()
            for follower in list(left):
                run = follower.run
                if time.monotonic() < waiting.get(run.run_id, 0.0) or (
                    run.run_id in waiting and any(queue.holds(run.path) for queue in queues)
                ):
                    continue  # a hundred waiting runs must cost nothing
                held = is_held(run)
                _report_new(follower, reporter)
                waiting.pop(run.run_id, None)
                if not held and is_waiting(run):
                    queues = existing_queues()
                    here = any(queue.holds(run.path) for queue in queues)
                    waiting[run.run_id] = time.monotonic() + (0.0 if here else _ELSEWHERE_SECONDS)
                elif not held and not is_held(run):
                    _report_new(follower, reporter)
                    reporter.leave(run)
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


def choose_reporter(*, as_json: bool, runs: Sequence[RunDirectory] = ()) -> Reporter:
    """The reporter for JSON, a terminal, or anything else; for people it shows the mean over seeds as well.

    Args:
        as_json: Whether JSON is wanted.
        runs: The runs that will be reported, if more than one.
    """
    if as_json:
        return JsonLines()
    reporter = ProgressBars() if can_redraw(sys.stdout) else PlainLines()
    if len(runs) < 2:
        return reporter
    from fmnist_tui.cli.seeds import OverSeeds  # imports NumPy

    return OverSeeds(reporter, runs)
