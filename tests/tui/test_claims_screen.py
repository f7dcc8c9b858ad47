from __future__ import annotations

from pathlib import Path

import pytest

from fmnist_tui.analysis.probes import analyses
from fmnist_tui.analysis.probes.cache import read_findings
from fmnist_tui.analysis.probes.common import Report
from fmnist_tui.analysis.probes.fit import Fit
from fmnist_tui.analysis.probes.shifts import Shifts
from fmnist_tui.data import Cancelled
from fmnist_tui.data.errors import CancelCheck
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.run import read_run
from fmnist_tui.text import percent
from fmnist_tui.tui.app import FmnistApp

from .driving import AnyPilot, at_the_smallest_size, flat, notices, text_in, until, until_shown
from .samples import keep_analyses, write_run


def four(runs: Path) -> list[RunDirectory]:
    versions = ("v0", "v1", "v2", "v3")
    return [write_run(runs, version, seed=seed, wrong=150 - 20 * seed) for seed, version in enumerate(versions)]


async def at_claims(pilot: AnyPilot) -> None:
    await pilot.press("4")
    await until_shown(pilot, "v0 to v3, recipe tuned")
    await pilot.press("o")
    await until_shown(pilot, "Why the CNN wins (tuned")


async def seen(pilot: AnyPilot) -> str:
    """All of the page, from its top to its bottom."""
    await pilot.press("home")
    pages = [text_in(pilot, "VerticalScroll")]
    while True:
        await pilot.press("pagedown")
        await pilot.pause()
        if (page := text_in(pilot, "VerticalScroll")) == pages[-1]:
            return " ".join(pages)
        pages.append(page)


@at_the_smallest_size
async def test_each_claim_has_its_measurements_or_the_command_that_makes_them(
    app: FmnistApp, runs: Path, size: tuple[int, int]
) -> None:
    made = four(runs)
    keep_analyses(made)
    write_run(runs, "v0", seed=9, recipe="origin")
    async with app.run_test(size=size) as pilot:
        await at_claims(pilot)
        text = await seen(pilot)
        assert "tuned: supported" in text
        assert f"v1 {percent(0.87)}, permuted {percent(0.79)} (-8.00 points)" in text
        assert "v0 85.0 75.0 65.0 55.0 45.0%" in text
        assert "fmnist-tui analyse v3-20260102-000003-00ff --only convergence" in text
        assert "fmnist-tui train v1 v2 v3 --recipe origin" in text
        assert "q Quit" in flat(app)
        await pilot.press("escape")
        await until_shown(pilot, "Total gain from v0 to v3")
        await pilot.press("o", "1")
        assert app.current_mode == "dataset"


async def test_m_measures_what_needs_no_training_and_saves_it(
    app: FmnistApp, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = four(runs)
    keep_analyses(made[:3])
    made[3].model.write_bytes(b"weights")
    five = (0.9, 0.8, 0.7, 0.6, 0.5)
    monkeypatch.setitem(analyses._COMPUTE, "shifts", lambda *_: Shifts(10, five, five, five, five))
    monkeypatch.setitem(analyses._COMPUTE, "fit", lambda *_: Fit(900, 100, 0.1, 0.2, 0.97, 0.93, 0.01))
    async with app.run_test(size=(120, 40)) as pilot:
        await at_claims(pilot)
        await pilot.press("m")
        await until(pilot, lambda: read_findings(read_run(made[3])).shifts, "all is saved")
        shifts = "v3 90.0 80.0 70.0 60.0 50.0%"
        await until(pilot, lambda: shifts in text_in(pilot, "VerticalScroll"), "the shifts are shown")
        for run in made:
            found = read_findings(read_run(run))
            assert found.efficiency
            assert found.gaps
            assert found.convergence
        text = await seen(pilot)
        assert "Regularisation" in text
        assert "not measured yet" not in text


async def test_measuring_can_be_stopped(app: FmnistApp, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = four(runs)
    for run in made:
        run.model.write_bytes(b"weights")
    begun: list[str] = []

    def endless(record: object, options: object, report: Report, stop: CancelCheck) -> Shifts:
        begun.append("shifts")
        while not stop():
            report(0.5, "1 pixel up")
        raise Cancelled

    monkeypatch.setitem(analyses._COMPUTE, "shifts", endless)
    async with app.run_test(notifications=True) as pilot:
        await at_claims(pilot)
        await pilot.press("m")
        await until_shown(pilot, "v0 tuned shifts, 1 pixel up")
        await pilot.press("escape")
        await until(pilot, lambda: "m Measure" in flat(app), "it has stopped")
        assert "Why the CNN wins" in flat(app)
        await pilot.press("m")
        await until(pilot, lambda: len(begun) == 2, "it measures again")
        await pilot.press("3")
        assert app.current_mode == "training"
    assert read_findings(read_run(made[0])).gaps
    assert read_findings(read_run(made[0])).shifts is None


async def test_an_impossible_measurement_is_a_notice(app: FmnistApp, runs: Path) -> None:
    four(runs)
    async with app.run_test(notifications=True) as pilot:
        await at_claims(pilot)
        await pilot.press("m")
        await until(pilot, lambda: "has no model.safetensors" in notices(app), "it is shown")
        await until(pilot, lambda: "m Measure" in flat(app), "it has ended")


async def test_without_runs_the_page_has_the_command_that_trains_them(app: FmnistApp) -> None:
    async with app.run_test() as pilot:
        await pilot.press("4")
        await until_shown(pilot, "No eligible runs")
        await pilot.press("o")
        await until_shown(pilot, "no eligible runs yet", "fmnist-tui train v0 v1")
        await pilot.press("m", "o")
        await until_shown(pilot, "No eligible runs")
