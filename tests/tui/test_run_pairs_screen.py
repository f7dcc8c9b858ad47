"""Selected runs tested against each other."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Static

from fmnist_tui.tui.app import FmnistApp

from .driving import at_every_size, notices, text_in, until, until_shown, widget
from .samples import training, write_run
from .test_results_views import at_runs, four


@at_every_size
async def test_t_tests_the_run_against_those_whose_curves_are_drawn(
    app: FmnistApp, runs: Path, size: tuple[int, int]
) -> None:
    four(runs)
    other = write_run(runs, "v3", seed=9, recipe="origin", wrong=40)
    async with app.run_test(size=size) as pilot:
        await at_runs(pilot)  # its cursor is on the newest, which is excluded
        await pilot.press("t")
        await until(pilot, lambda: "pair by pair" in text_in(pilot, ".dialog"), "the tests are there")
        await until(pilot, lambda: "Holm" in text_in(pilot, "#pairs"), "the predictions are read")
        expected = " ".join(str(widget(pilot, "#pairs", Static).content).split())
        assert f"{other.run_id} " in expected
        assert "96.00% " in expected
        assert "only v3 (seed 3)" in expected
        assert expected.count("(95% CI ") == 10
        await pilot.press("escape")
        await until_shown(pilot, "newest first")


async def test_a_run_without_a_score_is_named_in_the_dialog(app: FmnistApp, runs: Path) -> None:
    four(runs)
    write_run(runs, "v2", seed=10, log=training(epochs=1)).predictions.unlink()
    async with app.run_test(size=(80, 24)) as pilot:
        await at_runs(pilot)
        await pilot.press("t")
        await until(pilot, lambda: "can't be compared" in text_in(pilot, "#pairs"), "the reason is shown")


async def test_with_one_selected_run_the_advice_is_to_select_another(app: FmnistApp, runs: Path) -> None:
    four(runs)
    async with app.run_test(size=(80, 24)) as pilot:
        await at_runs(pilot)
        for _ in range(4):
            await pilot.press("space", "down")
        await pilot.press("t")
        await until(pilot, lambda: "select another one" in notices(app), "the advice is shown")
