"""The curves of many runs in one chart: each run's, or each group's mean with its 95% band."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from weakref import WeakKeyDictionary

import numpy as np
from textual.theme import Theme

from fmnist_tui.analysis.bands import band
from fmnist_tui.analysis.watched_runs import WatchedRun, without_repeats
from fmnist_tui.models.registry import BUILT_IN
from fmnist_tui.text import percent
from fmnist_tui.tui.cells import cut
from fmnist_tui.tui.themes import chart_colours, faded, model_colour
from fmnist_tui.tui.widgets.drawing import Axes, Floats, Series

MEASURES = {"accuracy": "Validation accuracy", "nll": "Validation NLL"}
"""What the chart shows; NLL is comparable between models whose losses differ."""
MOST_CURVES = 60
_CLOUD, _BAND = 0.5, 0.35
"""How much of its colour is left in a curve that isn't singled out, and in a band."""
_FIRST = 0.08
"""The fraction of the epochs at the start that the y axis need not make room for."""
_LONGEST = 22
"""Cells of a name at the end of a curve."""


_CURVES: WeakKeyDictionary[WatchedRun, dict[str, tuple[Floats, Floats]]] = WeakKeyDictionary()
"""By measure. A run that goes on is another object after each epoch: the curves before are forgotten with it."""


def curve_of(one: WatchedRun, measure: str) -> tuple[Floats, Floats]:
    """A run's epochs, and the measure after each of them."""
    curves = _CURVES.setdefault(one, {})
    if measure not in curves:
        values = [getattr(epoch, f"validation_{measure}") for epoch in one.epochs]
        curves[measure] = np.array([float(epoch.epoch) for epoch in one.epochs]), np.array(values, np.float64)
    return curves[measure]


def drawn_runs(runs: Sequence[WatchedRun], singled_out: Collection[str]) -> list[WatchedRun]:
    """The runs with a curve that are drawn one by one: those singled out by their ids, then the first of the others."""
    with_curve = [one for one in runs if one.epochs]
    with_curve.sort(key=lambda one: one.run.run_id not in singled_out)
    return with_curve[:MOST_CURVES]


def run_series(
    runs: Sequence[WatchedRun], measure: str, theme: Theme, current: str, pinned: Collection[str], *, alone: bool = True
) -> tuple[Series, ...]:
    """A line for each run in its model's colour, faint but for the current one and those that are pinned.

    Args:
        runs: At most MOST_CURVES.
        measure: A key of `MEASURES`.
        theme: What the colours stand out from.
        current: The id of the run under the cursor, or "".
        pinned: Ids.
        alone: Whether there is nothing but runs in the chart; beside groups they are dashed.
    """
    found: list[Series] = []
    names = _names([one for one in runs if one.run.run_id in (*pinned, current)])
    singled = [one for one in runs if one.run.run_id in names]
    singled.sort(key=lambda one: one.run.run_id == current)
    used: set[str] = set()
    for one in [one for one in runs if one.run.run_id not in names] + singled:
        x, y = curve_of(one, measure)
        run_id, model = one.run.run_id, one.run.version
        colour = model_colour(model, theme)
        if run_id not in names:
            found.append(_line(x, y, faded(colour, theme, _CLOUD), behind=True))
            continue
        end = f"{names[run_id]} {_value(y[-1], measure)}"
        found.append(_line(x, y, colour, dashed=not alone or model in used, end=end))
        used.add(model)
    return tuple(found)


def group_series(
    groups: Mapping[tuple[str, ...], Sequence[WatchedRun]],
    colours: Mapping[tuple[str, ...], str],
    measure: str,
    theme: Theme,
) -> tuple[Series, ...]:
    """For each group the mean of its curves and, behind it, its 95% band.

    The mean goes as far as half of the group's runs do. Runs that repeat others count once. Further groups of a colour
    are dashed.
    """
    bands: list[Series] = []
    means: list[Series] = []
    for key, runs in groups.items():
        found = band([curve_of(one, measure) for one in without_repeats(runs) if one.epochs]).of_most()
        if not len(found.x):
            continue
        x, mean, low, high = found.x, found.mean, found.low, found.high
        has_band = np.isfinite(low)
        if has_band.any():
            edge = _line(x[has_band], low[has_band], faded(colours[key], theme, _BAND), behind=True)
            bands.append(_until(edge, high[has_band]))
        name = cut(" ".join(key), _LONGEST)
        dashed = any(one.colour == colours[key] for one in means)
        means.append(_line(x, mean, colours[key], dashed=dashed, end=f"{name} {_value(mean[-1], measure)}"))
    return (*bands, *means)


def group_colours(groups: Mapping[tuple[str, ...], Sequence[WatchedRun]], theme: Theme) -> dict[tuple[str, ...], str]:
    """A colour for each group: its model's, unless all are of one model or some of several; then different ones."""
    models = {key: {one.run.version for one in runs} for key, runs in groups.items()}
    if all(len(one) == 1 for one in models.values()) and len(set().union(*models.values())) > 1:
        return {key: model_colour(min(models[key]), theme) for key in groups}
    return {key: model_colour(BUILT_IN[number % len(BUILT_IN)], theme) for number, key in enumerate(groups)}


def chart_axes(runs: Sequence[WatchedRun], measure: str, theme: Theme) -> Axes:
    """Axes on which x spans the longest of the runs from the start, so that curves fill it from the left."""
    last = max((max(one.run.manifest.epochs or 0, len(one.epochs)) for one in runs), default=2)
    return Axes((1.0, max(2.0, float(last))), percent=measure == "accuracy", whole=True, **chart_colours(theme))


def _line(x: Floats, y: Floats, colour: str, *, behind: bool = False, dashed: bool = False, end: str = "") -> Series:
    start = min(1 + _FIRST * x[-1], x[-1])
    return Series("", x, y, colour, dashed=dashed, behind=behind, range_from=float(start), end=end)


def _until(edge: Series, until: Floats) -> Series:
    return Series("", edge.x, edge.y, edge.colour, behind=True, range_from=edge.range_from, until=until)


def _value(value: float, measure: str) -> str:
    return percent(float(value), 1) if measure == "accuracy" else f"{value:.3f}"


def _names(runs: Sequence[WatchedRun]) -> dict[str, str]:
    """A short name for each run by its id: label, or model and seed, and part of the id where two share a name."""
    names = {one.run.run_id: one.run.label or f"{one.run.version} s{one.run.seed}" for one in runs}
    used = list(names.values())
    return {
        run: f"{cut(name, _LONGEST)} {run[-4:]}" if used.count(name) > 1 else cut(name, _LONGEST)
        for run, name in names.items()
    }
