"""The heat map of layers by epochs on the Training screen: what its cells say, and how it comes and goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.style import Style

from fmnist_tui.training.events import Dynamics, Epoch, Event, LayerDynamics, RunFinished
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.training.layers import MEASURES, Measure, explanation, heat_table, spread
from fmnist_tui.tui.widgets.chart import Chart

from .driving import AnyPilot, drawn, part, text_in, until, until_shown, widget
from .samples import EPOCHS, STEPS, training, write_run

NORM, RATIO, DEAD = MEASURES


def measured(*epochs: tuple[float | None, float | None, float | None]) -> list[Dynamics]:
    """Epochs of one layer with these measures, beside one without any."""
    return [
        Dynamics(number, number * STEPS, (LayerDynamics("conv1", *measures), LayerDynamics("norm1")))
        for number, measures in enumerate(epochs, 1)
    ]


def colour(level: int) -> Style:
    return Style(bgcolor=f"color({level})")


@pytest.mark.parametrize(
    ("measure", "levels"),
    [
        (NORM, {0.0: 0, 1e-5: 0, 3.2e-4: 1, 1.0: 8, 3.2: 9, 1e30: 9}),
        (RATIO, {0.0: 0, 9.9e-6: 0, 1e-5: 1, 1e-3: 5, 3.1e-3: 5, 0.1: 9, 5.0: 9}),
        (DEAD, {0.0: 0, 0.09: 0, 0.1: 1, 0.3: 3, 0.9: 9, 1.0: 9}),
    ],
)
def test_the_level_of_a_value(measure: Measure, levels: dict[float, int]) -> None:
    assert {value: measure.level(value) for value in levels} == levels


def test_an_epoch_takes_as_many_cells_as_fit_and_the_newest_value_is_in_numbers() -> None:
    table = heat_table(measured((0.5, 1e-3, 0.0), (0.6, 0.0123, 0.25)), 4, RATIO, 40, colour)
    (row,) = table.rows  # the other layer has no values
    assert row.plain == "conv1   5     7     .     .        0.012"
    assert table.axis.plain == "        1                        epoch 2"
    assert table.legend.plain == "Update ratio  <1e-5 0123456789 from 0.1, logarithmic"
    styles = {row.plain[span.start : span.end].strip(): span.style for span in row.spans}
    assert styles["5"] == colour(5)
    assert styles["7"] == colour(7)
    wide = heat_table(measured((0.5, 1e-3, 0.0)), 4, RATIO, 80, colour)
    assert wide.legend.plain.endswith("healthy: about 0.001 (5)")
    assert heat_table(measured((0.5, 1e-3, 0.25)), 4, DEAD, 40, colour).rows[0].plain.endswith(" 25%")


def test_what_is_healthy_is_said_once() -> None:
    assert explanation(RATIO, 80).endswith("It falls with the learning rate.")  # the legend says it
    assert explanation(RATIO, 56).endswith("It falls with the learning rate. Healthy: about 0.001 (5).")
    assert explanation(DEAD, 20) == DEAD.meaning


def test_layers_whose_names_begin_alike_are_told_apart() -> None:
    layers = tuple(LayerDynamics(f"features.3.layers.{number}", 0.5, 1e-3, 0.0) for number in (0, 2))
    rows = heat_table([Dynamics(1, STEPS, layers)], 1, NORM, 40, colour).rows
    assert [row.plain.split()[0] for row in rows] == ["….3.layers.0", "….3.layers.2"]


def test_epochs_share_a_column_where_there_are_more_of_them() -> None:
    """Of 60 epochs, 15 cells hold 4 each: here the first 8 have ratios of 0.1, and the others of 0.001."""
    epochs = measured(*[(1.0, 0.1, 0.0)] * 8, *[(1.0, 0.001, 0.0)] * 52)
    (row,) = heat_table(epochs, 60, RATIO, 30, colour).rows
    assert row.plain == "conv1 99" + "5" * 13 + "    0.001"
    axis = heat_table(epochs, 60, RATIO, 30, colour).axis
    assert axis.plain.split()[:3] == ["1", "13", "29"]


@pytest.mark.parametrize("width", [1, 8, 20, 56, 200])
@pytest.mark.parametrize("epochs", [1, 7, 1000])
def test_every_line_fits_its_width(width: int, epochs: int) -> None:
    one = LayerDynamics("a layer with quite a long name, 日本", 1e-30, 123456.0, 0.5)
    table = heat_table([Dynamics(epochs, 10, (one,))], epochs, RATIO, width, colour)
    if width > 16:
        assert {row.cell_len for row in (*table.rows, table.axis)} == {width}


def test_rows_are_as_high_as_fits() -> None:
    table = heat_table(measured((0.5, 1e-3, 0.0)), 2, RATIO, 30, colour)
    body, axis = spread(table, 4)
    assert [line.split() for line in body.plain.splitlines()] == [
        [],
        ["conv1", "5", ".", "0.001"],
        [],
        ["1", "epoch", "1"],
    ]
    assert all(colour(5) in [span.style for span in line.spans] for line in body.split()[:3])
    assert not axis
    assert spread(table, 1)[1].plain == table.axis.plain


def test_a_run_that_goes_on_beyond_its_epochs_is_drawn_whole() -> None:
    assert heat_table(measured(*[(1.0, 1e-3, 0.0)] * 3), 0, RATIO, 40, colour).rows[0].plain.count("5") == 3


def log_with_dynamics() -> list[Event]:
    events = iter(measured(*[(0.5, 1e-3, 0.1 * number) for number in range(EPOCHS)]))
    log: list[Event] = []
    for event in training():
        log += [event, next(events)] if isinstance(event, Epoch) else [event]
    return [*log, RunFinished("completed", scored=True)]


async def at_size(pilot: AnyPilot, width: int, height: int) -> None:
    await pilot.resize_terminal(width, height)
    await pilot.pause()


async def test_d_shows_each_measure_in_turn_and_then_the_charts_again(
    make_app: Callable[..., FmnistApp], runs: Path
) -> None:
    app = make_app(attach=write_run(runs, log=log_with_dynamics()))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn")
        await until_shown(pilot, "d Layers")
        for title, value, following in (
            ("Gradient norm", "0.5", "d Update ratio"),
            ("Update ratio", "0.001", "d Dead units"),
            ("Dead units", "30%", "d Charts"),
        ):
            await pilot.press("d")
            await until_shown(pilot, following)
            await until(pilot, lambda title=title: title in text_in(pilot, "LayersPanel"), title)  # type: ignore[misc]
            (row,) = (line for line in part(pilot, "LayersPanel").splitlines() if "conv1" in line)
            assert row.endswith(f" {value}")
            assert not widget(pilot, "#loss", Chart).display
        assert f"epoch {EPOCHS}" in text_in(pilot, "LayersPanel")
        await at_size(pilot, 120, 36)  # beside the loss
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn")
        assert "Dead units" in text_in(pilot, "LayersPanel")
        assert not widget(pilot, "#accuracy", Chart).display
        await at_size(pilot, 200, 50)  # beside both charts
        await until(pilot, lambda: drawn(part(pilot, "#accuracy")), "the accuracy is drawn")
        assert "Dead units" in text_in(pilot, "LayersPanel")
        assert "Units that are 0 after their ReLU for every validation image" in text_in(pilot, "LayersPanel")
        await at_size(pilot, 60, 18)
        assert "Dead units" in text_in(pilot, "LayersPanel")
        assert "d Charts" in text_in(pilot, "KeyLine")
        await pilot.press("a")  # the charts again, the one that was there before
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn")
        await pilot.press("d", "d", "d", "d")
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn")


async def test_a_run_without_measures_says_so(make_app: Callable[..., FmnistApp], runs: Path) -> None:
    app = make_app(attach=write_run(runs))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn")
        assert "d Layers" not in text_in(pilot, "KeyLine")
        await pilot.press("d")
        await until_shown(pilot, "Nothing measured yet", "Gradient norm", "How fast the loss changes", "d Update ratio")
        await at_size(pilot, 60, 18)
        assert "d Update ratio" in text_in(pilot, "KeyLine")
