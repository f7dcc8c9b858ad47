"""The Runs screen: its table, curves and dialogs as text, and one journey through it."""

from __future__ import annotations

import json
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from textual.widgets import Input

from fmnist_tui.analysis.watched_runs import RunLogs, WatchedRun, average, without_repeats
from fmnist_tui.files import write_json
from fmnist_tui.runs.curve import ResourceCurve
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged, encode
from fmnist_tui.runs.fold import Sample
from fmnist_tui.runs.run import read_run
from fmnist_tui.runs.status import Status
from fmnist_tui.training.events import Epoch, Resources
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.cells import cells
from fmnist_tui.tui.dialogs.resources import ResourcesDialog, charts_of
from fmnist_tui.tui.themes import THEMES, model_colour
from fmnist_tui.tui.training.progress import machine_text, sparkline
from fmnist_tui.tui.widgets.chart import Chart
from fmnist_tui.tui.widgets.nav import SCREENS, fitting_titles
from fmnist_tui.tui.workspace.columns import Layout, cells_of, group_headings, summary
from fmnist_tui.tui.workspace.curves import (
    MOST_CURVES,
    chart_axes,
    curve_of,
    drawn_runs,
    group_colours,
    group_series,
    run_series,
)
from fmnist_tui.tui.workspace.diff import diff_text, differing
from fmnist_tui.tui.workspace.run_table import RunTable

from .driving import AnyPilot, drawn, flat, part, text_in, until, until_shown, widget
from .samples import held, snapshot_of, training, write_run

THEME = THEMES[0]
GPU = Resources(1.9, 400_000_000, 0.5, 0.87, 2_000_000_000, 141_000_000_000)
CPU = Resources(0.9, 300_000_000, 0.4)


def watched(runs: Path, version: str = "v0", seed: int = 0, **settings: Any) -> WatchedRun:
    """A finished run as it is watched; `settings` are changed in its run.json."""
    return RunLogs().read(read_run(changed(write_run(runs, version, seed=seed), **settings)))


def changed(run: RunDirectory, **settings: Any) -> RunDirectory:
    """The run, with these settings in its run.json."""
    content = json.loads(run.run_json.read_bytes())
    content["hyperparameters"].update(settings)
    write_json(run.run_json, content)
    return run


def shifted(one: WatchedRun, by: float, run_id: str) -> WatchedRun:
    """A run like it, whose validation accuracy differs."""

    def moved(epoch: Epoch) -> Epoch:
        return msgspec.structs.replace(epoch, validation_accuracy=epoch.validation_accuracy + by)

    run = replace(one.run, directory=RunDirectory(one.run.path.with_name(run_id)))
    values = {**one.values, "run": run_id, "seed": run_id}
    return replace(one, run=run, epochs=tuple(map(moved, one.epochs)), values=values)


def test_logs_are_read_on_from_where_they_were_and_what_has_not_changed_stays_the_same(runs: Path) -> None:
    run = write_run(runs, log=training(epochs=1))
    logs = RunLogs()
    with held(run):
        first = logs.read(read_run(run))
        assert ([epoch.epoch for epoch in first.epochs], first.run.status) == ([1], Status.RUNNING)
        assert logs.read(read_run(run)) is logs.known(read_run(run)) is first
        with run.events.open("ab") as log:
            for seq, event in enumerate([*training(epochs=2)[-1:], GPU], 200):
                log.write(encode(Logged(event, 2000.0, seq)))
        second = logs.read(read_run(run))
        assert ([epoch.epoch for epoch in second.epochs], second.used) == ([1, 2], GPU)
        assert second.values["validation"] == second.epochs[-1].validation_accuracy
        assert second.seconds_left == pytest.approx(28 * second.epochs[-1].seconds)
    ended = logs.read(read_run(run))
    assert (ended.run.status, len(ended.epochs), ended.used, ended.seconds_left) == (Status.INTERRUPTED, 2, None, None)
    assert logs.read(ended.run) is ended
    logs.forget_all_but([])
    assert not logs.has_read(run)
    run.events.unlink()
    assert logs.read(read_run(run)).epochs == ()


def test_runs_that_repeat_each_other_count_once_in_a_mean(runs: Path) -> None:
    one = watched(runs)
    shorter = replace(one, epochs=one.epochs[:2], values={**one.values, "run": "v0-2", "label": "again"})
    other_seed = replace(one, values={**one.values, "seed": 1})
    assert without_repeats([shorter, one, other_seed, one]) == [one, other_seed]


def test_what_was_drawn_of_a_run_is_forgotten_with_it(runs: Path) -> None:
    one = watched(runs)
    assert curve_of(one, "nll") is curve_of(one, "nll")
    assert cells_of(one) is cells_of(one)
    assert without_repeats([one, one]) == [one]
    gone = weakref.ref(one)
    del one
    assert gone() is None, "a run that goes on is another object after each epoch, for days"


def test_an_average_leaves_out_runs_without_a_value() -> None:
    found = average([0.9, None, 0.92])
    assert found
    assert found.n == 2
    assert found.mean == pytest.approx(0.91)
    assert found.interval
    assert found.interval.high == 1.0, "an accuracy is at most 1"
    assert average([None]) is None


def test_the_most_important_columns_that_have_a_value_are_shown(runs: Path) -> None:
    one = watched(runs, epochs=4)
    layout = Layout.fitting([cells_of(one)], 200)
    assert [value.strip() for _, value in layout.padded(cells_of(one))] == [
        *(one.run.run_id, "finished", "4/4", "83.00%", "84.00%", "85.00%", "tuned", "0"),
    ]
    for width in (10, 40, 60):
        line = "  ".join(value for _, value in Layout.fitting([cells_of(one)], width).padded(cells_of(one)))
        assert cells(line) <= max(width, 33), "the run and its status are always there"
    assert summary([one, one]) == "2 runs: 2 finished"
    waiting = [replace(one, run=replace(one.run, status=status)) for status in (Status.QUEUED, Status.RUNNING)]
    assert summary([one, one, *waiting]) == "4 runs: 1 running, 1 queued, 2 finished"
    longest, *_, shortest = group_headings(("v0", "tuned"), [one, shifted(one, 0.01, "v0-20260102-000001-00ff")])
    assert longest == "v0 tuned: 2 runs, best 84.50% (78.15% to 90.85%), test 85.00%"
    assert shortest == "v0 tuned: 2 runs"


def test_of_many_curves_the_current_and_the_pinned_ones_stand_out_and_are_named(runs: Path) -> None:
    one = watched(runs, "v3", epochs=4)
    many = [shifted(one, index / 1000, f"v3-20260102-{index:06d}-00ff") for index in range(100)]
    current, pinned = many[90].run.run_id, many[95].run.run_id
    chosen = drawn_runs(many, (current, pinned))
    assert len(chosen) == MOST_CURVES
    series = run_series(chosen, "accuracy", THEME, current, [pinned])
    assert len(series) == MOST_CURVES
    assert [one.end for one in series[:-2]] == [""] * (MOST_CURVES - 2)
    assert [one.end for one in series[-2:]] == ["v3 s0 00ff 92.5%", "v3 s0 00ff 92.0%"]
    assert {one.behind for one in series[:-2]} == {True}
    assert [one.colour for one in series[-2:]] == [model_colour("v3", THEME)] * 2
    assert series[0].colour != series[-1].colour
    assert drawn_runs([replace(one, epochs=())], ()) == []
    assert curve_of(one, "nll")[1].tolist() == [0.6, 0.45, 0.35, 0.36]
    assert chart_axes(many, "accuracy", THEME).x_range == (1.0, 4.0)
    assert chart_axes([], "nll", THEME).x_range == (1.0, 2.0)


def test_a_group_has_a_mean_and_a_band(runs: Path) -> None:
    v0, v3 = watched(runs, "v0"), watched(runs, "v3", seed=1)
    groups: dict[tuple[str, ...], list[WatchedRun]] = {
        ("v0",): [v0, shifted(v0, 0.02, "v0-20260102-000002-00ff"), replace(v0, epochs=())],
        ("v3",): [v3],
        ("none",): [replace(v3, epochs=())],
    }
    band, first, second = group_series(groups, group_colours(groups, THEME), "accuracy", THEME)
    assert band.until is not None
    assert band.behind
    assert np.allclose((band.y + band.until) / 2, first.y)
    assert first.y == pytest.approx(np.array([0.71, 0.79, 0.85, 0.84]))
    assert (first.end, second.end) == ("v0 84.0%", "v3 83.0%")


def test_groups_have_their_models_colours_unless_those_tell_nothing_and_further_ones_of_a_colour_are_dashed(
    runs: Path,
) -> None:
    v0, v3 = watched(runs, "v0"), watched(runs, "v3", seed=1)
    groups: dict[tuple[str, ...], list[WatchedRun]] = {("v0", "a"): [v0], ("v3", "a"): [v3], ("v3", "b"): [v3]}
    colours = group_colours(groups, THEME)
    assert list(colours.values()) == [model_colour(name, THEME) for name in ("v0", "v3", "v3")]
    assert [one.dashed for one in group_series(groups, colours, "accuracy", THEME)] == [False, False, True]
    of_one_model = group_colours({("0",): [v3], ("1",): [v3]}, THEME)
    of_several = group_colours({("a",): [v0, v3], ("b",): [v3]}, THEME)
    assert len(set(of_one_model.values())) == len(set(of_several.values())) == 2


def test_settings_that_differ_are_listed_beside_what_was_reached(runs: Path) -> None:
    first, second = watched(runs, "v0"), watched(runs, "v3", seed=1, learning_rate=0.01)
    found = differing([first, second])
    assert found["learning_rate"] == ("0.02", "0.01")
    assert found["model.dropout"][0] == "none"
    assert not {"run", "validation", "beta1"} & found.keys()
    text = diff_text([first, second], THEME, 100).plain
    assert "test accuracy        85.00%" in text
    assert text.splitlines()[0].split() == [first.run.run_id, second.run.run_id]
    narrow = diff_text([first, second, first], THEME, 50).plain
    assert "2 more: not enough room" in narrow
    assert "All settings are the same." in diff_text([first, first], THEME, 100).plain


def test_what_a_trainer_used_is_a_chart_for_each_measure(runs: Path) -> None:
    samples: list[Sample] = [(1000.0 + 10 * index, GPU) for index in range(7)]
    charts = charts_of(ResourceCurve.of(samples), THEME)
    assert [*charts] == ["CPUs of the trainer", "GPU utilisation", "Memory, GB", "CPU of the machine"]
    axes, (gpu,) = charts["GPU utilisation"]
    assert (axes.percent, axes.x_range, axes.y_range, gpu.end) == (True, (0.0, 1.0), (0.0, 1.0), "87%")
    assert [one.end for one in charts["Memory, GB"][1]] == ["400.0 MB", "2.0 GB"]
    assert "GPU utilisation" not in charts_of(ResourceCurve.of([(1.0, CPU), (2.0, CPU)]), THEME)


def test_the_last_two_minutes_are_bars_in_the_line_about_the_machine() -> None:
    assert sparkline([0.0, 0.5, None, 1.0]) == " ▁▅ █"
    assert sparkline([0.5, 0.25], 1.0) == " ▅▃"
    assert sparkline([1.0]) == sparkline([None, None]) == ""
    text = machine_text(snapshot_of([*training(), GPU, GPU]), None)
    assert text == "trainer 1.9 CPUs ██, 400.0 MB · GPU 87% ▇▇"


def test_a_narrow_terminal_has_short_titles_or_numbers_and_always_the_current_one() -> None:
    assert "7 Runs" in fitting_titles("runs", 120)
    assert "3 Training" in fitting_titles("runs", 120)
    assert "3 Train" in fitting_titles("runs", 80)
    numbers = fitting_titles("training", 60)
    assert numbers[2:4] == ["3 Train", "4"]
    assert len(numbers) == len(SCREENS)


def table_of(pilot: AnyPilot) -> list[str]:
    return [line for line in part(pilot, "RunTable").splitlines() if "-2026" in line]


async def test_runs_are_filtered_grouped_pinned_compared_and_opened(app: FmnistApp, runs: Path) -> None:
    for seed, version in enumerate(("v0", "v0", "v1", "v3")):
        changed(write_run(runs, version, seed=seed), epochs=4)
    live = changed(write_run(runs, "v3", seed=4, log=[*training(epochs=2), GPU, GPU]), epochs=4)
    (runs / "v2-20260102-000009-00ff").mkdir()
    with held(live):
        async with app.run_test(size=(120, 36)) as pilot:
            await pilot.press("7")
            await until(pilot, lambda: len(table_of(pilot)) == 6 and drawn(part(pilot, "#chart")), "all are shown")
            assert "v3-20260102-000004-00ff  running" in table_of(pilot)[0], "running ones first"
            await until_shown(pilot, "6 runs: 1 running, 4 finished", "v3 s4 78.0%")
            await pilot.press("m")
            await until_shown(pilot, "Machine use: v3-20260102-000004-00ff", "GPU utilisation")
            assert isinstance(app.screen, ResourcesDialog)
            await pilot.press("escape", "space", "end")
            current = widget(pilot, "RunTable", RunTable).current
            assert current
            await pilot.press("d")
            await until_shown(pilot, "What differs", "best validation", "learning_rate")
            await pilot.press("escape", "slash", *"model", "equals_sign", *"v0", "enter")
            await until(pilot, lambda: len(table_of(pilot)) == 3, "two match, one is pinned")
            await until_shown(pilot, "2 of 6 runs: 2 finished")
            assert "*●v3" in table_of(pilot)[0], "pinned ones first"
            assert widget(pilot, "RunTable", RunTable).has_focus
            await pilot.press("g", *"sed")
            await until_shown(pilot, "unknown field 'sed'; did you mean seed?")
            await pilot.press("e", "e", "backspace", "backspace", "e", "d", "escape")
            widget(pilot, "#group", Input).value = "seed"
            await until(pilot, lambda: "seed=0: 1 run, best 84.00%" in flat(app), "groups have headings")
            assert widget(pilot, "#chart", Chart).title == "Validation accuracy"
            await pilot.press("a", "s", "c")
            await until(pilot, lambda: len(table_of(pilot)) == 6, "all are shown again")
            assert "Validation NLL" in flat(app)
            for size in ((60, 18), (80, 24)):
                await pilot.resize_terminal(*size)
                await until(pilot, lambda: drawn(part(pilot, "#chart")), "the chart fits")
                assert len(table_of(pilot)) >= 4
            await pilot.press("home", "down", "enter")
            await until(pilot, lambda: app.current_mode == "training", "the run is opened")
            assert app.followed is not None
            await until(pilot, lambda: "Train" in text_in(pilot, "Nav"), "the screen is there")
