"""A snapshot's curves, ready for a chart."""

from __future__ import annotations

import numpy as np

from fmnist_tui.analysis.smoothing import smoothed, width_for
from fmnist_tui.runs.snapshot import Snapshot
from fmnist_tui.tui.charting import Series

# Okabe and Ito's colours, which people with any kind of colour blindness can tell apart.
RAW = (140, 140, 140)
TRAINING = (0, 114, 178)
VALIDATION = (230, 159, 0)
BEST = (0, 158, 115)


def loss_series(snapshot: Snapshot) -> tuple[Series, ...]:
    """Raw and smoothed training loss, validation loss, best epoch."""
    return _series(snapshot, "loss")


def accuracy_series(snapshot: Snapshot) -> tuple[Series, ...]:
    """Raw and smoothed training accuracy, validation accuracy, best epoch."""
    return _series(snapshot, "accuracy")


def _series(snapshot: Snapshot, what: str) -> tuple[Series, ...]:
    steps, values = snapshot.curve.step, getattr(snapshot.curve, what)
    at = np.array([float(epoch.step) for epoch in snapshot.epochs])
    validation = np.array([float(getattr(epoch, f"validation_{what}")) for epoch in snapshot.epochs])
    best = at == (snapshot.best_epoch.step if snapshot.best_epoch else -1)
    return (
        Series("windows", steps, values, RAW, marker="dot", joined=False, in_range=False),
        Series("training", steps, smoothed(values, width_for(len(values))), TRAINING),
        Series("validation", at, validation, VALIDATION, marker="x", joined=False),
        Series("best", at[best], validation[best], BEST, marker="star", joined=False),
    )
