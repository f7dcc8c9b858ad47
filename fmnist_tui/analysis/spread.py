"""What several runs of one version say together: mean, spread, and how sure the mean is."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fmnist_tui.analysis import intervals
from fmnist_tui.analysis.intervals import Interval

Method = Literal["student_t", "wilson"]


@dataclass(frozen=True)
class Spread:
    """One measure over runs.

    Attributes:
        mean: Of the runs' values.
        sd: The sample's standard deviation; None for one run.
        n: How many runs.
        interval: 95 %, of the mean; None where nothing tells it.
        method: "student_t": from how far seeds differ, on these test images; "wilson": how far another draw of as many
            test images would move the accuracy, for these runs alone; None without an interval.
    """

    mean: float
    sd: float | None
    n: int
    interval: Interval | None = None
    method: Method | None = None

    @classmethod
    def of(cls, values: Sequence[float], highest: float, *, seeds: int) -> Spread:
        """The spread of at least one run's values, each 0 to `highest`, and its interval if there are `seeds` enough.

        Runs of one seed only repeat each other: their spread is not the one that seeds make.
        """
        sd = statistics.stdev(values) if len(values) > 1 else None
        interval = intervals.of_mean(values) if seeds > 1 else None
        if interval is None:
            return cls(statistics.fmean(values), sd, len(values))
        return cls(statistics.fmean(values), sd, len(values), interval.within(0.0, highest), "student_t")

    @classmethod
    def of_accuracies(cls, values: Sequence[float], images: int | None, *, seeds: int) -> Spread:
        """The same of accuracies on `images` test images, which give an interval to a single seed too."""
        spread = cls.of(values, 1.0, seeds=seeds)
        if spread.interval or not images or not 0 <= spread.mean <= 1:
            return spread
        return cls(spread.mean, spread.sd, spread.n, intervals.of_share(spread.mean, images), "wilson")
