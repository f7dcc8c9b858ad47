"""Asynchronous successive halving, as decisions without any training."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from fmnist_tui.models.options import ConfigError
from fmnist_tui.sweeps.halving import Score, Standing, promoted, rungs_of


@pytest.mark.parametrize(
    ("epochs", "first", "eta", "rungs"),
    [
        (27, 1, 3, (1, 3, 9, 27)),
        (30, 1, 3, (1, 3, 9, 30)),
        (10, 1, 3, (1, 3, 10)),
        (10, 2, 3, (2, 10)),
        (8, 1, 2, (1, 2, 4, 8)),
        (10, None, 3, (10,)),
    ],
)
def test_rungs(epochs: int, first: int | None, eta: int, rungs: tuple[int, ...]) -> None:
    assert rungs_of(epochs, first, eta) == rungs


def test_too_few_epochs_leave_nothing_to_halve() -> None:
    with pytest.raises(ConfigError, match=r"train at least 3 epochs, or lower --min-epochs or --eta"):
        rungs_of(2, 1, 3)
    with pytest.raises(ConfigError, match=r"nothing to halve in 1 epoch from epoch 1 on"):
        rungs_of(1, 1, 3)


@dataclass
class Ladder:
    """Trials of which some are better than others: `quality` has the accuracy of each in hundredths."""

    quality: list[int]
    rungs: int = 4
    eta: int = 3
    rung: dict[int, int] = field(default_factory=dict)
    failing: tuple[int, ...] = ()

    @property
    def n(self) -> int:
        return len(self.quality)

    def standings(self, training: set[int]) -> list[Standing]:
        return [
            Standing(
                number,
                rung,
                {
                    one: Score(self.quality[number] / 100, 0.0)
                    for one in range(rung + (number not in training))
                    if number not in self.failing
                },
                is_over=number in self.failing and number not in training,
            )
            for number, rung in self.rung.items()
        ]

    def run(self, workers: int, seed: int = 0) -> dict[int, int]:
        """Lets so many workers train, ending in a random order; returns the rung that each trial reached."""
        chance, training = np.random.default_rng(seed), set[int]()
        while True:
            best = promoted(self.standings(training), self.rungs, self.eta, is_complete=len(self.rung) == self.n)
            if len(training) < workers and best is not None:
                self.rung[best.number] += 1
                training.add(best.number)
            elif len(training) < workers and len(self.rung) < self.n:
                self.rung[len(self.rung)] = 0
                training.add(len(self.rung) - 1)
            elif training:
                training.discard(int(chance.choice(sorted(training))))
            else:
                return self.rung


@pytest.mark.parametrize(("workers", "seed"), [(1, 0), (4, 1), (27, 2)])
def test_the_best_third_goes_on_whoever_trains_them(workers: int, seed: int) -> None:
    quality = np.random.default_rng(seed).permutation(27).tolist()
    reached = Ladder(quality).run(workers, seed)
    by_quality = {quality[number]: rung for number, rung in reached.items()}
    assert all(by_quality[one] >= 1 for one in range(18, 27))
    assert all(by_quality[one] >= 2 for one in (24, 25, 26))
    assert by_quality[26] == 3
    assert 9 <= sum(rung >= 1 for rung in reached.values()) <= 15  # some are promoted before better ones have come


def test_however_few_there_are_one_is_trained_to_its_end() -> None:
    assert Ladder([1, 2]).run(1) == {0: 0, 1: 3}
    assert Ladder([1]).run(3) == {0: 3}


def test_a_trial_that_fails_counts_but_never_goes_on() -> None:
    reached = Ladder([9, 8, 1, 2, 3, 4, 5, 6, 7], rungs=3, failing=(0,)).run(1)
    assert reached[0] == 0
    assert reached[1] == 2
    assert Ladder([9, 3, 5], failing=(0,)).run(1) == {0: 0, 1: 0, 2: 3}  # one is trained to its end all the same
    assert Ladder([1, 2, 3], failing=(0, 1, 2)).run(1) == {0: 0, 1: 0, 2: 0}


def test_if_the_promoted_trial_fails_the_next_best_goes_on() -> None:
    trials = [
        Standing(0, 1, {0: Score(0.9, 0.0)}, is_over=True),
        Standing(1, 0, {0: Score(0.2, 0.0)}),
        Standing(2, 0, {0: Score(0.8, 0.0)}),
    ]
    assert promoted(trials, 2, 3, is_complete=False) is None
    assert promoted(trials, 2, 3, is_complete=True) == trials[2]


def test_of_equal_accuracies_the_lower_loss_is_better_then_the_earlier_trial() -> None:
    scores = [Score(0.9, -0.4), Score(0.9, -0.3), Score(0.9, -0.3)]
    trials = [Standing(number, 0, {0: one}) for number, one in enumerate(scores)]
    found = promoted(trials, 2, 3, is_complete=True)
    assert found is not None
    assert found.number == 1
