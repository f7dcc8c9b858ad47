"""The claims as charts: what each one draws, from the user's measurements and those of the reference runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from textual.theme import Theme

from fmnist_tui.analysis.probes import permuted
from fmnist_tui.analysis.probes.claims import CNNS, SMALL
from fmnist_tui.analysis.probes.convergence import EARLY
from fmnist_tui.models.looks import look_of
from fmnist_tui.text import percent
from fmnist_tui.tui.themes import chart_colours, faded, model_colour
from fmnist_tui.tui.why.pages import Page
from fmnist_tui.tui.widgets.bar_chart import Bar, Scale
from fmnist_tui.tui.widgets.drawing import Axes, Series

REFERENCE = "reference"
_PALE, _DIM = 0.45, 0.55
"""How much is left of a model's colour in the reference beside one's own, and in the second of two of its values."""
_ROOM = 0.12
"""Fraction of a chart's width that is left free for the names at the ends of curves."""
_ROOM_FOR_COUNT = 0.4
"""The same, of the distance between the points, for names with a number."""
_SHORT = 10
"""An axis of fewer epochs has a tick for each."""
_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curves:
    """Curves or points.

    Attributes:
        caption: What y and x are.
        series: What is drawn.
        axes: On these axes.
    """

    caption: str
    series: tuple[Series, ...]
    axes: Axes


@dataclass(frozen=True)
class Bars:
    """Bars.

    Attributes:
        caption: What they measure.
        bars: From top to bottom.
        scale: Below them.
    """

    caption: str
    bars: tuple[Bar, ...]
    scale: Scale


Figure = Curves | Bars


def figures(page: Page, theme: Theme) -> list[tuple[Figure, ...]]:
    """The charts of each of the page's claims, in their order: one, or two side by side, or none."""
    return [make(page, theme) for make, _ in zip(_OF_CLAIMS, page.claims, strict=True)]


def _spatial(page: Page, theme: Theme) -> tuple[Figure, ...]:
    main, pale = page.layers("permuted")
    bars = []
    for model in permuted.VERSIONS:
        ink = model_colour(model, theme)
        for name, key, fraction in (("in place", "plain_test", 1.0), ("permuted", "permuted_test", _DIM)):
            value, reference = _error(main.get(model), key), _error(pale.get(model), key)
            bar = _bar(f"{model} {name}", value, reference, ink, percent, theme)
            bars.append(
                replace(bar, colour=faded(bar.colour, theme, fraction), ink=bar.ink or ink, joined=fraction < 1)
            )
    caption = "Test error, pixels in place / permuted"
    return (Bars(caption, tuple(bars), _scale(theme, unit="%", factor=100)),)


def _error(found: permuted.Permuted | None, key: str) -> float | None:
    return None if found is None else 1.0 - float(getattr(found, key))


def _efficiency(page: Page, theme: Theme) -> tuple[Figure, ...]:
    main, pale = page.layers("efficiency")
    return (
        _scatter("Test accuracy over parameters", "parameters", main, pale, theme),
        _scatter("Test accuracy over MACs per image", "macs", main, pale, theme),
    )


def _scatter(caption: str, attribute: str, main: Mapping[str, Any], pale: Mapping[str, Any], theme: Theme) -> Curves:
    """A point for each model over the logarithm of its cost."""
    series = []
    for model, one in pale.items():
        point = _point(one, attribute)
        colour = faded(model_colour(model, theme), theme, _PALE)
        series.append(Series("", *point, colour, marker="○", joined=False, behind=True))
    for model, one in main.items():
        look = look_of(model)
        end = f"{model} {short_count(getattr(one, attribute))}"
        series.append(
            Series(model, *_point(one, attribute), model_colour(model, theme), look.marker, joined=False, end=end)
        )
    x = [one.x[0] for one in series]
    y = [one.y[0] for one in series]
    first, last = min(x) - 0.2, max(x)
    last += (last - first) * _ROOM_FOR_COUNT
    margin = max(0.005, (max(y) - min(y)) * 0.2)
    axes = Axes(
        x_range=(first, last),
        y_range=(min(y) - margin, min(1.0, max(y) + margin)),
        percent=True,
        x_ticks=tuple((at, short_count(10**at)) for at in range(math.ceil(first), math.floor(last) + 1)),
        **chart_colours(theme),
    )
    return Curves(caption, tuple(series), axes)


def _point(one: Any, attribute: str) -> tuple[_Floats, _Floats]:
    return np.array([math.log10(getattr(one, attribute))]), np.array([float(one.accuracy)])


def _shifts(page: Page, theme: Theme) -> tuple[Figure, ...]:
    main, pale = page.layers("shifts")
    series = _lines({model: one.mean for model, one in pale.items()}, theme, first=0, pale=True)
    curves = {model: one.mean for model, one in main.items()}
    series += _lines(curves, theme, first=0)
    for model, mean in curves.items():
        x, y = _enumerated(mean, 0)
        series.append(Series("", x, y, model_colour(model, theme), look_of(model).marker, joined=False))
    last = len(next(iter(main.values())).mean) - 1
    caption = "Test accuracy over shift in pixels"
    ticks = tuple((float(by), str(by)) for by in range(last + 1))
    axes = Axes(x_range=(0.0, last * (1 + _ROOM)), percent=True, x_ticks=ticks, **chart_colours(theme))
    return (Curves(caption, tuple(series), axes),)


def _lines(curves: Mapping[str, Sequence[float]], theme: Theme, *, first: int, pale: bool = False) -> list[Series]:
    """A line for each model, with its name at the end; pale ones are dashed, and named once."""
    found: list[Series] = []
    for model, values in curves.items():
        x, y = _enumerated(values, first)
        colour = model_colour(model, theme)
        if pale:
            name = "" if found else REFERENCE
            found.append(Series(name, x, y, faded(colour, theme, _PALE), dashed=True, behind=True))
        else:
            found.append(Series(model, x, y, colour, end=model))
    return found


def _enumerated(values: Sequence[float], first: int) -> tuple[_Floats, _Floats]:
    return np.arange(first, first + len(values), dtype=np.float64), np.array(values, dtype=np.float64)


def _gap(page: Page, theme: Theme) -> tuple[Figure, ...]:
    caption = "Validation NLL minus training NLL"
    return (_model_bars(caption, page.layers("fit"), lambda fit: float(fit.nll_gap), "+.4f", theme),)


def _model_bars(
    caption: str,
    layers: tuple[Mapping[str, Any], Mapping[str, Any]],
    value_of: Callable[[Any], float],
    form: str,
    theme: Theme,
) -> Bars:
    """A bar for each model."""
    main, pale = layers
    bars = []
    for model in sorted({*main, *pale}):
        value, reference = (value_of(layer[model]) if model in layer else None for layer in layers)
        bars.append(_bar(model, value, reference, model_colour(model, theme), f"{{:{form}}}".format, theme))
    return Bars(caption, tuple(bars), _scale(theme))


def _bar(
    label: str,
    value: float | None,
    reference: float | None,
    colour: str,
    text_of: Callable[[float], str],
    theme: Theme,
) -> Bar:
    """A bar with a mark for the reference; where only the reference is known, that is the bar, and pale."""
    if value is None and reference is not None:
        return Bar(label, reference, faded(colour, theme, _PALE), f"{text_of(reference)} {REFERENCE}", ink=colour)
    return Bar(label, value, colour, "" if value is None else text_of(value), reference)


def _rapid(page: Page, theme: Theme) -> tuple[Figure, ...]:
    main, pale = (layer.get(CNNS[-1]) for layer in page.layers("convergence", CNNS[-1]))
    colour = model_colour(CNNS[-1], theme)
    bars = []
    for label, key in (("first", "first_loss"), (f"step {EARLY}", "early_loss"), ("last", "end_loss")):
        value, reference = (getattr(one, key) if one else None for one in (main, pale))
        bars.append(_bar(label, value, reference, colour, "{:.3f}".format, theme))
    return (Bars(f"Training loss of {CNNS[-1]}", tuple(bars), _scale(theme)),)


def _by_epoch(page: Page, theme: Theme, *, training: bool) -> tuple[Figure, ...]:
    """The last CNN's validation loss over epochs, with its training loss, or with a star where it is lowest."""
    main, pale = (layer.get(CNNS[-1]) for layer in page.layers("gaps", CNNS[-1]))
    colour = model_colour(CNNS[-1], theme)
    series = []
    for one, fraction, dashed in ((pale, _PALE, True), (main, 1.0, False)):
        if one is None:
            continue
        name = REFERENCE if dashed else "validation"
        x, y = _enumerated(one.validation_loss, 1)
        strong = faded(colour, theme, fraction)
        if training:
            dim = faded(colour, theme, _DIM * fraction)
            line = Series("" if dashed else "training", x, np.array(one.train_loss), dim, dashed=dashed)
            series.append(line)
        series.append(Series(name, x, y, strong, dashed=dashed, behind=dashed, end="" if dashed else f"{y[-1]:.3f}"))
        if not training:
            best = y == y.min()
            star = Series("" if dashed else "lowest", x[best], y[best], strong, marker="★", joined=False)
            series.append(star)
    last = max((one.x[-1] for one in series), default=1.0)
    ticks = tuple((float(epoch), str(epoch)) for epoch in range(1, int(last) + 1)) if last <= _SHORT else ()
    axes = Axes(x_range=(1.0, max(2.0, last)), x_ticks=ticks, **chart_colours(theme))
    return (Curves(f"Loss of {CNNS[-1]} over epochs", tuple(series), axes),)


def _final_loss(page: Page, theme: Theme) -> tuple[Figure, ...]:
    caption = "Validation NLL after the last epoch"
    bars = _model_bars(caption, page.layers("convergence"), lambda one: float(one.last_nll), ".4f", theme)
    reported = Bar("reported", 0.20, _scale(theme).mark, "0.20 for v3")
    return (Bars(caption, (*bars.bars, reported), bars.scale),)


def _total_gain(page: Page, theme: Theme) -> tuple[Figure, ...]:
    own, reference = page.own.gain, page.reference.gain
    value, beside = (reference, None) if own is None else (own, reference)
    text = "" if value is None else f"{100 * value:+.2f} points"
    scale = _scale(theme, unit="", factor=100)
    bars = (
        Bar("measured", value, model_colour(CNNS[-1], theme), text, beside),
        Bar("reported", 0.0571, scale.mark, "+5.71 points"),
    )
    return (Bars("Test accuracy, v3 minus v0, in points", bars, scale),)


def _small_network(page: Page, theme: Theme) -> tuple[Figure, ...]:
    """Error and parameters of the two networks; nothing until both have been measured."""
    main, pale = (
        {name: layer[name] for name in (CNNS[-1], SMALL) if name in layer} for layer in page.layers("efficiency")
    )
    if len({*main, *pale}) < 2:
        return ()
    error = _model_bars("Test error", (main, pale), lambda one: 1.0 - float(one.accuracy), ".2%", theme)
    size = _model_bars("Parameters", (main, pale), lambda one: float(one.parameters), ",.0f", theme)
    return (replace(error, scale=_scale(theme, unit="%", factor=100)), size)


def _study(page: Page, theme: Theme, *, number: int) -> tuple[Figure, ...]:
    """A bar for each kind of runs, as it is named, from a mean over its runs; nothing until there are some."""
    found = page.own.studies[number] if page.own.studies else None
    if found is None or not found.measured:
        return ()
    by_fit, bars = found.study.by_fit, []
    for one, fraction in zip(found.measured, (_DIM, 1.0), strict=True):
        error = None if not one.values else fmean(one.values) if by_fit else 1.0 - fmean(one.values)
        text_of: Callable[[float], str] = "{:+.4f}".format if by_fit else percent
        bar = _bar(one.arm.name, error, None, model_colour(one.arm.version, theme), text_of, theme)
        bars.append(replace(bar, colour=faded(bar.colour, theme, fraction), ink=bar.ink or bar.colour))
    caption = "Validation NLL minus training NLL" if by_fit else "Test error, mean over runs"
    scale = _scale(theme) if by_fit else _scale(theme, unit="%", factor=100)
    return (Bars(caption, tuple(bars), scale),)


def short_count(count: float) -> str:
    """121k, 5.9M: three digits at most."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size * 0.9995:
            return (
                f"{count / size:.1f}".removesuffix(".0") + unit if count < 9.95 * size else f"{count / size:.0f}{unit}"
            )
    return f"{count:.0f}"


def _scale(theme: Theme, unit: str = "", factor: float = 1.0) -> Scale:
    return Scale(unit, factor, chart_colours(theme)["ticks"], faded("#A0A8B0" if theme.dark else "#505860", theme, 0.9))


_OF_CLAIMS: tuple[Callable[[Page, Theme], tuple[Figure, ...]], ...] = (
    _spatial,
    _efficiency,
    _shifts,
    partial(_study, number=0),
    partial(_study, number=1),
    _gap,
    partial(_study, number=2),
    _rapid,
    partial(_by_epoch, training=True),
    partial(_by_epoch, training=False),
    _final_loss,
    _total_gain,
    _small_network,
)
"""In the order of `claims.claims`."""
