"""How far two versions' accuracies lie apart, and whether that may be chance."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis import intervals
from fmnist_tui.analysis.answers import Answers, Reader
from fmnist_tui.analysis.intervals import Interval
from fmnist_tui.analysis.scored import ScoredRun, different, seeds_of, trained_alike

Method = Literal["welch", "paired"]

_ROUNDED = 1e-6
"""By how much the accuracies in two files of one run may differ."""


@dataclass(frozen=True)
class Difference:
    """Mean test accuracy of the second version less that of the first.

    Attributes:
        first: The earlier version.
        second: The later one.
        value: -1 to 1.
        interval: 95 %, or None where nothing tells it.
        method: Where the interval is from. "welch": from the runs, where both versions have two seeds or more. It
            is of the mean over seeds, on these test images. "paired": from the test images, where one version has a
            single seed. It says how far another draw of images would move these very runs; other seeds are not in it.
        runs: How many of each.
        images: Test images that a paired interval is from.
        alike: Whether all learned from as many images, and each version's runs with the same settings: else no interval
            tells the versions' difference from theirs.
    """

    first: str
    second: str
    value: float
    interval: Interval | None
    method: Method | None
    runs: tuple[int, int]
    images: int = 0
    alike: bool = True

    @property
    def may_be_chance(self) -> bool | None:
        """Whether the interval holds zero; None without one."""
        return None if self.interval is None else self.interval.holds_zero


def difference(first: Sequence[ScoredRun], second: Sequence[ScoredRun], read: Reader) -> Difference:
    """The difference between the runs of two versions, at least one of each."""
    means = [statistics.fmean(run.scores.accuracy for run in runs) for runs in (first, second)]
    value = means[1] - means[0]
    names, counts = (first[0].record.version, second[0].record.version), (len(first), len(second))
    if not trained_alike([*first, *second]):
        return Difference(*names, value, None, None, counts, alike=False)
    if welch := _over_runs(first, second):
        return Difference(*names, value, welch.within(-1.0, 1.0), "welch", counts)
    apart = _image_by_image(first, second, read)
    if apart is None or abs(float(apart.mean()) - value) > _ROUNDED:
        return Difference(*names, value, None, None, counts)
    return Difference(*names, value, intervals.of_paired(apart), "paired", counts, len(apart))


def _over_runs(first: Sequence[ScoredRun], second: Sequence[ScoredRun]) -> Interval | None:
    """Welch's interval, if there are seeds enough."""
    sides = [[run.scores.accuracy for run in runs] for runs in (first, second)]
    seeds = min(different(seeds_of(runs)) for runs in (first, second))
    return intervals.of_difference(*sides) if seeds > 1 else None


def _image_by_image(
    first: Sequence[ScoredRun], second: Sequence[ScoredRun], read: Reader
) -> NDArray[np.float64] | None:
    """For each image, the share of the second's runs that get it right less that of the first's; (n,), -1 to 1.

    None where a run has no predictions, or those of other images.
    """
    answers = [[read(run.record) for run in runs] for runs in (first, second)]
    known = [[one for one in side if one] for side in answers]
    if [len(side) for side in known] != [len(first), len(second)] or not _same_images(known[0] + known[1]):
        return None
    first_share, second_share = (np.array([one.right for one in side]).mean(axis=0) for side in known)
    apart: NDArray[np.float64] = second_share - first_share
    return apart


def _same_images(answers: Sequence[Answers]) -> bool:
    return all(one.on_the_images_of(answers[0]) for one in answers)
