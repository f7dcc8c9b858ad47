"""Many runs with their epochs, of which only what was appended is read: for `watch` and the Runs screen."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from fmnist_tui.analysis.intervals import Interval, of_mean
from fmnist_tui.analysis.run_filter import Values, values_of
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.runs.fold import LogFold, Sample
from fmnist_tui.runs.run import Run
from fmnist_tui.runs.status import Status
from fmnist_tui.training.events import Epoch, Resources

_RECENT = 5
"""Epochs whose time is an estimate of the next one's."""


@dataclass(frozen=True, eq=False)
class WatchedRun:
    """A run with what its log says between the steps; the same object for as long as nothing has changed.

    Attributes:
        run: The run.
        epochs: Those that ended.
        resources: What its trainers used of their machines.
        values: Its fields, for filters.
    """

    run: Run
    epochs: tuple[Epoch, ...] = ()
    resources: tuple[Sample, ...] = ()
    values: Values = field(default_factory=dict)

    @cached_property
    def trained(self) -> object:
        """All that determines what is learned, to be compared."""
        return _trained(self.values, self.run)

    @property
    def last(self) -> Epoch | None:
        """The newest epoch."""
        return self.epochs[-1] if self.epochs else None

    @property
    def best(self) -> Epoch | None:
        """The epoch with the best validation accuracy, the first of equals."""
        return max(self.epochs, key=lambda epoch: epoch.validation_accuracy, default=None)

    @property
    def used(self) -> Resources | None:
        """What its trainer used last; None unless it is training."""
        return self.resources[-1][1] if self.resources and self.run.status is Status.RUNNING else None

    @property
    def seconds_left(self) -> float | None:
        """About how long a training that goes on will take: the epochs left, at the pace of the last ones."""
        total = self.run.manifest.epochs
        if self.run.status is not Status.RUNNING or not self.epochs or total is None:
            return None
        pace = statistics.median(epoch.seconds for epoch in self.epochs[-_RECENT:])
        return pace * max(0, total - self.epochs[-1].epoch)


class RunLogs:
    """Reads the logs of runs, without their steps; of a run that goes on, what was added since it was read last."""

    def __init__(self) -> None:
        self._known: dict[RunDirectory, WatchedRun] = {}
        self._growing: dict[RunDirectory, tuple[LogReader, LogFold]] = {}

    def read(self, run: Run) -> WatchedRun:
        """The run with its log as it is now; what can't be read is empty. May be called for several runs at once."""
        key, known = run.directory, self._known.get(run.directory)
        is_same = known is not None and (known.run is run or known.run == run)
        if known is not None and is_same and not run.status.has_trainer:
            return known
        if (growing := self._growing.pop(key, None)) is None:
            growing = LogReader(run.directory.events, steps=False), LogFold()
        reader, fold = growing
        for logged in reader:
            fold.add(logged)
        if run.status.has_trainer:
            self._growing[key] = growing
        if known is not None and is_same and _is_unchanged(known, fold):
            return known
        epochs = tuple(fold.epochs)
        found = self._known[key] = WatchedRun(run, epochs, tuple(fold.resources), values_of(run, epochs))
        return found

    def has_read(self, run: RunDirectory) -> bool:
        """Whether the run's log was read at least once."""
        return run in self._known

    def known(self, run: Run) -> WatchedRun:
        """The run as it was read last, or without its log if it has never been; reads no file."""
        known = self._known.get(run.directory)
        if known is None:
            return WatchedRun(run, values=values_of(run))
        if known.run is run or known.run == run:
            return known
        return WatchedRun(run, known.epochs, known.resources, values_of(run, known.epochs))

    def forget_all_but(self, runs: Collection[RunDirectory]) -> None:
        """Forgets runs that were deleted."""
        for gone in self._known.keys() - set(runs):
            self._known.pop(gone, None)
            self._growing.pop(gone, None)


def _is_unchanged(known: WatchedRun, fold: LogFold) -> bool:
    last = fold.epochs[-1] if fold.epochs else None
    return (len(known.epochs), known.last, len(known.resources)) == (len(fold.epochs), last, len(fold.resources))


_NOT_TRAINED = frozenset(("run", "label", "tag", "status", "epoch", "accuracy", "validation", "device", "host"))
"""Fields that don't determine what is learned."""


def without_repeats(runs: Sequence[WatchedRun]) -> list[WatchedRun]:
    """The runs without those that repeat another one: model, settings, data and seed are the same.

    A repeat has the same result, so that means over it would seem more certain than they are. The run that has come
    furthest stays.
    """
    found: dict[object, WatchedRun] = {}
    for one in runs:
        key = one.trained
        if key not in found or len(one.epochs) > len(found[key].epochs):
            found[key] = one
    return list(found.values())


def seeds_of(run: Run, runs: Sequence[Run]) -> list[Run]:
    """The others of these runs that differ from `run` in nothing that is learned from but the seed."""
    similar = [one for one in runs if one.version == run.version and one.seed is not None and one.seed != run.seed]
    wanted = _trained(values_of(run), run, "seed")
    return [one for one in similar if _trained(values_of(one), one, "seed") == wanted]


def _trained(values: Values, run: Run, *without: str) -> object:
    """All that determines what is learned, to be compared."""
    named = sorted((name, value) for name, value in values.items() if name not in (*_NOT_TRAINED, *without))
    return tuple(map(repr, named)), run.fingerprints, run.n_train


@dataclass(frozen=True)
class Average:
    """The mean of an accuracy over runs that have one.

    Attributes:
        mean: Over the runs.
        interval: 95% CI of the mean, by Student's t; None for one run, or if all are equal.
        n: How many runs.
    """

    mean: float
    interval: Interval | None
    n: int


def average(values: Sequence[float | None]) -> Average | None:
    """The average of those accuracies that there are; None without any."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    interval = of_mean(known)
    return Average(statistics.fmean(known), interval.within(0.0, 1.0) if interval else None, len(known))


def best_validation(runs: Sequence[WatchedRun]) -> Average | None:
    """The average of the runs' best validation accuracies; repeats count once."""
    return average([run.best.validation_accuracy if run.best else None for run in without_repeats(runs)])


def mean_test_accuracy(runs: Sequence[WatchedRun]) -> Average | None:
    """The average of the runs' test accuracies; repeats count once."""
    return average([run.run.test_accuracy for run in without_repeats(runs)])
