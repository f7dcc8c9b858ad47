"""Which of two models is better on the same images: McNemar's exact test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from fmnist_tui.analysis.predictions import NoPredictionsError, Predictions, read_predictions
from fmnist_tui.analysis.record import RunRecord

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class PairedTest:
    """Two runs on the same test images.

    Attributes:
        first: The earlier version.
        second: The later one.
        first_run: The id of the earlier version's run.
        second_run: The id of the later one's.
        only_first_right: Images that only the first gets right.
        only_second_right: Images that only the second gets right.
        p_value: Of McNemar's exact test, two-sided.
    """

    first: str
    second: str
    first_run: str
    second_run: str
    only_first_right: int
    only_second_right: int
    p_value: float

    @property
    def sentence(self) -> str:
        """The test in words."""
        p = f"p = {self.p_value:.3f}" if self.p_value >= 0.001 else "p < 0.001"
        return (
            f"{self.second} is right on {_images(self.only_second_right)} that {self.first} gets wrong, "
            f"wrong on {self.only_first_right} that {self.first} gets right; "
            f"{p}: {'more than chance' if self.p_value < SIGNIFICANT else 'may be chance'}"
        )


def paired_tests(records: Sequence[RunRecord]) -> tuple[PairedTest, ...]:
    """A test for each pair of `records` that were scored on the same images; the others are left out."""
    known = list(_with_predictions(records))
    return tuple(
        _paired(first, second)
        for first, second in combinations(known, 2)
        if first[0].test_fingerprint == second[0].test_fingerprint and np.array_equal(first[1].labels, second[1].labels)
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


def _paired(first: tuple[RunRecord, Predictions], second: tuple[RunRecord, Predictions]) -> PairedTest:
    only_first = int((first[1].right & ~second[1].right).sum())
    only_second = int((second[1].right & ~first[1].right).sum())
    versions = first[0].version, second[0].version
    runs = first[0].run_id, second[0].run_id
    return PairedTest(*versions, *runs, only_first, only_second, mcnemar(only_first, only_second))


def _with_predictions(records: Sequence[RunRecord]) -> Iterator[tuple[RunRecord, Predictions]]:
    for record in records:
        try:
            yield record, read_predictions(record.run)
        except NoPredictionsError:
            continue


def _images(count: int) -> str:
    return f"{count} image" if count == 1 else f"{count} images"
