"""Asynchronous successive halving (ASHA; Li et al., 2020): which trial is trained further, as a pure function.

All trials train until the first rung's epoch. Whenever one has arrived, the best 1/eta of those that are there may go
on to the next rung, so no worker waits for the others. A trial that isn't promoted is paused, not lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fmnist_tui.models.options import ConfigError
from fmnist_tui.text import counted

ETA = 3


@dataclass(frozen=True, order=True)
class Score:
    """How good a trial is after an epoch; of two, the greater one is better.

    Attributes:
        accuracy: Validation accuracy after the epoch, 0 to 1.
        merit: Less the validation loss, which decides between equal accuracies.
        epoch: The epoch.
    """

    accuracy: float
    merit: float
    epoch: int = field(compare=False, default=0)


@dataclass(frozen=True)
class Standing:
    """Where a trial is.

    Attributes:
        number: The trial's number, from 0; decides between equal scores.
        rung: The rung that it trains to or has reached, from 0.
        scores: By rung, of those that it has reached.
        is_over: Whether it can't be trained any further.
    """

    number: int
    rung: int
    scores: Mapping[int, Score]
    is_over: bool = False

    @property
    def has_arrived(self) -> bool:
        """Whether it isn't being trained, and need not be unless it is promoted."""
        return self.is_over or self.rung in self.scores


def rungs_of(epochs: int, first: int | None, eta: int) -> tuple[int, ...]:
    """The epochs after which trials are compared: first, first * eta, ..., and all epochs, at least eta times the rest.

    Args:
        epochs: Of a whole training.
        first: The first rung's epoch; None for no halving: there is only the last rung.
        eta: How many trials one of which is promoted.

    Raises:
        ConfigError: There would be only one rung.
    """
    if first is None:
        return (epochs,)
    found = []
    epoch = first
    while epoch * eta <= epochs:
        found.append(epoch)
        epoch *= eta
    if not found:
        advice = f"train at least {counted(first * eta, 'epoch')}, or lower --min-epochs or --eta"
        raise ConfigError(f"there is nothing to halve in {counted(epochs, 'epoch')} from epoch {first} on: {advice}")
    return (*found, epochs)


def promoted(trials: Sequence[Standing], rungs: int, eta: int, *, is_complete: bool) -> Standing | None:
    """The trial to train until the rung after its own, or None.

    Args:
        trials: All trials.
        rungs: The number of rungs.
        eta: How many trials one of which is promoted.
        is_complete: Whether no further trial will be started: then, once all have arrived, the best one goes on until
            one has been trained to its end, however few they are, and whichever failed on the way.
    """
    for rung in reversed(range(rungs - 1)):
        there = sorted((trial for trial in trials if rung in trial.scores), key=lambda trial: _rank(trial, rung))
        failed = sum(trial.is_over and trial.rung == rung and rung not in trial.scores for trial in trials)
        best = there[: (len(there) + failed) // eta]
        if found := next((trial for trial in best if trial.rung == rung and not trial.is_over), None):
            return found
    if not is_complete or any(not trial.has_arrived or rungs - 1 in trial.scores for trial in trials):
        return None
    left = [trial for trial in trials if not trial.is_over]
    return min(left, key=lambda trial: (-trial.rung, _rank(trial, trial.rung)), default=None)


def _rank(trial: Standing, rung: int) -> tuple[float, float, int]:
    """A key by which the better of two trials that have reached a rung comes first."""
    score = trial.scores[rung]
    return -score.accuracy, -score.merit, trial.number
