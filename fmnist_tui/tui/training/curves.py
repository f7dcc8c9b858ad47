"""A run's curves in a viewport: axis, smoothing, zoom, cursor, and the curves of other runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from textual.theme import Theme

from fmnist_tui.models.registry import find_model
from fmnist_tui.models.spec import ModelSpec
from fmnist_tui.runs.curve import smoothed, width_for
from fmnist_tui.runs.directory import version_in
from fmnist_tui.runs.fold import Snapshot
from fmnist_tui.tui.themes import chart_colours, faded, model_colour
from fmnist_tui.tui.widgets.drawing import Axes, Series

AXES = ("epoch", "step", "time")
_SMOOTHINGS = (0, 1, 2, 4)
_ZOOM = 1.5
_PAN = 0.25
_SMALLEST_FRACTION = 0.002
_ROUNDING = 1e-9
_RAW, _TRAINING = 0.25, 0.55
"""How much of the model's colour is left in its noisy log intervals, and in its training curve."""
_SETTLED = 0.3
"""Fraction of the steps so far whose fall from the start the y axis need not show, up to one epoch."""


@dataclass(frozen=True)
class ChartViewport:
    """What the charts show of a run, and how.

    Attributes:
        axis: What x is: "epoch", "step" or "time".
        log: Whether the loss has a logarithmic axis.
        smoothing: 0 for none, else the width of the moving mean in multiples of the usual.
        steps: First and last step shown, or None for all.
        cursor: The step whose values are shown, or None.
    """

    axis: str = "epoch"
    log: bool = False
    smoothing: int = 1
    steps: tuple[float, float] | None = None
    cursor: float | None = None

    def next_axis(self) -> ChartViewport:
        """With the next kind of x axis."""
        return replace(self, axis=AXES[(AXES.index(self.axis) + 1) % len(AXES)])

    def next_smoothing(self) -> ChartViewport:
        """With the next smoothing: none, the usual, twice, four times."""
        following = (_SMOOTHINGS.index(self.smoothing) + 1) % len(_SMOOTHINGS)
        return replace(self, smoothing=_SMOOTHINGS[following])

    def range(self, last: float) -> tuple[float, float]:
        """First and last step shown of a run that will be `last` steps long."""
        return self.steps or (0.0, max(last, 1.0))

    def zoomed(self, direction: int, last: float, newest: float, at: float | None = None) -> ChartViewport:
        """Zoomed in (1) or out (-1): around the fraction `at` of the chart's width, the cursor, or the newest step."""
        first, end = self.range(last)
        centre = self.cursor if self.cursor is not None else min(newest, end)
        centre = centre if at is None else first + at * (end - first)
        factor = _ZOOM**-direction
        if (end - first) * factor >= last * (1 - _ROUNDING):
            return replace(self, steps=None)
        if (end - first) * factor < max(2.0, _SMALLEST_FRACTION * last):
            return self
        return replace(self, steps=_within(centre - (centre - first) * factor, centre + (end - centre) * factor, last))

    def panned(self, by: float, last: float) -> ChartViewport:
        """Moved to the right by the fraction `by` of what is shown; unchanged where the whole run is shown."""
        if self.steps is None:
            return self
        first, end = self.steps
        return replace(self, steps=_within(first + by * (end - first), end + by * (end - first), last))

    def stepped(self, direction: int, last: float) -> ChartViewport:
        """Panned by a quarter to the right (1) or the left (-1)."""
        return self.panned(direction * _PAN, last)

    def with_cursor(self, last: float, newest: float) -> ChartViewport:
        """With the cursor in the middle of the curve that is shown, or without one."""
        first, end = self.range(last)
        return replace(self, cursor=None if self.cursor is not None else (first + min(end, max(newest, first))) / 2)

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


@dataclass(frozen=True)
class Reading:
    """The values at the cursor; accuracies 0 to 1."""

    step: int
    epoch: int
    loss: float
    accuracy: float
    learning_rate: float
    x: float


def last_step(snapshot: Snapshot) -> float:
    """How many steps the run takes in all, as far as that is known."""
    return float(max(snapshot.started.total_steps if snapshot.started else 0, snapshot.step, 1))


def axes(snapshot: Snapshot, what: str, viewport: ChartViewport, read: Reading | None, theme: Theme) -> Axes:
    """The axes of the chart of `what`: x spans the whole run from the start, so that curves fill it from the left."""
    steps = np.array(viewport.range(last_step(snapshot)))
    first, end = _on_axis(steps, snapshot, viewport.axis).tolist()
    return Axes(
        x_range=(first, end),
        log=viewport.log and what == "loss",
        percent=what == "accuracy",
        cursor=read.x if read else None,
        whole=viewport.axis != "time",
        **chart_colours(theme),
    )


def series(
    snapshot: Snapshot, what: str, viewport: ChartViewport, theme: Theme, overlays: Sequence[Snapshot] = ()
) -> tuple[Series, ...]:
    """The series of the chart of `what` ("loss" or "accuracy").

    The model's colour is validation after each epoch, dimmed it is training: faint log intervals and, dashed, their
    moving average. A star is on the best epoch. Behind them are other runs' validation curves, dashed where it is the
    same model; one without an epoch yet shows its training curve.
    """
    model = version_in(snapshot.run_id)
    colour = model_colour(model, theme)
    curve, settled = snapshot.curve, _settled(snapshot, viewport)
    values = getattr(curve, what)
    line = _smooth(values, viewport.smoothing) if viewport.smoothing else values
    at, validation = _validation(snapshot, what)
    raw = Series("", curve.step, values, faded(colour, theme, _RAW), joined=False, range_from=math.inf, behind=True)
    parts = [
        *([raw] if viewport.smoothing else []),
        Series("training", curve.step, line, faded(colour, theme, _TRAINING), dashed=True, range_from=settled),
        Series("validation", at, validation, colour, end=value_label(validation, what)),
    ]
    if snapshot.best_epoch is not None:
        best = at == snapshot.best_epoch.step
        parts.append(Series("best", at[best], validation[best], colour, marker="★", joined=False))
    x = _on_axis(curve.step, snapshot, viewport.axis)  # once: it is as long as the log
    found = [part.on(x, part.y) if part.x is curve.step else on_chart(part, snapshot, viewport) for part in parts]
    used = {model}
    for other in overlays:
        found.append(_overlay(other, what, viewport, theme, used, loss_kind(snapshot.run_id)))
        used.add(version_in(other.run_id))
    return tuple(found)


def _overlay(other: Snapshot, what: str, viewport: ChartViewport, theme: Theme, used: set[str], kind: str) -> Series:
    model = version_in(other.run_id)
    x, y = _validation(other, what)
    if not len(x):
        x, y = other.curve.step, _smooth(getattr(other.curve, what), max(1, viewport.smoothing))
    unlike = what == "loss" and loss_kind(other.run_id) != kind
    name = f"{model} {other.run_id[-4:]}" if model in used else model
    name = f"{name} ({loss_kind(other.run_id)})" if unlike else name
    line = Series(name, x, y, model_colour(model, theme), dashed=model in used, behind=True, end=model)
    settled = math.inf if unlike else _settled(other, viewport)
    return replace(on_chart(line, other, viewport), range_from=settled)


def _validation(snapshot: Snapshot, what: str) -> tuple[Floats, Floats]:
    """The steps at which epochs end, and the values that were validated there."""
    at = np.array([float(epoch.step) for epoch in snapshot.epochs])
    return at, np.array([float(getattr(epoch, f"validation_{what}")) for epoch in snapshot.epochs])


def value_label(values: Floats, what: str) -> str:
    """The last of the values of "loss" or "accuracy", short; "" if there is none."""
    if not len(values):
        return ""
    return f"{100 * values[-1]:.1f}%" if what == "accuracy" else f"{values[-1]:.3f}"


def _settled(snapshot: Snapshot, viewport: ChartViewport) -> float:
    """The x from which on the y axis makes room for the training curve: without the fall of the first epoch."""
    if viewport.steps is not None or snapshot.started is None:
        return -math.inf
    step = min(float(snapshot.started.steps_per_epoch), _SETTLED * snapshot.step)
    return float(_on_axis(np.array([step]), snapshot, viewport.axis)[0])


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
    """The kind of the run's loss; losses of different kinds can't be compared."""
    known = find_model(version_in(run_id))
    loss = known.loss if known else ModelSpec.loss  # every custom model's
    return loss.partition(",")[0].partition(" of ")[0]


def _smooth(values: Floats, smoothing: int) -> Floats:
    return smoothed(values, smoothing * width_for(len(values)) | 1)


def on_chart(part: Series, owner: Snapshot, viewport: ChartViewport) -> Series:
    """The points on the axis; each run has its own steps per epoch and its own clock."""
    return part.on(_on_axis(part.x, owner, viewport.axis), part.y)


def _on_axis(steps: Floats, snapshot: Snapshot, axis: str) -> Floats:
    """Steps as they are, as epochs, or as minutes since the trainer's start."""
    if axis == "epoch" and snapshot.started:
        return steps / max(1, snapshot.started.steps_per_epoch)
    if axis == "time" and len(snapshot.curve):
        times = (snapshot.curve.time - snapshot.started_at) / 60
        return np.interp(steps, snapshot.curve.step, times)
    return steps
