"""Paired comparisons of models on the same test images: McNemar's exact test, and differences of versions."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis import intervals
from fmnist_tui.analysis.eligibility import ScoredRun, different, seeds_of, trained_alike
from fmnist_tui.analysis.intervals import Interval
from fmnist_tui.runs.predictions import NoPredictionsError, read_predictions
from fmnist_tui.runs.run import Run
from fmnist_tui.text import counted


@dataclass(frozen=True, eq=False)
class Answers:
    """What a run made of the test images.

    Attributes:
        record: The run.
        labels: uint8, (n,), 0 to 9.
        right: bool, (n,).
    """

    record: Run
    labels: NDArray[np.uint8]
    right: NDArray[np.bool_]

    def on_the_images_of(self, other: Answers) -> bool:
        """Whether both are of the same images."""
        same = self.record.test_fingerprint == other.record.test_fingerprint
        return same and np.array_equal(self.labels, other.labels)


Reader = Callable[[Run], Answers | None]


def answers_of(record: Run) -> Answers:
    """The run's answers.

    Raises:
        NoPredictionsError: There are none that can be used.
    """
    predictions = read_predictions(record.directory)
    return Answers(record, predictions.labels, predictions.correct)


def remembering() -> Reader:
    """A reader that opens each run's file once, and gives None where it can't be used."""
    seen: dict[str, Answers | None] = {}

    def read(record: Run) -> Answers | None:
        if record.run_id not in seen:
            try:
                seen[record.run_id] = answers_of(record)
            except NoPredictionsError:
                seen[record.run_id] = None
        return seen[record.run_id]

    return read


SIGNIFICANT = 0.05
_LEAST = 0.001
"""Below it p-values aren't told apart in words."""


@dataclass(frozen=True)
class PairedTest:
    """Two runs on the same test images.

    Attributes:
        first: The first one's version.
        second: The second one's.
        first_run: The first one's id.
        second_run: The second one's.
        only_first_right: Images that only the first gets right.
        only_second_right: Images that only the second gets right.
        p_value: Of McNemar's exact test, two-sided.
        images: Test images in all.
        interval: 95 %, of the second's accuracy less the first's: over the images, for these two runs alone.
        tests: How many pairs were tested at once.
        p_holm: The p-value adjusted for so many tests; what is more than chance is said by this one.
    """

    first: str
    second: str
    first_run: str
    second_run: str
    only_first_right: int
    only_second_right: int
    p_value: float
    images: int
    interval: Interval
    tests: int
    p_holm: float

    @property
    def difference(self) -> float:
        """The second's accuracy less the first's, -1 to 1."""
        return (self.only_second_right - self.only_first_right) / self.images

    @property
    def may_be_chance(self) -> bool:
        """Whether coin tosses would often differ as much."""
        return self.p_holm >= SIGNIFICANT

    @property
    def sentence(self) -> str:
        """The test in words; the runs go by their versions, two of one version by their ids."""
        if self.first == self.second:
            return self.sentence_of(self.first_run, self.second_run)
        return self.sentence_of(self.first, self.second)

    def sentence_of(self, first: str, second: str) -> str:
        """The test in words, the runs under these names."""
        return (
            f"{second} is right on {counted(self.only_second_right, 'image')} that {first} gets wrong, "
            f"wrong on {self.only_first_right} that {first} gets right; "
            f"{self._p_words}: {'may be chance' if self.may_be_chance else 'more than chance'}"
        )

    @property
    def _p_words(self) -> str:
        """The p-value, and the adjusted one where it reads otherwise."""
        told, adjusted = _p(self.p_value), _p(self.p_holm)
        p = f"p {told}" if self.p_value < _LEAST else f"p = {told}"
        return p if told == adjusted else f"{p} ({adjusted} adjusted for {self.tests} tests)"


def paired_tests(answers: Sequence[Answers]) -> tuple[PairedTest, ...]:
    """A test for each pair that was scored on the same images; the others are left out."""
    pairs = [(first, second) for first, second in combinations(answers, 2) if first.on_the_images_of(second)]
    only = [(_only(first, second), _only(second, first)) for first, second in pairs]
    p_values = [mcnemar(*counts) for counts in only]
    return tuple(
        PairedTest(
            first.record.version,
            second.record.version,
            first.record.run_id,
            second.record.run_id,
            *counts,
            p_value,
            len(first.right),
            intervals.of_paired(np.subtract(second.right, first.right, dtype=np.float64)),
            len(pairs),
            p_holm,
        )
        for (first, second), counts, p_value, p_holm in zip(pairs, only, p_values, holm(p_values), strict=True)
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """The p-value: how likely coin tosses would split the images that one model alone gets right as unevenly as this.

    Twice the smaller tail of Binomial(n, 1/2), at most 1 (McNemar, 1947, in its exact form): what
    scipy.stats.binomtest gives, in whole numbers, because importing scipy.stats takes longer than all of `results`.
    """
    tosses = only_first + only_second
    ways = tail = 1
    for heads in range(min(only_first, only_second)):
        ways = ways * (tosses - heads) // (heads + 1)
        tail += ways
    return min(1.0, 2 * tail / (1 << tosses))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted, so that among all of them a difference where there is none is found in 5 % at most.

    Holm, A simple sequentially rejective multiple test procedure, 1979: the smallest of m is multiplied by m, the next
    by m - 1, and so on; none is below the one before, or above 1.
    """
    adjusted = [0.0] * len(p_values)
    least = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = least
    return adjusted


def _only(one: Answers, other: Answers) -> int:
    return int((one.right & ~other.right).sum())


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= _LEAST else f"< {_LEAST}"


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
