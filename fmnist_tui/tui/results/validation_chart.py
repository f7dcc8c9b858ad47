"""The validation curves of several runs in one chart."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from textual.theme import Theme

from fmnist_tui.analysis.reference import ValidationCurve
from fmnist_tui.runs.directory import version_in
from fmnist_tui.tui.results.comparison import Compared
from fmnist_tui.tui.themes import chart_colours, faded, model_colour
from fmnist_tui.tui.widgets.chart import Chart
from fmnist_tui.tui.widgets.drawing import Axes, Series

MEASURES = {"nll": "validation NLL", "accuracy": "validation accuracy"}
_REFERENCE = 0.7
_FIRST = 0.08
"""The fraction of the epochs at the start that the y axis need not make room for."""


def validation_series(
    curves: Mapping[str, ValidationCurve],
    names: Mapping[str, str],
    measure: str,
    theme: Theme,
    *,
    is_reference: bool = False,
) -> tuple[Series, ...]:
    """A line for each run over its epochs, in its model's colour; a second run of a model is dashed.

    Args:
        curves: By the runs' ids, at most `comparison.MAX_CURVES`.
        names: What to call them, by the same ids.
        measure: "nll", which all models share, or "accuracy".
        theme: What the colours stand out from.
        is_reference: Whether these are the reference runs, which are drawn fainter.
    """
    drawn: list[Series] = []
    used: set[str] = set()
    longest = max((one.epoch[-1] for one in curves.values() if one.epoch), default=1)
    for run, curve in curves.items():
        model = version_in(run)
        x, y = np.array(curve.epoch, np.float64), np.array(getattr(curve, measure), np.float64)
        colour = model_colour(model, theme)
        colour = faded(colour, theme, _REFERENCE) if is_reference else colour
        start = min(1 + _FIRST * longest, x[-1]) if len(x) else 1.0
        name, is_second = names[run], model in used
        drawn.append(Series(name, x, y, colour, dashed=is_second, range_from=float(start), end=name))
        used.add(model)
    return tuple(drawn)


def show_curves(chart: Chart, now: Compared, measure: str) -> None:
    """Shows the compared runs' curves in a chart whose x axis spans the longest run."""
    theme, curves = chart.app.current_theme, now.curves
    is_reference = now.is_reference and not now.drawn
    longest = max((one.epoch[-1] for one in curves.values() if one.epoch), default=2)
    title = f"{'reference ' if is_reference else ''}{MEASURES[measure]}"
    chart.title = f"{title[:1].upper()}{title[1:]}"
    chart.axis_label = "epoch"
    x_range = (1.0, max(2.0, float(longest)))
    chart.axes = Axes(x_range, percent=measure == "accuracy", whole=True, **chart_colours(theme))
    chart.empty_text = "No curve is selected: press r for the runs, then space"
    chart.series = validation_series(curves, now.names, measure, theme, is_reference=is_reference)
