"""Figures for a report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis.rendering import drawable, house_style
from fmnist_tui.analysis.smoothing import smoothed, width_for
from fmnist_tui.models.catalogue import find_version
from fmnist_tui.runs.snapshot import Snapshot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Values = NDArray[np.float64]

# Okabe and Ito's palette, which colour-blind people tell apart; marks and lines differ as well.
WINDOWS_COLOUR = "#56B4E9"
TRAINING_COLOUR = "#0072B2"
VALIDATION_COLOUR = "#D55E00"
BEST_COLOUR = "#000000"

_LARGEST = 1e12
"""Past it a loss is as good as infinite, and is drawn as little."""
_START = 50
"""The first of so many parts of a curve is its start, whose losses would press the rest flat."""


def loss_figure(snapshot: Snapshot, title: str) -> Figure:
    """The run's losses above its accuracies, over the steps.

    The windows' means lie light behind a smoothed line; validation is a point an epoch; the epoch with the best
    validation accuracy is marked. Values that are not finite are left out.

    Args:
        snapshot: Of the run, at any moment.
        title: One or more lines, drawn letter by letter.
    """
    from matplotlib.figure import Figure

    curve, epochs = snapshot.curve, snapshot.epochs
    with house_style():
        figure = Figure(figsize=(8, 7), layout="constrained")
        losses, accuracies = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        figure.suptitle(drawable(title), parse_math=False)
        _draw(losses, snapshot, _clean(curve.loss), _clean(epoch.validation_loss for epoch in epochs))
        shares = _clean(curve.accuracy), _clean(epoch.validation_accuracy for epoch in epochs)
        _draw(accuracies, snapshot, 100 * shares[0], 100 * shares[1])
        losses.set_ylabel(_loss_label(snapshot), fontsize=9)
        losses.legend(frameon=False, loc="best")  # matplotlib warns of its default on a slow machine
        accuracies.set_ylabel("accuracy (%)", fontsize=9)
        accuracies.set_xlabel(_step_label(snapshot), fontsize=9)
    return figure


def _draw(axes: Axes, snapshot: Snapshot, windows: Values, validation: Values) -> None:
    """One panel: windows, their smoothed line, validation, the best epoch."""
    steps, ends = _clean(snapshot.curve.step), _clean(epoch.step for epoch in snapshot.epochs)
    line = smoothed(windows, width_for(len(windows)))
    lone = "." if len(windows) == 1 else ""
    axes.plot(steps, windows, lone, color=WINDOWS_COLOUR, linewidth=0.5, alpha=0.6, label="training, each window")
    axes.plot(steps, line, color=TRAINING_COLOUR, linewidth=1.6, label="training, smoothed")
    axes.plot(ends, validation, "o--", color=VALIDATION_COLOUR, markersize=4, linewidth=0.8, label="validation")
    if best := snapshot.best_epoch:
        place = snapshot.epochs.index(best)
        label = f"best validation accuracy: epoch {best.epoch}"
        ring, *_ = axes.plot(ends[place], validation[place], "o", color=BEST_COLOUR, markersize=11, label=label)
        ring.set(markerfacecolor="none", markeredgewidth=1.6)
    axes.grid(alpha=0.25)
    _look_past_the_start(axes, windows, validation)


def _look_past_the_start(axes: Axes, windows: Values, validation: Values) -> None:
    """Fits the axis to all but the curve's start, and says so where that cuts something off."""
    kept = np.concatenate([windows[len(windows) // _START :], validation])
    kept = kept[np.isfinite(kept)]
    if len(kept) == 0:
        return
    low, high = float(kept.min()), float(kept.max())
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    axes.set_ylim(low - margin, high + margin)
    above, below = int((windows > high + margin).sum()), int((windows < low - margin).sum())
    if above or below:
        where, height = ("above", 0.03) if above > below else ("below", 0.93)
        note = f"{above + below} windows at the start lie {where}"
        axes.annotate(note, (0.01, height), xycoords="axes fraction", fontsize=8, color="#555555")


def _clean(values: Iterable[float]) -> Values:
    """The values as an array, NaN where one can't be drawn."""
    return np.array([value if abs(value) < _LARGEST else np.nan for value in values], np.float64)


def _loss_label(snapshot: Snapshot) -> str:
    """The loss by name: versions that follow different ones are not to be compared by it."""
    known = find_version(snapshot.started.version) if snapshot.started else None
    return f"loss\n({known.loss})" if known else "loss"


def _step_label(snapshot: Snapshot) -> str:
    return f"step ({snapshot.started.steps_per_epoch} an epoch)" if snapshot.started else "step"
