"""Follows trainings on the command line: a progress bar on a terminal, plain lines or JSON lines elsewhere."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

import click

from fmnist_tui.cli.printing import can_redraw
from fmnist_tui.cli.progress_bars import ProgressBars
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged, as_record
from fmnist_tui.runs.follower import POLL_SECONDS, Follower
from fmnist_tui.runs.lock import is_held
from fmnist_tui.runs.snapshot import Snapshot
from fmnist_tui.training.telling import describe


class Reporter(Protocol):
    """Shows what happens to the runs."""

    def report(self, run: RunDirectory, new: Iterable[Logged], snapshot: Snapshot) -> None:
        """Shows new events of a run, and how it stands after them."""

    def leave(self, run: RunDirectory) -> None:
        """Nobody trains the run any more."""

    def close(self) -> None:
        """Nothing more comes."""


class JsonLines:
    """Each event as a JSON line, with its run."""

    def report(self, run: RunDirectory, new: Iterable[Logged], snapshot: Snapshot) -> None:  # noqa: ARG002
        """Prints the events."""
        for logged in new:
            click.echo(json.dumps({"run": run.run_id, **as_record(logged)}))

    def leave(self, run: RunDirectory) -> None:
        """Its last event was printed."""

    def close(self) -> None:
        """Nothing to end."""


class PlainLines:
    """A line for each thing that a log file should tell."""

    def report(self, run: RunDirectory, new: Iterable[Logged], snapshot: Snapshot) -> None:  # noqa: ARG002
        """Prints the lines."""
        for logged in new:
            if line := describe(logged.event):
                click.echo(f"{run.run_id}  {line}")

    def leave(self, run: RunDirectory) -> None:
        """Its last event was printed."""

    def close(self) -> None:
        """Nothing to end."""


def follow(followers: Sequence[Follower], reporter: Reporter) -> dict[str, Snapshot]:
    """Reports what the followers haven't seen yet until no run has a trainer; returns the last snapshot of each."""
    going = list(followers)
    try:
        while going:
            over = [follower for follower in going if not is_held(follower.run)]  # before the last of its log is read
            for follower in going:
                reporter.report(follower.run, follower.poll(), follower.snapshot)
            for follower in over:
                reporter.leave(follower.run)
                going.remove(follower)
            if going:
                time.sleep(POLL_SECONDS)
        return {follower.run.run_id: follower.snapshot for follower in followers}
    finally:
        reporter.close()


def choose_reporter(*, as_json: bool) -> Reporter:
    """The reporter that fits where the output goes."""
    if as_json:
        return JsonLines()
    return ProgressBars() if can_redraw(sys.stdout) else PlainLines()
