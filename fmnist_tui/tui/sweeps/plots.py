"""Validation accuracy over each searched setting, a point for each trial."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from textual.theme import Theme

from fmnist_tui.sweeps.space import Dimension
from fmnist_tui.sweeps.sweep import Sweep, TrialRow
from fmnist_tui.tui.themes import chart_colours, faded, model_colour
from fmnist_tui.tui.widgets.drawing import Axes, Series, log_label, log_ticks

_PALE, _DIM = 0.45, 0.7
_MARGIN = 0.04
"""Of the axis, on both sides: a point at its end would lie on the frame."""
_MOST_TICKS = 6
_LONGEST = 12
"""Characters of a choice below the axis."""


def axis_label(dimension: Dimension) -> str:
    """What is written below a chart."""
    return f"{dimension.name}{', log axis' if dimension.is_log else ''}"


def accuracy_series(sweep: Sweep, dimension: Dimension, theme: Theme) -> tuple[Series, ...]:
    """The trials as points: paler the earlier halving has paused them, a star on the best one."""
    colour = model_colour(sweep.directory.config.version, theme)
    place = _placing(dimension)
    known = [row for row in sweep.rows if row.accuracy is not None and row.status not in ("failed", "diverged")]
    last = len(sweep.rungs)
    first = [row for row in known if row.rung <= 1 < last]
    middle = [row for row in known if 1 < row.rung < last]
    whole = [row for row in known if row.rung == last]
    best = [row for row in known if row.number == sweep.best]
    return tuple(
        _points(name, rows, place, dimension, colour=faded(colour, theme, fraction), marker=marker)
        for name, rows, fraction, marker in (
            (f"epoch {sweep.rungs[0]}", first, _PALE, "○"),
            ("promoted", middle, _DIM, "◆"),
            ("all epochs", whole, 1.0, "●"),
            ("best", best, 1.0, "★"),
        )
        if rows
    )


def accuracy_axes(dimension: Dimension, theme: Theme) -> Axes:
    """The x axis spans the searched range; a logarithmic search has a logarithmic axis."""
    place = _placing(dimension)
    ends = [place(value) for value in dimension.choices] or [place(dimension.low), place(dimension.high)]
    low, high = min(ends), max(ends)
    margin = (high - low or 1.0) * _MARGIN
    ticks: tuple[tuple[float, str], ...] = ()
    if dimension.is_log:
        ticks = tuple((exponent, log_label(exponent)) for exponent in log_ticks(low, high, _MOST_TICKS))
    elif not _is_numeric(dimension):
        texts = [dimension.option.write(value)[:_LONGEST] for value in dimension.choices]
        ticks = tuple((float(index), text) for index, text in enumerate(texts))
    return Axes(x_range=(low - margin, high + margin), percent=True, x_ticks=ticks, **chart_colours(theme))


def _points(
    name: str,
    rows: Sequence[TrialRow],
    place: Callable[[Any], float],
    dimension: Dimension,
    *,
    colour: str,
    marker: str,
) -> Series:
    found = sorted((place(_value(row, dimension)), row.accuracy or 0.0) for row in rows)
    x, y = (np.array(part, dtype=np.float64) for part in zip(*found, strict=True))
    return Series(name, x, y, colour, marker=marker, joined=False)


def _value(row: TrialRow, dimension: Dimension) -> Any:
    value = row.settings.get(dimension.name)
    return tuple(value) if isinstance(value, list) else value


def _placing(dimension: Dimension) -> Callable[[Any], float]:
    """Where a value is on the x axis; one that a damaged file has is left out."""
    if not _is_numeric(dimension):
        return lambda value: float(dimension.choices.index(value)) if value in dimension.choices else math.nan
    if dimension.is_log:
        return lambda value: math.log10(value) if _is_number(value) and value > 0 else math.nan
    return lambda value: float(value) if _is_number(value) else math.nan


def _is_numeric(dimension: Dimension) -> bool:
    return all(map(_is_number, dimension.choices))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
