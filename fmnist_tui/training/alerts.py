"""Alerts on a run: a spike, a plateau, overfitting, a dead or exploding layer. Each kind is raised once per run."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from fmnist_tui.text import percent
from fmnist_tui.training.dynamics import dead_message, exploding_message
from fmnist_tui.training.events import Alert, Dynamics, Epoch, Event, Resumed, RunStarted, StepMetrics, rewound_to

_RECENT, _BEFORE = 10, 100
"""Log intervals: the mean loss of the recent ones is compared with that of those before."""
_SPIKE = 2.0
"""The ratio of recent to previous loss that counts as a spike; the built-in recipes stay below 1.25."""
_FLAT_EPOCHS = 5
_FLAT = 0.01
"""The fraction of its best value by which a loss has to fall to count as falling."""
_RISING_EPOCHS = 3


@dataclass(frozen=True)
class _EpochSummary:
    """An epoch, the lowest training loss so far, and the epoch with the lowest validation loss so far."""

    epoch: Epoch
    train_loss: float
    best: Epoch


def _summarise(previous: _EpochSummary | None, epoch: Epoch) -> _EpochSummary:
    if previous is None:
        return _EpochSummary(epoch, epoch.train_loss, epoch)
    best = min(previous.best, epoch, key=lambda one: one.validation_loss)
    return _EpochSummary(epoch, min(previous.train_loss, epoch.train_loss), best)


class LossMonitor:
    """Observes the events of a run in order and raises alerts."""

    def __init__(self) -> None:
        self._losses: deque[float] = deque(maxlen=_RECENT + _BEFORE)
        self._epochs: list[_EpochSummary] = []
        self._dynamics: list[Dynamics] = []
        self._raised: set[str] = set()

    def observe(self, event: Event) -> list[Alert]:
        """The alerts that this event causes, except for kinds that were raised before."""
        match event:
            case Alert():
                self._raised.add(event.kind)
            case RunStarted() | Resumed():
                self._losses.clear()
                while self._epochs and self._epochs[-1].epoch.step > (rewound_to(event) or 0):
                    self._epochs.pop()
                while self._dynamics and self._dynamics[-1].step > (rewound_to(event) or 0):
                    self._dynamics.pop()
            case StepMetrics():
                self._losses.append(event.loss)
                return self._once("spike", lambda: _spike(list(self._losses), event.step))
            case Epoch():
                self._epochs.append(_summarise(self._epochs[-1] if self._epochs else None, event))
                return [
                    *self._once("plateau", lambda: _plateau(self._epochs)),
                    *self._once("overfitting", lambda: _overfitting(self._epochs)),
                ]
            case Dynamics():
                self._dynamics.append(event)
                return [
                    *self._once("dead_units", lambda: dead_message(event)),
                    *self._once("exploding", lambda: exploding_message(self._dynamics)),
                ]
        return []

    def _once(self, kind: str, check: Callable[[], str]) -> list[Alert]:
        if kind in self._raised or not (message := check()):
            return []
        self._raised.add(kind)
        return [Alert(kind, message)]


def _spike(losses: Sequence[float], step: int) -> str:
    """The message for losses per log interval, the last one at `step`, or ""."""
    if len(losses) < _RECENT + _BEFORE or not all(map(math.isfinite, losses)):
        return ""
    previous, recent = fmean(losses[:_BEFORE]), fmean(losses[_BEFORE:])
    if recent <= _SPIKE * previous:
        return ""
    return (
        f"the training loss jumped from {previous:.4f} to {recent:.4f} by step {step}; a lower learning rate may help"
    )


def _plateau(epochs: Sequence[_EpochSummary]) -> str:
    if len(epochs) <= _FLAT_EPOCHS:
        return ""
    before, recent = epochs[-_FLAT_EPOCHS - 1], [one.epoch for one in epochs[-_FLAT_EPOCHS:]]
    falls = (
        min(epoch.train_loss for epoch in recent) < (1 - _FLAT) * before.train_loss,
        min(epoch.validation_loss for epoch in recent) < (1 - _FLAT) * before.best.validation_loss,
    )
    if any(falls):
        return ""
    return f"neither loss has fallen by {percent(_FLAT, 0)} in the last {_FLAT_EPOCHS} epochs"


def _overfitting(epochs: Sequence[_EpochSummary]) -> str:
    if len(epochs) <= _RISING_EPOCHS:
        return ""
    best = epochs[-_RISING_EPOCHS - 1].best
    recent = [best, *(one.epoch for one in epochs[-_RISING_EPOCHS:])]
    rising = all(one.validation_loss < next_.validation_loss for one, next_ in pairwise(recent))
    falling = all(one.train_loss > next_.train_loss for one, next_ in pairwise(recent))
    if not (rising and falling):
        return ""
    rise = f"from {best.validation_loss:.4f} to {recent[-1].validation_loss:.4f}"
    return f"overfitting: validation loss rose {rise} since epoch {best.epoch} while the training loss fell"
