"""The mean over seeds and its 95% band: of the run that is shown, and of those that differ in nothing but the seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from textual.theme import Theme

from fmnist_tui.analysis.bands import Band, band
from fmnist_tui.analysis.run_filter import values_of
from fmnist_tui.analysis.watched_runs import RunLogs, WatchedRun, seeds_of, without_repeats
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.fold import Snapshot
from fmnist_tui.runs.run import Run
from fmnist_tui.training.events import Epoch
from fmnist_tui.tui.themes import chart_colours, faded
from fmnist_tui.tui.training.curves import value_label
from fmnist_tui.tui.widgets.drawing import Floats, Series

_BAND = 0.5
"""How much of the mean's colour is left in the band."""


@dataclass(frozen=True, eq=False)
class OverSeeds:
    """Validation over seeds.

    Attributes:
        run: The run that is shown.
        epochs: How many each seed has ended, its own first.
        loss: By epoch.
        accuracy: By epoch.
    """

    run: RunDirectory
    epochs: tuple[int, ...]
    loss: Band
    accuracy: Band

    def is_like(self, other: OverSeeds | None) -> bool:
        """Whether nothing was added to any of the runs."""
        return other is not None and (self.run, self.epochs) == (other.run, other.epochs)


def over_seeds(run: Run, epochs: Sequence[Epoch], runs: Sequence[Run], logs: RunLogs) -> OverSeeds | None:
    """Reads what was added to the logs of the other seeds' runs; may wait for a file system.

    Args:
        run: The run that is shown.
        epochs: Its epochs, which are known without reading its log.
        runs: All runs.
        logs: What was read before.

    Returns:
        None unless at least two seeds have ended an epoch.
    """
    others = seeds_of(run, runs)
    logs.forget_all_but([other.directory for other in others])
    if not others:
        return None
    shown = WatchedRun(run, tuple(epochs), values=values_of(run))
    found = [one for one in without_repeats([shown, *map(logs.read, others)]) if one.epochs]
    if len(found) < 2:
        return None
    epochs_done = tuple(len(one.epochs) for one in found)
    return OverSeeds(run.directory, epochs_done, _band(found, "loss"), _band(found, "accuracy"))


def _band(runs: Sequence[WatchedRun], what: str) -> Band:
    """Of the validated loss or accuracy after each epoch."""
    return band([([one.epoch for one in run.epochs], _validated(run, what)) for run in runs]).of_most()


def _validated(run: WatchedRun, what: str) -> list[float]:
    return [getattr(epoch, f"validation_{what}") for epoch in run.epochs]


def seed_series(found: OverSeeds, what: str, snapshot: Snapshot, theme: Theme, *, log: bool) -> tuple[Series, ...]:
    """The band and, over it, the mean, in grey: the run that is shown has its model's colour.

    Args:
        found: The means and bands.
        what: "loss" or "accuracy".
        snapshot: Of the run that is shown; x are its steps.
        theme: What the colours stand out from.
        log: Whether the axis is logarithmic: there is no band on it.
    """
    shown: Band = getattr(found, what)
    steps: Floats = shown.x * (snapshot.started.steps_per_epoch if snapshot.started else 1)
    grey = chart_colours(theme)["ticks"]
    name, end = f"{len(found.epochs)} seeds", f"mean {value_label(shown.mean, what)}"
    mean = Series(name, steps, shown.mean, grey, behind=True, range_from=math.inf, end=end)
    has_band = np.isfinite(shown.low)
    if log or not has_band.any():
        return (mean,)
    low, high = shown.low[has_band], shown.high[has_band]
    edge = Series("", steps[has_band], low, faded(grey, theme, _BAND), behind=True, range_from=math.inf, until=high)
    return edge, mean
