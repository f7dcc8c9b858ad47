"""How long a run will still take, from what it has shown so far."""

from __future__ import annotations

import math

import numpy as np

from fmnist_tui.runs.snapshot import Snapshot

_WARM_UP = 3
"""Windows left out after each start of a trainer: caches and threads are cold."""
_RECENT = 100


def seconds_left(snapshot: Snapshot) -> float | None:
    """Seconds until the last epoch, or the last one before a stop, is validated; None where nobody knows.

    Steps to go times the median time of recent steps, plus the mean time of a validation for each epoch to go. The
    final scoring (a few validations' time) is left out.
    """
    if snapshot.started is None or snapshot.finished is not None:
        return None
    seconds_per_step = _seconds_per_step(snapshot)
    if seconds_per_step is None:
        return None
    validations = [epoch.validation_seconds for epoch in snapshot.epochs]
    validation = sum(validations) / len(validations) if validations else 0.0
    per_epoch = max(1, snapshot.started.steps_per_epoch)
    last = math.ceil(snapshot.step / per_epoch) if snapshot.stopping else snapshot.started.epochs
    steps = max(0, last * per_epoch - snapshot.step)
    return steps * seconds_per_step + max(0, last - len(snapshot.epochs)) * validation


def _seconds_per_step(snapshot: Snapshot) -> float | None:
    """Median over recent windows, so that a pause or a validation between two of them doesn't count."""
    curve = snapshot.curve
    first = int(np.searchsorted(curve.step, snapshot.resumed_at_step, side="right")) + _WARM_UP
    times, steps = curve.time[first:][-_RECENT:], curve.step[first:][-_RECENT:]
    if len(times) < 2:
        return None
    apart = max(1, len(times) // 10)  # the log's clock is too coarse for neighbours
    return float(np.median((times[apart:] - times[:-apart]) / (steps[apart:] - steps[:-apart])))
