"""Charts of many curves, and bands."""

from __future__ import annotations

import time

import numpy as np
import pytest
from rich.text import Text

from fmnist_tui.tui.widgets.braille import overlay
from fmnist_tui.tui.widgets.drawing import Axes, Series, draw, prepared

X = np.arange(1.0, 11.0)
SIZE = (60, 16)


def chart(*series: Series, percent: bool = False) -> list[Text]:
    axes = Axes((1.0, 10.0), percent=percent, whole=True, grid="#303030")
    return draw(prepared(series, axes, SIZE[0]), axes, *SIZE)


def line(level: float, colour: str = "#101010", **settings: object) -> Series:
    return Series("", X, np.full(10, level), colour, **settings)  # type: ignore[arg-type]


def cell_styles(row: Text) -> dict[int, str]:
    return {at: str(span.style) for span in row.spans for at in range(span.start, span.end)}


def test_a_curve_is_drawn_in_its_colour_over_the_grid_and_text_stays() -> None:
    rows = [Text("1┤┈a┈┈"), Text(" └────")]
    level = Series("", np.array([0.0, 1.0]), np.array([0.0, 0.0]), "#ff0000")
    first, last = overlay(rows, [level], (0.0, 1.0), (0.0, 1.0), (4, 1))
    assert first.plain == "1┤⣀a⣀⣀"
    assert last is rows[1]
    assert cell_styles(first) == {2: "#ff0000", 4: "#ff0000", 5: "#ff0000"}


def test_more_curves_than_plotext_can_draw_in_time_are_drawn_at_once_each_in_its_place() -> None:
    levels = np.linspace(0, 1, 60)
    chart(*map(line, levels))
    begun = time.process_time()
    rows = chart(*map(line, levels))
    assert time.process_time() - begun < 0.5, "plotext takes seconds"
    assert [row.cell_len for row in rows] == [SIZE[0]] * SIZE[1]
    dots = [sum("\u2800" < character <= "\u28ff" for character in row.plain) for row in rows]
    assert min(dots[1:-3]) == max(dots[1:-3]) > 50
    assert dots[-2:] == [0, 0]


def test_the_curve_that_is_not_behind_stands_out_and_its_end_is_written() -> None:
    cloud = [line(0.5 + index / 1000, "#101010", behind=True) for index in range(20)]
    rows = chart(*cloud, line(0.0), line(1.0), line(0.505, "#ff0000", end="v3 50.5%"), percent=True)
    red = [row for row in rows if "#ff0000" in cell_styles(row).values()]
    assert len({row.plain for row in red}) == len(red) <= 2
    assert any("v3\N{NO-BREAK SPACE}50.5%" in row.plain for row in rows)


def test_a_steep_curve_has_no_gaps_and_ends_where_its_points_do() -> None:
    steep = Series("", np.array([3.0, 4.0, 5.0]), np.array([0.0, 1.0, 0.0]), "#ff0000")
    rows = chart(steep, *(line(level, "#101010", behind=True) for level in np.linspace(-0.1, -0.2, 9)))
    styles = [cell_styles(row) for row in rows]
    columns = sorted({at for row in styles for at, style in row.items() if style == "#ff0000"})
    heights = [sum(row.get(at) == "#ff0000" for row in styles) for at in columns]
    assert columns == list(range(columns[0], columns[-1] + 1))
    assert min(heights) >= 1
    assert SIZE[0] / 4 - 3 < len(columns) < SIZE[0] / 4


def test_a_band_is_filled_between_its_edges_and_makes_room_on_the_axis() -> None:
    band = Series("", X, np.full(10, 0.4), "#404040", until=np.full(10, 0.6), behind=True)
    rows = chart(band, line(0.5, "#ff0000"))
    filled = [index for index, row in enumerate(rows) if "#404040" in cell_styles(row).values()]
    middle = [index for index, row in enumerate(rows) if "#ff0000" in cell_styles(row).values()]
    assert filled[0] < middle[0] <= middle[-1] < filled[-1]
    assert rows[0].cell_len == SIZE[0]


def test_beside_a_band_a_curve_has_no_gaps_where_there_are_points_behind_it() -> None:
    band = Series("", X, np.full(10, 0.4), "#404040", until=np.full(10, 0.6), behind=True)
    x = np.linspace(X[0], X[-1], 200)
    points = Series("", x, np.full(200, 0.5), "#202020", joined=False, behind=True)
    rows = chart(points, band, line(0.5, "#ff0000"))
    [styles] = [styles for styles in map(cell_styles, rows) if "#ff0000" in styles.values()]
    assert sum(style == "#ff0000" for style in styles.values()) >= SIZE[0] - 8
    assert "#202020" not in styles.values()


def test_points_are_drawn_in_their_places_and_those_outside_are_not() -> None:
    band = Series("", X, np.full(10, 0.0), "#404040", until=np.full(10, 0.01), behind=True)
    points = Series("", np.array([X[0], X[-1], X[-1]]), np.array([1.0, 1.0, 2.0]), "#202020", joined=False, behind=True)
    axes = Axes(x_range=(X[0], X[-1]), y_range=(0.0, 1.0))
    first, *others = draw(prepared([points, band], axes, SIZE[0]), axes, *SIZE)
    assert sum("\u2800" < character <= "\u28ff" for character in first.plain) == 2
    assert all("#202020" not in cell_styles(row).values() for row in others)


@pytest.mark.parametrize("until", [None, np.array([])])
def test_a_series_without_points_draws_nothing(until: np.ndarray[tuple[int], np.dtype[np.float64]] | None) -> None:
    empty = Series("", np.array([]), np.array([]), "#ff0000", until=until)
    assert prepared([empty], Axes(), 40) == []
