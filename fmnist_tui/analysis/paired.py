"""Which of two models is better on the same images: McNemar's exact test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from fmnist_tui.analysis import intervals
from fmnist_tui.analysis.answers import Answers
from fmnist_tui.analysis.intervals import Interval
from fmnist_tui.text import counted

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
