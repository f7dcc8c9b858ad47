"""What is below the comparison's table: bars, curves, and all runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import DataTable, TabbedContent

from fmnist_tui.analysis.comparison import compare
from fmnist_tui.report.comparison import comparison_report
from fmnist_tui.runs.directory import find_run, list_runs
from fmnist_tui.runs.label import Label, read_label
from fmnist_tui.runs.run import read_runs
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.results.comparison import accuracy_bars
from fmnist_tui.tui.results.runs_view import HEADER
from fmnist_tui.tui.results.validation_chart import MAX_CURVES

from .driving import (
    AnyPilot,
    at_every_size,
    at_the_smallest_size,
    flat,
    notices,
    part,
    text_in,
    until,
    until_shown,
    widget,
)
from .samples import held, training, write_run

TABS = "TabbedContent"
Maker = Callable[..., FmnistApp]


def four(runs: Path) -> None:
    for seed, (version, wrong) in enumerate((("v0", 150), ("v1", 120), ("v2", 100), ("v3", 80))):
        write_run(runs, version, seed=seed, wrong=wrong)


async def at_runs(pilot: AnyPilot) -> None:
    """Opens the list of runs."""
    await pilot.press("4")
    await until_shown(pilot, "Total gain")
    await pilot.press("v", "v", "v")
    await until(pilot, lambda: rows(pilot), "the runs are listed")


def rows(pilot: AnyPilot) -> list[tuple[str, ...]]:
    table = widget(pilot, "#all_runs", DataTable)
    return [tuple(str(cell) for cell in table.get_row_at(row)) for row in range(table.row_count)]


def column(pilot: AnyPilot, heading: str) -> list[str]:
    return [row[HEADER.index(heading)] for row in rows(pilot)]


@at_every_size
async def test_all_runs_are_listed_and_the_reasons_of_excluded_ones_can_be_read(
    app: FmnistApp, runs: Path, size: tuple[int, int]
) -> None:
    four(runs)
    write_run(runs, "v1", seed=9, recipe="origin")
    write_run(runs, "v2", seed=10, log=training(epochs=1)).result.unlink()
    async with app.run_test(size=size) as pilot:
        await at_runs(pilot)
        assert column(pilot, "eligible") == ["no", "no", "yes", "yes", "yes", "yes"]
        assert column(pilot, "accuracy")[0] == ""
        await until(pilot, lambda: "excluded: interrupted" in text_in(pilot, "#about_run"), "the reason is shown")
        await pilot.press("down")
        await until(pilot, lambda: "recipe is origin, not tuned" in text_in(pilot, "#about_run"), "the reason is shown")


@at_the_smallest_size
async def test_v_leads_through_the_views_and_round(app: FmnistApp, runs: Path, size: tuple[int, int]) -> None:
    four(runs)
    async with app.run_test(size=size) as pilot:
        await pilot.press("4")
        await until_shown(pilot, "Total gain from v0 to v3")
        await pilot.press("v")
        await until_shown(pilot, "the bars start at 80%", "v0 measured")
        await pilot.press("v")
        await until(pilot, lambda: "v0" in part(pilot, "#nll") and "┤" in part(pilot, "#nll"), "curves are drawn")
        await pilot.press("v")
        await until(pilot, lambda: len(rows(pilot)) == 4, "all runs are listed")
        await pilot.press("v")
        await until_shown(pilot, "Total gain from v0 to v3")


def test_bars_grow_with_accuracy_and_name_it(runs: Path) -> None:
    four(runs)
    lines = accuracy_bars(comparison_report(compare(read_runs(runs))), 100).plain.splitlines()
    ours = [line for line in lines if "measured" in line]
    doubt = ", one seed"
    assert [line.split("%")[1].strip() for line in ours] == ["", f"+3.00{doubt}", f"+2.00{doubt}", f"+2.00{doubt}"]
    lengths = [line.count("━") + line.count("╸") / 2 for line in ours]
    assert lengths == sorted(lengths)
    assert len(set(lengths)) == 4
    assert sum("reported" in line for line in lines) == 4


def test_without_runs_there_are_no_bars(runs: Path) -> None:
    assert accuracy_bars(comparison_report(compare([])), 100).plain.startswith("Nothing to compare yet")


async def test_s_sorts_the_runs(app: FmnistApp, runs: Path) -> None:
    four(runs)
    async with app.run_test(size=(120, 40)) as pilot:
        await at_runs(pilot)
        assert [row[0][:2] for row in rows(pilot)] == ["v3", "v2", "v1", "v0"]
        await pilot.press("s")
        assert column(pilot, "accuracy") == ["92.00%", "90.00%", "88.00%", "85.00%"]
        assert "best accuracy first" in text_in(pilot, "#about_run")
        for _ in range(3):
            await pilot.press("s")
        assert [row[0][:2] for row in rows(pilot)] == ["v0", "v1", "v2", "v3"]


async def test_keys_that_come_at_once_are_all_heard(app: FmnistApp, runs: Path) -> None:
    four(runs)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await until_shown(pilot, "Total gain")
        for _ in range(3):
            app.screen.action_next_view()  # type: ignore[attr-defined]
        await until(pilot, lambda: rows(pilot) and pilot.app.focused is not None, "the runs are listed")
        await until(pilot, lambda: "newest first" in text_in(pilot, "#about_run"), "the list of runs is shown")
        await pilot.pause(0.3)
        assert widget(pilot, TABS, TabbedContent).active == "runs"
        await pilot.press("v")
        await until(pilot, lambda: widget(pilot, TABS, TabbedContent).active == "summary", "and round")


async def test_x_leaves_a_run_out_of_the_comparison_and_takes_it_in_again(app: FmnistApp, runs: Path) -> None:
    four(runs)
    async with app.run_test(size=(120, 40)) as pilot:
        await at_runs(pilot)
        await pilot.press("x")
        await until(pilot, lambda: column(pilot, "eligible")[0] == "left out", "it is left out")
        assert "excluded: left out by you" in text_in(pilot, "#about_run")
        assert "v3" not in part(pilot, "#comparison")
        await pilot.press("x")
        await until(pilot, lambda: column(pilot, "eligible")[0] == "yes", "it is eligible again")
        assert "v3" in part(pilot, "#comparison")


async def test_space_draws_a_runs_curve_or_takes_it_away(app: FmnistApp, runs: Path) -> None:
    four(runs)
    async with app.run_test(size=(120, 40)) as pilot:
        await at_runs(pilot)
        assert column(pilot, "curve") == ["drawn"] * 4
        await pilot.press("space")
        await until(pilot, lambda: column(pilot, "curve")[0] == "", "it is not drawn")
        await pilot.press("v", "v", "v")
        await until(pilot, lambda: "┤" in part(pilot, "#nll"), "curves are drawn")
        assert "v2" in part(pilot, "#nll")
        assert "v3" not in part(pilot, "#nll")


async def test_at_most_the_maximum_number_of_curves_is_drawn(app: FmnistApp, runs: Path) -> None:
    for seed in range(MAX_CURVES + 1):
        write_run(runs, "v0", seed=seed)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("4")
        await until_shown(pilot, "v0 to v3, recipe tuned")
        await pilot.press("v", "v", "v")
        drawn = 1
        for place in range(MAX_CURVES + 1):
            if column(pilot, "curve")[place] == "":
                await pilot.press("space")
                drawn = min(drawn + 1, MAX_CURVES)
            await until(pilot, lambda: column(pilot, "curve").count("drawn") == drawn, "one more")  # noqa: B023
            await pilot.press("down")
        assert "At most 7 curves" in notices(app)


async def test_enter_shows_the_run_on_the_training_screen(app: FmnistApp, runs: Path) -> None:
    four(runs)
    async with app.run_test(size=(120, 40)) as pilot:
        await at_runs(pilot)
        await pilot.press("down", "enter")
        await until(pilot, lambda: "v2-20260102-000002-00ff finished" in text_in(pilot, "#headline"), "it is shown")


async def test_y_copies_the_comparison_and_writes_it_to_a_file(
    app: FmnistApp, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    four(runs)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("4")
        await until_shown(pilot, "Total gain")
        await pilot.press("y")
        file = tmp_path / "fmnist-tui-export" / "results.md"
        await until(pilot, lambda: f"written to {file}" in notices(app), "the file is shown")
        assert file.read_text() == app.clipboard
        assert "| v3 | 1 | 92.00% | +2.00 (+1.11 to +2.88), one seed |" in app.clipboard


async def test_without_runs_every_key_does_nothing(
    app: FmnistApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with app.run_test() as pilot:
        await pilot.press("4")
        await until_shown(pilot, "No eligible runs")
        await pilot.press("v", "v", "v", "space", "x", "s", "enter", "y")
        assert app.is_running
        assert "No eligible runs" in flat(app)


async def test_l_labels_a_run_and_reports_an_invalid_label(app: FmnistApp, runs: Path) -> None:
    four(runs)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await at_runs(pilot)
        await pilot.press("l", *"best", "tab", *"a b", "tab", *"why", "enter")
        await until(pilot, lambda: column(pilot, "label")[0] == "best", "it has a label")
        assert read_label(find_run(runs, "best")) == Label("best", ("a", "b"), "why")
        await until(pilot, lambda: "#a #b, why" in text_in(pilot, "#about_run"), "tags and note are shown")
        await pilot.press("down", "l", *"best", "enter")
        await until(pilot, lambda: "another run is already named 'best'" in notices(app), "it is refused")


async def test_d_deletes_a_run_after_confirmation(app: FmnistApp, runs: Path) -> None:
    four(runs)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await at_runs(pilot)
        await pilot.press("d", "enter")
        assert len(list_runs(runs)) == 4
        await pilot.press("d", "down", "enter")
        await until(pilot, lambda: len(rows(pilot)) == 3, "it is gone")
        with held(list_runs(runs)[0]):
            await pilot.press("d", "down", "enter")
            await until(pilot, lambda: "has a trainer" in notices(app), "it is refused")
        assert [run.run_id[:2] for run in list_runs(runs)] == ["v2", "v1", "v0"]
        for left in (2, 1, 0):
            assert app.followed
            assert app.followed.run.path.exists()
            await pilot.press("d", "down", "enter")
            await until(pilot, lambda: len(rows(pilot)) == left, "it is gone")  # noqa: B023
        await pilot.press("3")
        await until_shown(pilot, "No run yet")
