"""The views of the Results screen, and what is done in the list of all runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from builtin_names import SPAN
from rich.text import Text
from textual.coordinate import Coordinate
from textual.widgets import ContentSwitcher, DataTable

from fmnist_tui.models.looks import look_of
from fmnist_tui.runs.directory import find_run, list_runs
from fmnist_tui.runs.label import Label, read_label
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.results.comparison import MAX_CURVES
from fmnist_tui.tui.results.runs_view import HEADER
from fmnist_tui.tui.results.view_line import VIEWS
from fmnist_tui.tui.themes import LIGHT
from fmnist_tui.tui.widgets.plain_table import PlainTable

from .driving import (
    AnyPilot,
    at_every_size,
    flat,
    notices,
    part,
    text_in,
    until,
    until_shown,
    widget,
)
from .samples import held, training, write_run

Maker = Callable[..., FmnistApp]


def four(runs: Path) -> None:
    for seed, (version, wrong) in enumerate((("v0", 150), ("v1", 120), ("v2", 100), ("v3", 80))):
        write_run(runs, version, seed=seed, wrong=wrong)


async def at_runs(pilot: AnyPilot) -> None:
    """Opens the list of runs."""
    await pilot.press("4")
    await until_shown(pilot, f"{SPAN}, recipe tuned")
    await pilot.press("r")
    await until(pilot, lambda: rows(pilot), "the runs are listed")


def rows(pilot: AnyPilot) -> list[tuple[str, ...]]:
    table = widget(pilot, "#all_runs", DataTable)
    return [tuple(str(cell).strip() for cell in table.get_row_at(row)) for row in range(table.row_count)]


def first_cell(pilot: AnyPilot) -> Text:
    cell = widget(pilot, "#all_runs", PlainTable).get_cell_at(Coordinate(0, 0))
    assert isinstance(cell, Text)
    return cell


def compared(pilot: AnyPilot) -> list[str]:
    """The versions in the table, once it was shown."""
    table = widget(pilot, "#comparison", DataTable)
    return [str(table.get_row_at(row)[0]) for row in range(table.row_count)]


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


VISIBLE = {
    "overview": "IntervalPlot",
    "table": "#comparison",
    "summary": "#summary_text",
    "curves": "#nll",
    "runs": "#all_runs",
    "calibration": "Diagram",
}


@at_every_size
async def test_each_view_has_a_key_v_leads_through_them_and_escape_back(
    app: FmnistApp, runs: Path, size: tuple[int, int]
) -> None:
    four(runs)
    async with app.run_test(size=size) as pilot:
        await pilot.press("4")
        await until_shown(pilot, "+7.00 points" if size[0] < 112 else "points, 95% CI")
        await until(pilot, lambda: "├" in part(pilot, "IntervalPlot"), "intervals are drawn")
        for view, (key, name, title) in list(VIEWS.items())[1:]:
            await pilot.press(key)
            await until(pilot, lambda: part(pilot, VISIBLE[view]).strip(), f"{view} is shown")  # noqa: B023
            line = text_in(pilot, "ViewLine")
            assert "esc Overview" in line
            assert f"{name} {title}" not in line, "the current view needs no key"
            await pilot.press("escape")
            await until(pilot, lambda: part(pilot, "IntervalPlot"), "the overview is back")
        for view in [*VIEWS, "overview"][1:]:
            await pilot.press("v")
            await until(pilot, lambda: part(pilot, VISIBLE[view]).strip(), f"{view} is shown")  # noqa: B023
        await pilot.press("u")
        await until(pilot, lambda: "v0" in part(pilot, "#nll") and "┤" in part(pilot, "#nll"), "curves are drawn")
        place = text_in(pilot, "ViewLine").index("Runs")
        await pilot.click("ViewLine", offset=(place + 2, 0))
        await until(pilot, lambda: rows(pilot), "a click opens a view")


async def test_runs_are_copied_left_out_drawn_and_sorted(
    app: FmnistApp, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    four(runs)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("4")
        await until_shown(pilot, f"{SPAN}, recipe tuned")
        await pilot.press("y")
        await until(pilot, lambda: "Copied as Markdown" in notices(app), "it is announced")
        assert not list(tmp_path.rglob("*.md")), "nothing is written that wasn't asked for"
        assert "| v3 | 1 | 92.00% | +2.00 (+1.11 to +2.88), one seed |" in app.clipboard
        app.clear_notifications()

        await at_runs(pilot)
        await pilot.press("x")
        await until(pilot, lambda: column(pilot, "eligible")[0] == "left out", "it is left out")
        assert "excluded: left out by you" in text_in(pilot, "#about_run")
        await pilot.press("a")
        await until(pilot, lambda: compared(pilot) == ["v0", "v1", "v2"], "the others are compared")
        await pilot.press("r", "x")
        await until(pilot, lambda: column(pilot, "eligible")[0] == "yes", "it is eligible again")
        await pilot.press("a")
        await until(pilot, lambda: compared(pilot) == ["v0", "v1", "v2", "v3"], "all are compared")
        await pilot.press("r")
        await until(pilot, lambda: column(pilot, "curve") == ["drawn"] * 4, "all are drawn")
        await pilot.press("space")
        await until(pilot, lambda: column(pilot, "curve")[0] == "", "it is not drawn")
        await pilot.press("u")
        await until(pilot, lambda: "┤" in part(pilot, "#nll"), "curves are drawn")
        assert "v2" in part(pilot, "#nll")
        assert "v3" not in part(pilot, "#nll")

        await pilot.press("r")
        assert [row[0][:2] for row in rows(pilot)] == ["v3", "v2", "v1", "v0"]
        await pilot.press("s")
        assert column(pilot, "accuracy") == ["92.00%", "90.00%", "88.00%", "85.00%"]
        assert "best accuracy first" in text_in(pilot, "#about_run")
        for _ in range(3):
            await pilot.press("s")
        assert [row[0][:2] for row in rows(pilot)] == ["v0", "v1", "v2", "v3"]
        app.theme = LIGHT
        colour = f"bold {look_of('v0').colour(dark=False)}"
        await until(pilot, lambda: first_cell(pilot).spans[0].style == colour, "colours follow the theme")


async def test_keys_that_come_at_once_are_all_heard(app: FmnistApp, runs: Path) -> None:
    four(runs)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await until_shown(pilot, f"{SPAN}, recipe tuned")
        for _ in range(4):
            app.screen.action_next_view()  # type: ignore[attr-defined]
        await until(pilot, lambda: rows(pilot) and pilot.app.focused is not None, "the runs are listed")
        await until(pilot, lambda: "newest first" in text_in(pilot, "#about_run"), "the list of runs is shown")
        await pilot.pause(0.3)
        assert widget(pilot, "ContentSwitcher", ContentSwitcher).current == "runs"
        await pilot.press("v", "v")
        assert widget(pilot, "ContentSwitcher", ContentSwitcher).current == "overview", "and round"


async def test_at_most_the_maximum_number_of_curves_is_drawn(app: FmnistApp, runs: Path) -> None:
    for seed in range(MAX_CURVES + 1):
        write_run(runs, "v0", seed=seed)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("4")
        await until_shown(pilot, f"{SPAN}, recipe tuned")
        await pilot.press("r")
        await until(pilot, lambda: rows(pilot), "the runs are listed")
        drawn = 1
        for place in range(MAX_CURVES + 1):
            if column(pilot, "curve")[place] == "":
                await pilot.press("space")
                drawn = min(drawn + 1, MAX_CURVES)
            await until(pilot, lambda: column(pilot, "curve").count("drawn") == drawn, "one more")  # noqa: B023
            await pilot.press("down")
        assert f"At most {MAX_CURVES} curves" in notices(app)


async def test_without_runs_every_key_does_nothing(
    app: FmnistApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with app.run_test() as pilot:
        await pilot.press("4")
        await until_shown(pilot, "No eligible runs")
        await pilot.press("v", "v", "v", "v", "space", "x", "s", "enter", "y", "e", "b", "escape")
        assert app.is_running
        assert "No eligible runs" in flat(app)


async def test_enter_shows_a_run_and_l_labels_one_and_reports_an_invalid_label(app: FmnistApp, runs: Path) -> None:
    four(runs)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await at_runs(pilot)
        await pilot.press("down", "enter")
        await until(pilot, lambda: "v2-20260102-000002-00ff ✓ finished" in text_in(pilot, "#run"), "it is shown")
        await pilot.press("4", "up")
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
