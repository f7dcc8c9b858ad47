"""What in a training's losses should make a person look: a spike, a plateau, overfitting. Each is told once."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from fmnist_tui.text import percent
from fmnist_tui.training.events import Alert, Epoch, Event, Resumed, RunStarted, Step

_RECENT, _BEFORE = 10, 100
"""Windows: their mean loss is compared with that of the ones before."""
_SPIKE = 2.0
"""How many times the usual loss is one; the recipes' own curves stay below 1.25."""
_FLAT_EPOCHS = 5
_FLAT = 0.01
"""The share of its best value by which a loss has to fall to count as falling."""
_RISING_EPOCHS = 3


@dataclass(frozen=True)
class _SoFar:
    """An epoch, the lowest training loss up to it, and the epoch with the lowest validation loss up to it."""

    epoch: Epoch
    train_loss: float
    best: Epoch


def _so_far(before: _SoFar | None, epoch: Epoch) -> _SoFar:
    if before is None:
        return _SoFar(epoch, epoch.train_loss, epoch)
    best = min(before.best, epoch, key=lambda one: one.validation_loss)
    return _SoFar(epoch, min(before.train_loss, epoch.train_loss), best)


class Watch:
    """Sees a run's events in their order and says what stands out."""

    def __init__(self) -> None:
        self._losses: deque[float] = deque(maxlen=_RECENT + _BEFORE)
        self._course: list[_SoFar] = []
        self._told: set[str] = set()

    def observe(self, event: Event) -> list[Alert]:
        """The alerts that this event gives cause for, none of a kind that was told before."""
        match event:
            case Alert():
                self._told.add(event.kind)
            case RunStarted():
                self._losses.clear()
                self._course.clear()
            case Resumed():
                self._losses.clear()
                while self._course and self._course[-1].epoch.step > event.step:
                    self._course.pop()
            case Step():
                self._losses.append(event.loss)
                return self._once("spike", lambda: _spike(list(self._losses), event.step))
            case Epoch():
                self._course.append(_so_far(self._course[-1] if self._course else None, event))
                return [
                    *self._once("plateau", lambda: _plateau(self._course)),
                    *self._once("overfitting", lambda: _overfitting(self._course)),
                ]
        return []

    def _once(self, kind: str, find: Callable[[], str]) -> list[Alert]:
        if kind in self._told or not (message := find()):
            return []
        self._told.add(kind)
        return [Alert(kind, message)]


def _spike(losses: Sequence[float], step: int) -> str:
    """Losses of windows, the last one at `step`."""
    if len(losses) < _RECENT + _BEFORE or not all(map(math.isfinite, losses)):
        return ""
    usual, now = fmean(losses[:_BEFORE]), fmean(losses[_BEFORE:])
    if now <= _SPIKE * usual:
        return ""
    return f"the training loss jumped from {usual:.4f} to {now:.4f} by step {step}; a lower learning rate may help"


def _plateau(course: Sequence[_SoFar]) -> str:
    if len(course) <= _FLAT_EPOCHS:
        return ""
    before, lately = course[-_FLAT_EPOCHS - 1], [one.epoch for one in course[-_FLAT_EPOCHS:]]
    falls = (
        min(epoch.train_loss for epoch in lately) < (1 - _FLAT) * before.train_loss,
        min(epoch.validation_loss for epoch in lately) < (1 - _FLAT) * before.best.validation_loss,
    )
    if any(falls):
        return ""
    return f"neither loss has fallen by {percent(_FLAT, 0)} in the last {_FLAT_EPOCHS} epochs"


def _overfitting(course: Sequence[_SoFar]) -> str:
    if len(course) <= _RISING_EPOCHS:
        return ""
    best = course[-_RISING_EPOCHS - 1].best
    lately = [best, *(one.epoch for one in course[-_RISING_EPOCHS:])]
    rising = all(one.validation_loss < next_.validation_loss for one, next_ in pairwise(lately))
    falling = all(one.train_loss > next_.train_loss for one, next_ in pairwise(lately))
    if not (rising and falling):
        return ""
    rise = f"from {best.validation_loss:.4f} to {lately[-1].validation_loss:.4f}"
    return f"overfitting: validation loss rose {rise} since epoch {best.epoch} while the training loss fell"
