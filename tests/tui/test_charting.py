from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from textual.app import App, ComposeResult
from textual.color import Color

from fmnist_tui.tui.results import validation_chart as overlay
from fmnist_tui.tui.training.curves import BEST, OVERLAY, RAW, TRAINING, VALIDATION
from fmnist_tui.tui.widgets.chart import Chart, Colour, Floats, Series, logarithmic, thinned

curves = arrays.arrays(np.float64, st.integers(1, 400), elements=st.floats(-1e6, 1e6))
rough_curves = arrays.arrays(np.float64, st.integers(1, 400), elements=st.floats(allow_nan=True, allow_infinity=True))


def positions(values: Floats) -> Floats:
    """X for these values: 1, 2, 3, ..."""
    return np.arange(1.0, len(values) + 1)


@settings(deadline=None)
@given(curves, st.integers(1, 60))
def test_a_thinned_curve_keeps_its_extremes_and_is_bounded(y: Floats, columns: int) -> None:
    thin_x, thin_y = thinned(positions(y), y, columns)
    assert len(thin_x) == len(thin_y) <= 2 * columns
    assert thin_y.min() == y.min()
    assert thin_y.max() == y.max()


@settings(deadline=None)
@given(rough_curves, st.integers(1, 60))
def test_a_thinned_curve_holds_points_of_the_curve_in_their_order_and_finite_ones_only(y: Floats, columns: int) -> None:
    x = positions(y)
    thin_x, thin_y = thinned(x, y, columns)
    assert np.all(np.isfinite(thin_y))
    assert np.all(np.diff(thin_x) > 0)
    assert np.array_equal(thin_y, y[thin_x.astype(int) - 1])


def test_a_short_curve_is_not_thinned() -> None:
    y = np.array([5.0, 1.0, 3.0])
    x, thin = thinned(positions(y), y, 2)
    assert np.array_equal(x, [1.0, 2.0, 3.0])
    assert np.array_equal(thin, y)


def test_one_peak_in_a_long_flat_curve_survives_in_its_place() -> None:
    y = np.zeros(10_000)
    y[7_123] = 1.0
    thin_x, thin_y = thinned(positions(y), y, 40)
    assert thin_x[thin_y == 1.0].tolist() == [7_124.0]


def test_a_chart_of_no_width_has_no_points() -> None:
    y = np.arange(10.0)
    thin_x, thin_y = thinned(positions(y), y, 0)
    assert len(thin_x) == len(thin_y) == 0


def test_logarithms_are_taken_where_there_are_any() -> None:
    values = np.array([100.0, 1.0, 0.0, -1.0, np.nan, np.inf])
    logs = logarithmic(values)
    assert logs[:2].tolist() == [2.0, 0.0]
    assert np.all(np.isnan(logs[2:5]))


def test_taking_logarithms_leaves_the_curve_as_it_was() -> None:
    values = np.array([10.0, 0.0])
    logarithmic(values)
    assert values.tolist() == [10.0, 0.0]


def seen(colour: Colour, ground: str) -> float:
    """The contrast of a colour on its ground, 1 to 21, as the W3C measures it."""
    lights = []
    for parts in (colour, Color.parse(ground).rgb):
        linear = [part / 3294 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in parts]
        lights.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)
    return max(lights) / min(lights)


@pytest.mark.parametrize("colour", sorted({*overlay._COLOURS, RAW, TRAINING, VALIDATION, BEST, OVERLAY}))
def test_every_colour_is_seen_on_dark_and_on_light_grounds(colour: Colour) -> None:
    none = np.empty(0)
    assert seen(colour, "#121212") > 3
    assert seen(Series("", none, none, colour).on_light().colour, "#e0e0e0") > 3


class ChartApp(App[None]):
    """Nothing but one curve."""

    def compose(self) -> ComposeResult:
        chart = Chart("loss")
        chart.series = (Series("training", positions(np.ones(9)), np.arange(9.0), TRAINING),)
        yield chart


async def test_curves_are_darker_as_soon_as_the_theme_is_light() -> None:
    app = ChartApp()
    bright, dark = "#56b4e9", "#2f6380"
    async with app.run_test() as pilot:
        for theme, there, gone in (("textual-light", dark, bright), ("textual-dark", bright, dark)):
            app.theme = theme
            await pilot.pause()
            picture = app.export_screenshot()
            assert there in picture
            assert gone not in picture
