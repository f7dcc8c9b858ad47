"""The mean and its 95% CI over runs of a model that differ in their seed: while they train, and at their end."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np

from fmnist_tui.analysis.bands import band
from fmnist_tui.analysis.intervals import Spread
from fmnist_tui.cli.follow import Reporter
from fmnist_tui.runs.directory import RunDirectory, version_in
from fmnist_tui.runs.event_log import Logged
from fmnist_tui.runs.fold import Snapshot
from fmnist_tui.runs.run import Run
from fmnist_tui.text import counted, percent
from fmnist_tui.training.events import Epoch


class PrintingReporter(Reporter, Protocol):
    """A reporter that can print a line beside the events."""

    def say(self, line: str) -> None:
        """Print a line."""


class OverSeeds:
    """Passes everything on to another reporter, and prints the mean over seeds where it means something.

    That is once all runs of a model have reached an epoch, and when one of them has ended.
    """

    def __init__(self, reporter: PrintingReporter, runs: Sequence[RunDirectory]) -> None:
        """Prints nothing yet.

        Args:
            reporter: Shows the events.
            runs: All runs.
        """
        self._reporter = reporter
        self._snapshots: dict[str, Snapshot | None] = dict.fromkeys(run.run_id for run in runs)
        self._said: set[str] = set()

    def report(self, run: RunDirectory, new: Iterable[Logged], snapshot: Snapshot) -> None:
        """Show new events; after an epoch that all seeds have reached, their mean."""
        new = list(new)
        self._reporter.report(run, new, snapshot)
        self._snapshots[run.run_id] = snapshot
        for epoch in [logged.event for logged in new if isinstance(logged.event, Epoch)]:
            self._say_mean(run, epoch.epoch, least=len(self._group(run)))

    def leave(self, run: RunDirectory) -> None:
        """The run has no trainer any more: show the mean over the seeds so far."""
        self._reporter.leave(run)
        snapshot = self._snapshots[run.run_id]
        if snapshot and snapshot.epochs:
            self._say_mean(run, snapshot.epochs[-1].epoch, least=2)

    def close(self) -> None:
        """There are no more events."""
        self._reporter.close()

    def _group(self, run: RunDirectory) -> list[Snapshot | None]:
        version = version_in(run.run_id)
        return [snapshot for run_id, snapshot in self._snapshots.items() if version_in(run_id) == version]

    def _say_mean(self, run: RunDirectory, epoch: int, least: int) -> None:
        group = self._group(run)
        if len(group) < 2:
            return
        line = mean_line(version_in(run.run_id), epoch, [one for one in group if one], least)
        if line and line not in self._said:
            self._said.add(line)
            self._reporter.say(line)


def mean_line(version: str, epoch: int, snapshots: Sequence[Snapshot], least: int) -> str:
    """The mean validation accuracy after an epoch over the seeds that have reached it; "" if they are too few."""
    found = band(
        [
            (
                np.array([one.epoch for one in snapshot.epochs], dtype=np.float64),
                np.array([one.validation_accuracy for one in snapshot.epochs], dtype=np.float64),
            )
            for snapshot in snapshots
        ]
    )
    at = np.flatnonzero(found.x == epoch)
    if not len(at) or found.n[at[0]] < max(2, least):
        return ""
    mean, low, high = (float(part[at[0]]) for part in (found.mean, found.low, found.high))
    interval = "" if math.isnan(low) else f" (95% CI {percent(max(low, 0.0))} to {percent(min(high, 1.0))})"
    return f"{version}  epoch {epoch}: validation {percent(mean)}{interval} over {counted(int(found.n[at[0]]), 'seed')}"


def score_lines(runs: Sequence[Run]) -> Iterator[str]:
    """The mean test accuracy of each model that was scored with several seeds."""
    for version in dict.fromkeys(run.version for run in runs):
        scored = [(run.test_accuracy, run.seed) for run in runs if run.version == version]
        values = [accuracy for accuracy, _ in scored if accuracy is not None]
        seeds = {seed for accuracy, seed in scored if accuracy is not None}
        if len(seeds) < 2:
            continue
        spread = Spread.of(values, 1.0, seeds=len(seeds))
        interval = spread.interval
        text = f" (95% CI {percent(interval.low)} to {percent(interval.high)})" if interval else ""
        yield f"{version}: test accuracy {percent(spread.mean)}{text} over {counted(len(seeds), 'seed')}"
