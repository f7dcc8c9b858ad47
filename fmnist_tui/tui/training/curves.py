"""One run's curves as they are viewed: axis, smoothing, zoom, cursor, overlay."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.analysis.smoothing import smoothed, width_for
from fmnist_tui.models.registry import find_model
from fmnist_tui.runs.directory import version_in
from fmnist_tui.runs.fold import Snapshot
from fmnist_tui.tui.widgets.chart import Series

AXES = ("step", "epoch", "time")
_SMOOTHINGS = (0, 1, 2, 4)
_ZOOM = 1.5
_PAN = 0.25
_SMALLEST_SHARE = 0.002
_ROUNDING = 1e-9


@dataclass(frozen=True)
class View:
    """A way to look at a run.

    Attributes:
        axis: What x stands for: "step", "epoch" or "time".
        log: Whether the loss has a logarithmic axis.
        smoothing: 0 for none, else how many times the usual width the mean is taken over.
        window: First and last step shown, or None for all.
        cursor: The step whose values are read, or None.
        ghost: The id of another run that is drawn behind this one, or "".
    """

    axis: str = "step"
    log: bool = False
    smoothing: int = 1
    window: tuple[float, float] | None = None
    cursor: float | None = None
    ghost: str = ""

    def next_axis(self) -> View:
        """The next meaning of x."""
        return replace(self, axis=AXES[(AXES.index(self.axis) + 1) % len(AXES)])

    def next_smoothing(self) -> View:
        """None, the usual, twice, four times."""
        following = (_SMOOTHINGS.index(self.smoothing) + 1) % len(_SMOOTHINGS)
        return replace(self, smoothing=_SMOOTHINGS[following])

    def range(self, last: float) -> tuple[float, float]:
        """First and last step shown of a run that has come to step `last`."""
        return self.window or (0.0, max(last, 1.0))

    def zoomed(self, direction: int, last: float) -> View:
        """Closer (1) or further away (-1), about the cursor, else about the newest step."""
        first, end = self.range(last)
        centre = self.cursor if self.cursor is not None else end
        factor = _ZOOM**-direction
        if (end - first) * factor >= last * (1 - _ROUNDING):
            return replace(self, window=None)
        if (end - first) * factor < max(2.0, _SMALLEST_SHARE * last):
            return self
        return replace(self, window=_within(centre - (centre - first) * factor, centre + (end - centre) * factor, last))

    def panned(self, direction: int, last: float) -> View:
        """A quarter of the window to the right (1) or the left (-1); all of a run has nowhere to go."""
        if self.window is None:
            return self
        first, end = self.window
        by = direction * _PAN * (end - first)
        return replace(self, window=_within(first + by, end + by, last))

    def with_cursor(self, last: float) -> View:
        """The cursor in the middle of what is shown, or none."""
        first, end = self.range(last)
        return replace(self, cursor=None if self.cursor is not None else (first + end) / 2)

    def moved(self, columns: int, width: int, last: float) -> View:
        """The cursor some of the chart's `width` columns along, within the run; the window goes with it."""
        if self.cursor is None:
            return self
        first, end = self.range(last)
        target = min(max(self.cursor + columns * (end - first) / max(1, width), 0.0), max(last, 1.0))
        if self.window is None:
            return replace(self, cursor=target)
        by = min(target - first, 0.0) + max(target - end, 0.0)
        return replace(self, cursor=target, window=_within(first + by, end + by, last))

    def whole(self) -> View:
        """All of the run."""
        return replace(self, window=None)


def _within(first: float, end: float, last: float) -> tuple[float, float]:
    """The window, moved so that it stays within 0 and `last`."""
    shift = max(0.0, -first) - max(0.0, end - last)
    return first + shift, end + shift


Floats = NDArray[np.float64]

# Okabe and Ito's colours, which people with any kind of colour blindness can tell apart.
RAW = (140, 140, 140)
TRAINING = (86, 180, 233)
VALIDATION = (230, 159, 0)
BEST = (0, 158, 115)
GHOST = (204, 121, 167)
_MOST_MARKS = 40
"""Epochs; the marks of more would cover the curve that they stand on, and are a line instead."""


@dataclass(frozen=True)
class Reading:
    """The values at the cursor; accuracies 0 to 1."""

    step: int
    epoch: int
    loss: float
    accuracy: float
    learning_rate: float
    x: float


def series(snapshot: Snapshot, what: str, view: View, ghost: Snapshot | None = None) -> tuple[Series, ...]:
    """What the chart of `what` ("loss" or "accuracy") shows.

    Raw and smoothed training values, validation after each epoch, the best epoch, and the ghost's training behind.
    """
    curve = snapshot.curve
    values = getattr(curve, what)
    quiet = _quiet(values, view.smoothing) if view.smoothing else values
    at = np.array([float(epoch.step) for epoch in snapshot.epochs])
    validation = np.array([float(getattr(epoch, f"validation_{what}")) for epoch in snapshot.epochs])
    best = at == (snapshot.best_epoch.step if snapshot.best_epoch else -1)
    many = len(at) > _MOST_MARKS
    raw = Series("raw", curve.step, values, RAW, marker="dot", joined=False, in_range=False)
    shown = _shown(snapshot, view)
    parts = [
        *([raw] if view.smoothing else []),
        Series("training", curve.step, quiet, TRAINING),
        Series("validation", at, validation, VALIDATION, marker="hd" if many else "x", joined=many),
        Series("best", at[best], validation[best], BEST, marker="star", joined=False),
    ]
    placed = [_placed(part, snapshot, view.axis, shown) for part in parts]
    if ghost and len(ghost.curve):
        line = _quiet(getattr(ghost.curve, what), max(1, view.smoothing))
        name = _ghost_name(ghost.run_id, snapshot.run_id, what)
        behind = Series(name, ghost.curve.step, line, GHOST, marker="+", behind=True)
        placed.append(_placed(behind, ghost, view.axis, (shown[0], min(shown[1], _reach(snapshot, view.axis)))))
    return tuple(placed)


def reading(snapshot: Snapshot, view: View) -> Reading | None:
    """The window nearest to the cursor."""
    curve = snapshot.curve
    if view.cursor is None or not len(curve):
        return None
    row = int(np.abs(curve.step - view.cursor).argmin())
    return Reading(
        int(curve.step[row]),
        int(curve.epoch[row]),
        float(curve.loss[row]),
        float(curve.accuracy[row]),
        float(curve.learning_rate[row]),
        float(_on_axis(curve.step[row : row + 1], snapshot, view.axis)[0]),
    )


def loss_kind(run_id: str) -> str:
    """Which loss the run's is, "" where nobody knows; v0's can't be compared with that of v1 to v3."""
    known = find_model(version_in(run_id))
    return known.loss.partition(",")[0].partition(" of ")[0] if known else ""


def _quiet(values: Floats, smoothing: int) -> Floats:
    return smoothed(values, smoothing * width_for(len(values)) | 1)


def _ghost_name(ghost: str, run: str, what: str) -> str:
    """Its version, the end of its id where the run's is the same, and its loss where that is of another kind."""
    version = version_in(ghost)
    if version == version_in(run):
        return f"ghost {version} {ghost[-4:]}"
    other = what == "loss" and loss_kind(ghost) != loss_kind(run)
    return f"ghost {version}{f' ({loss_kind(ghost)})' if other else ''}"


def _shown(snapshot: Snapshot, view: View) -> tuple[float, float]:
    """The view's window on its axis; without one, everything."""
    if view.window is None:
        return -np.inf, np.inf
    first, end = _on_axis(np.array(view.window), snapshot, view.axis).tolist()
    return first, end


def _reach(snapshot: Snapshot, axis: str) -> float:
    """How far along the axis the run is to go: a longer ghost would leave it no room."""
    if snapshot.started is None:
        return np.inf
    return float(_on_axis(np.array([float(snapshot.started.total_steps)]), snapshot, axis)[0])


def _placed(part: Series, owner: Snapshot, axis: str, shown: tuple[float, float]) -> Series:
    """The points on the axis, as far as they are shown; each run has its own steps per epoch and its own clock."""
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
