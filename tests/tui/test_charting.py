from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from textual.app import App
from textual.color import Color

from fmnist_tui.models import looks
from fmnist_tui.models.looks import look_of
from fmnist_tui.models.registry import BUILT_IN
from fmnist_tui.tui.cells import cells, in_ascii
from fmnist_tui.tui.themes import THEMES
from fmnist_tui.tui.widgets.chart import Chart
from fmnist_tui.tui.widgets.drawing import Axes, Floats, Series, draw, logarithmic, prepared, thinned

from .driving import shown

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


def contrast(colour: str, ground: str) -> float:
    """The contrast of a colour on its ground, 1 to 21, as the W3C measures it."""
    lights = []
    for parts in (Color.parse(colour).rgb, Color.parse(ground).rgb):
        linear = [part / 3294 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in parts]
        lights.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)
    return max(lights) / min(lights)


@pytest.mark.parametrize("model", [*BUILT_IN, *(f"other{number}" for number in range(20))])
def test_every_models_colour_is_legible_on_dark_and_on_light(model: str) -> None:
    dark, light = (theme.background or "" for theme in THEMES)
    assert contrast(look_of(model).on_dark, dark) > 4.5
    assert contrast(look_of(model).on_light, light) > 4.5
    assert contrast(look_of(model).on_light, "#FFFFFF") > 4.5


def test_models_differ_in_colour_and_in_marker() -> None:
    assert {"v0", "v1", "v2", "v3", "v4"} <= looks._BUILT_IN.keys()
    for attribute in ("on_dark", "on_light", "marker", "mark"):
        given = Counter(getattr(look, attribute) for look in looks._BUILT_IN.values())
        assert [value for value, times in given.items() if times > 1] == [], f"{attribute}: two models have the same"
    assert look_of("mine") == look_of("mine")


def test_a_built_in_models_marker_is_no_other_sign_and_has_one_of_its_own_in_ascii() -> None:
    taken = {"★": "marks the best epoch", "✓": "marks what is right", "✗": "marks what is wrong"}
    taken |= {look.marker: "is for custom models" for look in looks._OTHERS}
    plain: dict[str, str] = {}
    for name, look in looks._BUILT_IN.items():
        assert look.marker not in taken, f"{name}: {look.marker} {taken[look.marker]}; choose another in looks.py"
        assert cells(look.marker) == 1, f"{name}: {look.marker} isn't one cell wide"
        sign = in_ascii(look.marker)
        assert sign != "?", f"{name}: give {look.marker} a sign in _SUBSTITUTES of tui/cells.py"
        assert sign not in plain, f"{name}: in ASCII, {look.marker} is {sign}, as is the marker of {plain[sign]}"
        plain[sign] = name


def lines(series: list[Series], axes: Axes, width: int = 60, height: int = 12) -> list[str]:
    """The chart as a terminal shows it."""
    return [row.plain for row in draw(prepared(series, axes, width), axes, width, height)]


def line_of(values: list[float], **settings: Any) -> Series:
    """A line of these values at 0, 1, 2, ..."""
    return Series("validation", np.arange(float(len(values))), np.array(values), "#E69F00", **settings)


def test_the_newest_value_is_written_where_the_line_ends() -> None:
    chart = lines([line_of([0.5, 0.7, 0.9], end="90.0%")], Axes(x_range=(0, 10), percent=True))
    [row] = [row for row in chart if "90.0%" in row]
    assert row.index("90.0%") < 30, "right of the last point, which is at a fifth of the width"
    at_the_edge = lines([line_of([0.5, 0.7, 0.9], end="90.0%")], Axes(percent=True))
    assert any(row.rstrip().endswith("90.0%") for row in at_the_edge)


def test_ends_of_lines_that_meet_do_not_cover_each_other() -> None:
    chart = "\n".join(lines([line_of([0.5, 0.9], end=name) for name in ("v0", "v1", "v2")], Axes(x_range=(0, 5))))
    assert all(name in chart for name in ("v0", "v1", "v2"))


def test_ends_above_each_other_are_in_the_order_of_their_values() -> None:
    values = {"v0": 0.90, "v1": 0.94, "v2": 0.950, "v3": 0.949, "mean": 0.955}
    for order in (list(values), list(reversed(values))):
        for last in (1.0, 5.0):  # at the edge, and with room beside
            ends = [line_of([0.5, values[name]], end=name) for name in order]
            chart = lines(ends, Axes(x_range=(0, last), y_range=(0.0, 1.6)))
            rows = {name: [name in row for row in chart].index(True) for name in values}
            assert sorted(rows, key=lambda name: rows[name]) == ["mean", "v2", "v3", "v1", "v0"]


def test_a_fall_at_the_start_does_not_flatten_the_rest() -> None:
    falling = [100.0, 50.0, *np.linspace(1.0, 0.5, 50)]
    chart = "\n".join(lines([line_of(falling, range_from=2.0)], Axes()))
    assert "0.6" in chart
    assert "100" not in chart


def test_there_are_five_marks_on_the_y_axis_and_a_grid_in_its_colour() -> None:
    axes = Axes(grid="#202020", ticks="#909090", percent=True)
    text = "\n".join(lines([line_of([0.83, 0.95])], axes, 60, 14))
    assert text.count("%") >= 5
    assert text.count("┈") > 100


def test_a_dashed_line_has_gaps() -> None:
    whole, dashed = ("".join(lines([line_of([0.0, 1.0], dashed=dashed)], Axes())) for dashed in (False, True))
    drawn = [sum(0x2800 < ord(character) < 0x2900 for character in text) for text in (whole, dashed)]
    assert drawn[1] < 0.75 * drawn[0]


def test_points_beyond_the_shown_range_are_not_drawn() -> None:
    [left] = prepared([line_of([1.0, 2.0, 3.0, 4.0])], Axes(x_range=(1, 2)), 60)
    assert left.x.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("width", "legend"),
    [(60, "  ━ training  ━ validation  ━ mean"), (44, "  ━ train  ━ val  ━ mean"), (26, "  ━ train"), (20, "")],
)
async def test_names_in_the_legend_are_shortened_where_not_all_of_them_fit(width: int, legend: str) -> None:
    async with App[None]().run_test(size=(width, 12)) as pilot:
        chart = Chart("loss")
        chart.axis_label = "epoch"
        await pilot.app.mount(chart)
        training, mean = (Series(name, np.arange(2.0), np.ones(2), "#E69F00") for name in ("training", "mean"))
        chart.series = (training, line_of([1.0, 2.0]), mean)
        await pilot.pause()
        assert chart.render().plain.splitlines()[0] == f"loss by epoch{legend}"


async def test_a_legend_in_the_frame_is_never_cut_off() -> None:
    for width in range(28, 44):
        async with App[None]().run_test(size=(width, 12)) as pilot:
            chart = Chart("loss")
            chart.styles.border = ("round", "white")
            await pilot.app.mount(chart)
            await pilot.pause()
            names = ("training", "v3 seed 2")
            chart.series = tuple(Series(name, np.arange(2.0), np.ones(2), "#E69F00") for name in names)
            await pilot.pause()
            frame = shown(pilot.app).splitlines()[0]
            assert "loss  ━ train" in frame
            assert "…" not in frame
            assert ("v3 seed 2" in frame) is (width >= 32)
