"""A run's curves in a viewport: axis, smoothing, zoom, cursor, overlay."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.models.registry import find_model
from fmnist_tui.runs.curve import smoothed, width_for
from fmnist_tui.runs.directory import version_in
from fmnist_tui.runs.fold import Snapshot
from fmnist_tui.tui.widgets.chart import Series

AXES = ("step", "epoch", "time")
_SMOOTHINGS = (0, 1, 2, 4)
_ZOOM = 1.5
_PAN = 0.25
_SMALLEST_FRACTION = 0.002
_ROUNDING = 1e-9


@dataclass(frozen=True)
class ChartViewport:
    """What the charts show of a run, and how.

    Attributes:
        axis: What x is: "step", "epoch" or "time".
        log: Whether the loss has a logarithmic axis.
        smoothing: 0 for none, else the width of the moving mean in multiples of the usual.
        steps: First and last step shown, or None for all.
        cursor: The step whose values are shown, or None.
        overlay: The id of another run whose curve is drawn behind this one, or "".
    """

    axis: str = "step"
    log: bool = False
    smoothing: int = 1
    steps: tuple[float, float] | None = None
    cursor: float | None = None
    overlay: str = ""

    def next_axis(self) -> ChartViewport:
        """With the next kind of x axis."""
        return replace(self, axis=AXES[(AXES.index(self.axis) + 1) % len(AXES)])

    def next_smoothing(self) -> ChartViewport:
        """With the next smoothing: none, the usual, twice, four times."""
        following = (_SMOOTHINGS.index(self.smoothing) + 1) % len(_SMOOTHINGS)
        return replace(self, smoothing=_SMOOTHINGS[following])

    def range(self, last: float) -> tuple[float, float]:
        """First and last step shown of a run that is at step `last`."""
        return self.steps or (0.0, max(last, 1.0))

    def zoomed(self, direction: int, last: float) -> ChartViewport:
        """Zoomed in (1) or out (-1) around the cursor, else around the newest step."""
        first, end = self.range(last)
        centre = self.cursor if self.cursor is not None else end
        factor = _ZOOM**-direction
        if (end - first) * factor >= last * (1 - _ROUNDING):
            return replace(self, steps=None)
        if (end - first) * factor < max(2.0, _SMALLEST_FRACTION * last):
            return self
        return replace(self, steps=_within(centre - (centre - first) * factor, centre + (end - centre) * factor, last))

    def panned(self, direction: int, last: float) -> ChartViewport:
        """Moved by a quarter to the right (1) or the left (-1); unchanged where the whole run is shown."""
        if self.steps is None:
            return self
        first, end = self.steps
        by = direction * _PAN * (end - first)
        return replace(self, steps=_within(first + by, end + by, last))

    def with_cursor(self, last: float) -> ChartViewport:
        """With the cursor in the middle of what is shown, or without one."""
        first, end = self.range(last)
        return replace(self, cursor=None if self.cursor is not None else (first + end) / 2)

    def moved(self, columns: int, width: int, last: float) -> ChartViewport:
        """With the cursor moved by some of the chart's `width` columns, within the run; the viewport follows it."""
        if self.cursor is None:
            return self
        first, end = self.range(last)
        target = min(max(self.cursor + columns * (end - first) / max(1, width), 0.0), max(last, 1.0))
        if self.steps is None:
            return replace(self, cursor=target)
        by = min(target - first, 0.0) + max(target - end, 0.0)
        return replace(self, cursor=target, steps=_within(first + by, end + by, last))

    def whole(self) -> ChartViewport:
        """With the whole run shown."""
        return replace(self, steps=None)


def _within(first: float, end: float, last: float) -> tuple[float, float]:
    """The range, moved so that it stays within 0 and `last`."""
    shift = max(0.0, -first) - max(0.0, end - last)
    return first + shift, end + shift


Floats = NDArray[np.float64]

# Okabe and Ito's colours, distinguishable with any kind of colour blindness.
RAW = (140, 140, 140)
TRAINING = (86, 180, 233)
VALIDATION = (230, 159, 0)
BEST = (0, 158, 115)
OVERLAY = (204, 121, 167)
_MAX_MARKS = 40
"""Epochs; more marks would cover the curve, so that a line is drawn instead."""


@dataclass(frozen=True)
class Reading:
    """The values at the cursor; accuracies 0 to 1."""

    step: int
    epoch: int
    loss: float
    accuracy: float
    learning_rate: float
    x: float


def series(
    snapshot: Snapshot, what: str, viewport: ChartViewport, overlay: Snapshot | None = None
) -> tuple[Series, ...]:
    """The series of the chart of `what` ("loss" or "accuracy").

    Raw and smoothed training values, validation after each epoch, the best epoch, and behind them the overlay's
    training values.
    """
    curve = snapshot.curve
    values = getattr(curve, what)
    smoothed_values = _smooth(values, viewport.smoothing) if viewport.smoothing else values
    at = np.array([float(epoch.step) for epoch in snapshot.epochs])
    validation = np.array([float(getattr(epoch, f"validation_{what}")) for epoch in snapshot.epochs])
    best = at == (snapshot.best_epoch.step if snapshot.best_epoch else -1)
    many = len(at) > _MAX_MARKS
    raw = Series("raw", curve.step, values, RAW, marker="dot", joined=False, in_range=False)
    shown = _shown(snapshot, viewport)
    parts = [
        *([raw] if viewport.smoothing else []),
        Series("training", curve.step, smoothed_values, TRAINING),
        Series("validation", at, validation, VALIDATION, marker="hd" if many else "x", joined=many),
        Series("best", at[best], validation[best], BEST, marker="star", joined=False),
    ]
    series_shown = [_on_chart(part, snapshot, viewport.axis, shown) for part in parts]
    if overlay and len(overlay.curve):
        line = _smooth(getattr(overlay.curve, what), max(1, viewport.smoothing))
        name = _overlay_name(overlay.run_id, snapshot.run_id, what)
        behind = Series(name, overlay.curve.step, line, OVERLAY, marker="+", behind=True)
        series_shown.append(
            _on_chart(behind, overlay, viewport.axis, (shown[0], min(shown[1], _reach(snapshot, viewport.axis))))
        )
    return tuple(series_shown)


def reading(snapshot: Snapshot, viewport: ChartViewport) -> Reading | None:
    """The values of the log interval nearest to the cursor."""
    curve = snapshot.curve
    if viewport.cursor is None or not len(curve):
        return None
    row = int(np.abs(curve.step - viewport.cursor).argmin())
    return Reading(
        int(curve.step[row]),
        int(curve.epoch[row]),
        float(curve.loss[row]),
        float(curve.accuracy[row]),
        float(curve.learning_rate[row]),
        float(_on_axis(curve.step[row : row + 1], snapshot, viewport.axis)[0]),
    )


def loss_kind(run_id: str) -> str:
    """The kind of the run's loss, "" if unknown; losses of different kinds can't be compared."""
    known = find_model(version_in(run_id))
    return known.loss.partition(",")[0].partition(" of ")[0] if known else ""


def _smooth(values: Floats, smoothing: int) -> Floats:
    return smoothed(values, smoothing * width_for(len(values)) | 1)


def _overlay_name(overlay: str, run: str, what: str) -> str:
    """The overlaid run's version, the end of its id if both have the same one, and its loss if that differs in kind."""
    version = version_in(overlay)
    if version == version_in(run):
        return f"overlay {version} {overlay[-4:]}"
    other = what == "loss" and loss_kind(overlay) != loss_kind(run)
    return f"overlay {version}{f' ({loss_kind(overlay)})' if other else ''}"


def _shown(snapshot: Snapshot, viewport: ChartViewport) -> tuple[float, float]:
    """The steps shown, on the viewport's axis; without a limit, everything."""
    if viewport.steps is None:
        return -np.inf, np.inf
    first, end = _on_axis(np.array(viewport.steps), snapshot, viewport.axis).tolist()
    return first, end


def _reach(snapshot: Snapshot, axis: str) -> float:
    """Where on the axis the run ends: a longer overlay is cut off there."""
    if snapshot.started is None:
        return np.inf
    return float(_on_axis(np.array([float(snapshot.started.total_steps)]), snapshot, axis)[0])


def _on_chart(part: Series, owner: Snapshot, axis: str, shown: tuple[float, float]) -> Series:
    """The points that are shown, on the axis; each run has its own steps per epoch and its own clock."""
    x = _on_axis(part.x, owner, axis)
    kept = (x >= shown[0]) & (x <= shown[1])
    return part.on(x[kept], part.y[kept])


def _on_axis(steps: Floats, snapshot: Snapshot, axis: str) -> Floats:
    """Steps as they are, as epochs, or as minutes since the trainer's start."""
    if axis == "epoch" and snapshot.started:
        return steps / max(1, snapshot.started.steps_per_epoch)
    if axis == "time" and len(snapshot.curve):
        times = (snapshot.curve.time - snapshot.started_at) / 60
        return np.interp(steps, snapshot.curve.step, times)
    return steps
