from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from builtin_names import SPAN
from runs.trainers import copy_of
from textual.widgets import DataTable, Input

from fmnist_tui.analysis.comparison import Comparison, compare
from fmnist_tui.files import write_json
from fmnist_tui.report.comparison import COLUMNS, INELIGIBLE_NOTE, comparison_report
from fmnist_tui.report.sentences import paired_sentence
from fmnist_tui.runs.run import Run, read_runs
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.results import comparison as results

from .driving import (
    AnyPilot,
    at_every_size,
    drawn,
    flat,
    notices,
    part,
    text_in,
    type_into,
    until,
    until_shown,
    widget,
)
from .samples import held, run_json, write_run

Maker = Callable[..., FmnistApp]


def four(runs: Path) -> None:
    """All versions, v0 and v3 twice, each better than the one before."""
    for seed, (version, wrong) in enumerate(
        zip(("v0", "v1", "v2", "v3", "v0", "v3"), (150, 120, 100, 80, 140, 90), strict=True)
    ):
        write_run(runs, version, seed=seed, wrong=wrong)


def expected(comparison: Comparison) -> list[tuple[str, ...]]:
    """The table's rows as the report has them."""
    table = comparison_report(comparison).table
    assert table
    return [tuple(cell.text for cell in row) for row in table.rows]


def cells(pilot: AnyPilot) -> list[tuple[str, ...]]:
    """The table's rows."""
    table = widget(pilot, "DataTable", DataTable)
    return [tuple(str(cell).strip() for cell in table.get_row_at(row)) for row in range(table.row_count)]


@at_every_size
async def test_without_runs_it_shows_what_to_do_and_the_reference_runs_in_all_views(
    app: FmnistApp, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await pilot.press("4")
        await until_shown(
            pilot,
            "No eligible runs under the recipe tuned yet. "
            "Press 2 and train all built-in models, or: fmnist-tui train all",
        )
        plot = part(pilot, "IntervalPlot")
        assert all(text in plot for text in ("90.07%", "92.65%", "93.75%", "93.71%", "○ reference runs, shipped with"))
        assert "yours" not in plot
        assert "Reference validation accuracy" in part(pilot, "#overview_accuracy")
        await until(pilot, lambda: drawn(part(pilot, "#overview_accuracy")), "their curves are drawn")
        await pilot.press("a")
        await until_shown(pilot, f"Reference runs: {SPAN}, recipe tuned")
        assert [row[0] for row in cells(pilot)] == ["v0", "v1", "v2", "v3", "v4"]
        await pilot.press("m")
        await until_shown(pilot, "Total gain from v0 to v4: +3.62 points")
        await pilot.press("b")
        await until(pilot, lambda: "ECE 0.0536 reference" in text_in(pilot, "#calibration"), "diagrams are drawn")


@at_every_size
async def test_the_table_has_the_values_of_the_comparison(app: FmnistApp, runs: Path, size: tuple[int, int]) -> None:
    four(runs)
    async with app.run_test(size=size) as pilot:
        await pilot.press("4")
        await until_shown(pilot, f"{SPAN}, recipe tuned")
        await pilot.press("a")
        comparison = compare(read_runs(runs))
        await until(pilot, lambda: cells(pilot) == expected(comparison), "the table is filled")
        headings = [str(column.label).strip() for column in widget(pilot, "DataTable", DataTable).columns.values()]
        assert headings == [column.heading for column in COLUMNS]
        visible = part(pilot, "DataTable")
        assert all(value in visible for value in ("85.50 ± 0.71%", "88.00%", "90.00%", "91.50 ± 0.71%", "+2.50"))
        assert "v0, 2 runs: accuracy 85.50%" in text_in(pilot, "#about_version")
        await pilot.press("down")
        await until(pilot, lambda: "v0 to v1: +2.50 points" in text_in(pilot, "#about_version"), "it is described")
        await pilot.press("m")
        await until_shown(pilot, "Total gain from v0 to v3: +6.00 points")


async def test_paired_tests_and_the_note_on_reported_figures_are_in_the_summary(app: FmnistApp, runs: Path) -> None:
    four(runs)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4", "m")
        await until_shown(pilot, "Total gain")
        for test in compare(read_runs(runs)).paired:
            assert paired_sentence(test).text in flat(app)
        await pilot.press("end")
        await until_shown(pilot, "Mean ± standard deviation")
        assert "The original project scored v1-v3 on a random 9,000" in flat(app)


@at_every_size
async def test_everything_in_the_summary_can_be_scrolled_to(app: FmnistApp, runs: Path, size: tuple[int, int]) -> None:
    four(runs)
    for seed in range(10, 30):
        write_run(runs, "v1", seed=seed, recipe="origin")
    async with app.run_test(size=size) as pilot:
        await pilot.press("4", "m")
        await until_shown(pilot, "Total gain")
        await pilot.press("end")
        await until_shown(pilot, "v1-20260102-000010-00ff recipe is origin, not tuned")


async def test_an_excluded_run_is_listed_with_the_reason(app: FmnistApp, runs: Path, finished_v0: Any) -> None:
    run = copy_of(finished_v0, runs)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4")
        await until_shown(pilot, "Excluded", f"{run.run_id} (recipe modified; data is demo")
        assert "No eligible runs under the recipe tuned yet" in flat(app)
        assert "fmnist-tui train all; f includes excluded runs" in flat(app)
        await pilot.press("c")
        await until_shown(
            pilot, "Press 2, choose origin and train all built-in models, or: fmnist-tui train all --recipe origin"
        )
        assert "f includes" not in flat(app)


async def test_f_compares_all_scored_runs_and_shows_that(app: FmnistApp, runs: Path, finished_v0: Any) -> None:
    copy_of(finished_v0, runs)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4")
        await until_shown(pilot, "No eligible runs")
        await pilot.press("a", "f")
        await until_shown(pilot, f"{SPAN}, recipe tuned, all scored runs")
        assert cells(pilot) == expected(compare(read_runs(runs), apart=True))
        assert cells(pilot)[0][:2] == ("v0 (epochs 3, batch 16, demo data)", "1*")
        await pilot.press("m")
        await until_shown(pilot, INELIGIBLE_NOTE)
        await pilot.press("escape", "f")
        await until_shown(pilot, "No eligible runs")


async def test_with_f_runs_of_unlike_training_have_rows_of_their_own(app: FmnistApp, runs: Path) -> None:
    four(runs)
    few = write_run(runs, "v0", seed=9, wrong=230)
    write_json(few.run_json, {**run_json("v0", 9), "limit": 2000})
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4")
        await until_shown(pilot, f"{SPAN}, recipe tuned")
        assert "77.00%" not in part(pilot, "IntervalPlot")
        await pilot.press("f")
        await until(pilot, lambda: "v0 (2,000 images)" in part(pilot, "IntervalPlot"), "it has a row")
        assert "85.50%" in part(pilot, "IntervalPlot")  # the mean of the others
        assert "77.00%" in part(pilot, "IntervalPlot")


async def test_c_compares_under_the_other_recipe_then_both_and_back(app: FmnistApp, runs: Path) -> None:
    write_run(runs, "v0", seed=1, wrong=100)
    write_run(runs, "v1", seed=2, wrong=50, recipe="origin")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4")
        await until_shown(pilot, f"{SPAN}, recipe tuned")
        await pilot.press("a")
        await until(pilot, lambda: [row[0] for row in cells(pilot)] == ["v0"], "the table is filled")
        await pilot.press("c")
        await until_shown(pilot, f"{SPAN}, recipe origin")
        assert [row[0] for row in cells(pilot)] == ["v1"]
        await pilot.press("c")
        await until_shown(pilot, f"{SPAN}, recipes tuned and origin")
        assert [row[:2] for row in cells(pilot)] == [("v0", "tuned"), ("v1", "origin")]
        await pilot.press("escape")
        await until(pilot, lambda: "v0" in part(pilot, "IntervalPlot"), "the overview")
        assert "v0 tuned" in part(pilot, "IntervalPlot")
        assert "v1 origin" in part(pilot, "IntervalPlot")
        await pilot.press("c")
        await until_shown(pilot, f"{SPAN}, recipe tuned")


async def test_a_slow_comparison_never_replaces_the_one_that_was_asked_for_later(
    app: FmnistApp, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(runs, "v0", seed=1)
    write_run(runs, "v1", seed=2, recipe="origin")
    waiting, answered = threading.Event(), threading.Event()

    def slow_for_origin(records: Sequence[Run], recipe: str, **options: Any) -> Comparison:
        if recipe == "origin":
            waiting.wait(2)
        comparison = compare(records, recipe, **options)
        if recipe == "origin":
            answered.set()
        return comparison

    monkeypatch.setattr(results, "compare", slow_for_origin)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4")
        await until_shown(pilot, "recipe tuned")
        await pilot.press("c", "c", "c")
        await until_shown(pilot, "recipe tuned")
        waiting.set()
        await until(pilot, answered.is_set, "the slow comparison is made")
        await pilot.pause(0.3)
        assert "recipe tuned" in flat(app)
        await pilot.press("a")
        await until(pilot, lambda: [row[0] for row in cells(pilot)] == ["v0"], "the table is filled")


async def test_a_run_that_ended_meanwhile_is_there_at_the_next_look(app: FmnistApp, runs: Path) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("4")
        await until_shown(pilot, "No eligible runs")
        write_run(runs, "v2")
        await pilot.press("1", "4")
        await until_shown(pilot, f"{SPAN}, recipe tuned")
        await pilot.press("a")
        await until(pilot, lambda: [row[0] for row in cells(pilot)] == ["v2"], "the table is filled")


async def test_a_run_that_ends_while_one_waits_here_shows_its_result(app: FmnistApp, runs: Path) -> None:
    run = write_run(runs, "v0")
    with ExitStack() as trainer:
        trainer.enter_context(held(run))
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("4")
            await until_shown(pilot, "still running")
            await until(pilot, lambda: app.running_runs == (run,), "its trainer is seen")
            trainer.close()
            await until(pilot, lambda: "yours" in part(pilot, "IntervalPlot"), "its result is shown")
            await until(pilot, lambda: "No curve" not in part(pilot, "Chart"), "its curve is drawn")


@pytest.mark.usefixtures("blank_figures")
async def test_e_writes_every_runs_files_to_the_folder_that_was_chosen(
    app: FmnistApp, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written = [write_run(runs, "v0", seed=1), write_run(runs, "v3", seed=2)]
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("4")
        await until_shown(pilot, "recipe tuned")
        await pilot.press("e")
        await until_shown(pilot, "enter writes there")
        folder = tmp_path / "chosen"
        assert widget(pilot, "#folder", Input).value == str(tmp_path / "fmnist-tui-export")
        await type_into(pilot, "#folder", "chosen")
        await pilot.press("enter")
        await until(pilot, lambda: f"2 runs written to {folder}" in notices(app), "the folder is shown", patience=60)
        await until_shown(pilot, "2 runs written to")
    assert "| v3 | 1 | 85.00% |" in (folder / "results.md").read_text()
    assert not (tmp_path / "fmnist-tui-export").exists()
    for run, stats in zip(written, ("normal_nn_stats.json", "cnn_model_stats.json"), strict=True):
        files = {path.name for path in (folder / run.run_id).iterdir()}
        expected = {stats, "predictions.npz", "metrics.csv", "training_loss_plot.png", "training_loss_plot.svg"}
        expected |= {f"{name}.{kind}" for name in ("confusion", "reliability") for kind in ("png", "svg")}
        assert files == expected | {"per_class.csv", "confusion.csv"}


@pytest.mark.usefixtures("blank_figures")
async def test_a_failed_export_is_reported_and_the_app_continues(
    app: FmnistApp, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fmnist-tui-export").write_text("a file")
    write_run(runs)
    async with app.run_test(notifications=True) as pilot:
        await pilot.press("4")
        await until_shown(pilot, "recipe tuned")
        await pilot.press("e")
        await until_shown(pilot, "enter writes there")
        await pilot.press("enter")
        await until(pilot, lambda: "can't write to" in notices(app), "the error is shown", patience=60)
        assert "--to" not in notices(app)
        assert app.is_running
