from __future__ import annotations

import time
from pathlib import Path

import pytest

from fmnist_tui.analysis.probes import analyses
from fmnist_tui.analysis.probes.cache import KINDS, read_findings
from fmnist_tui.analysis.probes.common import Report
from fmnist_tui.analysis.probes.fit import Fit
from fmnist_tui.analysis.probes.permuted import Permuted
from fmnist_tui.analysis.probes.shifts import Shifts
from fmnist_tui.data import Cancelled
from fmnist_tui.data.errors import CancelCheck
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.run import read_run
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.why import measuring

from .driving import AnyPilot, at_every_size, drawn, flat, notices, part, shown, text_in, until, until_shown
from .samples import keep_analyses, write_run

FIVE = (0.9, 0.8, 0.7, 0.6, 0.5)


def four(runs: Path) -> list[RunDirectory]:
    versions = ("v0", "v1", "v2", "v3")
    return [write_run(runs, version, seed=seed, wrong=150 - 20 * seed) for seed, version in enumerate(versions)]


async def at_claim(pilot: AnyPilot, title: str) -> None:
    """Opens the screen, and the claim of that title."""
    await pilot.press("5")
    await until_shown(pilot, "Spatial awareness")
    for _ in range(12):
        if part(pilot, "#claim").find(title) >= 0:
            return
        await pilot.press("right")
        await pilot.pause()
    raise AssertionError(f"no claim {title}:\n{shown(pilot.app)}")


async def numbers(pilot: AnyPilot) -> str:
    """All of the numbers and the method, from their top to their bottom."""
    scroll = pilot.app.screen.query_one("#numbers")
    scroll.scroll_home(animate=False, immediate=True)
    await pilot.pause()
    pages = [text_in(pilot, "#numbers")]
    while scroll.scroll_y < scroll.max_scroll_y:
        scroll.scroll_relative(y=2, animate=False, immediate=True)
        await pilot.pause()
        pages.append(text_in(pilot, "#numbers"))
    return " ".join(pages)


@at_every_size
async def test_without_runs_each_claim_is_a_chart_of_the_reference_runs(app: FmnistApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        await at_claim(pilot, "Spatial awareness")
        assert "✓ supported" in part(pilot, "#claim")
        assert "reference runs" in part(pilot, "#claim")
        assert "v1 permuted" in part(pilot, "#claim")
        text = await numbers(pilot)
        assert "v1 89.13%, permuted 85.70% (-3.43 points)" in text
        assert "press 2 and train, or fmnist-tui train v0 v1" in text
        await pilot.press("right", "right")
        await until(pilot, lambda: drawn(part(pilot, "#claim")), "the curves are drawn")
        assert "? inconclusive" in part(pilot, "#claim")
        await pilot.press("c")
        await until(pilot, lambda: "✓ supported" in part(pilot, "#claim"), "the other recipe's verdict is shown")
        await pilot.press("right")
        await until(pilot, lambda: "Not measured yet." in text_in(pilot, "#claim"), "it says why there is no chart")
        assert "m Measure" not in flat(app)
        assert "q Quit" in flat(app)


async def test_the_most_important_charts_are_shown_at_a_glance_where_there_is_room(app: FmnistApp) -> None:
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("5")
        await until_shown(pilot, "6 supported", "2 not supported", "2 inconclusive", "3 not measured yet")
        for index in (0, 1, 2, 5):
            assert "supported" in part(pilot, f"#claim_{index}") or "inconclusive" in part(pilot, f"#claim_{index}")
        await pilot.press("down", "down", "down")
        await until(pilot, lambda: drawn(part(pilot, "#claim")), "one claim is shown large")
        assert not pilot.app.screen.query_one("#glance").display
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "Translation invariance" in part(pilot, "#claim"), "it is still shown")
        await pilot.press("home")
        await until(pilot, lambda: "Spatial awareness" in part(pilot, "#claim"), "the first of the list is shown")
        await pilot.resize_terminal(120, 36)
        await until(pilot, lambda: "Spatial awareness" in part(pilot, "#claim"), "and still is in the larger list")


async def test_the_users_measurements_replace_the_reference_runs(app: FmnistApp, runs: Path) -> None:
    made = four(runs)
    keep_analyses(made)
    write_run(runs, "v0", seed=9, recipe="origin")
    async with app.run_test() as pilot:
        await at_claim(pilot, "Spatial awareness")
        await until(pilot, lambda: "your runs" in part(pilot, "#claim"), "the runs are read")
        assert "○ reference" in part(pilot, "#claim")
        assert "v1 87.00%, permuted 79.00% (-8.00 points)" in await numbers(pilot)
        assert "Reference runs: supported. v0 85.43%" in await numbers(pilot)
        await pilot.press("right", "right")
        await until(pilot, lambda: "v0 85.0 75.0 65.0 55.0 45.0%" in text_in(pilot, "#numbers"), "the shifts are shown")
        await pilot.press("right", "right", "right", "right", "right")
        await until(pilot, lambda: "(reference runs)" in text_in(pilot, "#claim"), "the reference's is shown")
        assert "m measures it on your runs (about" in await numbers(pilot)
        await pilot.press("c")
        await until(pilot, lambda: "78% of the fall" in text_in(pilot, "#numbers"), "the other recipe is shown")
        assert "fmnist-tui train v3 --recipe origin" in await numbers(pilot)


async def test_m_says_why_it_cannot_measure_and_once_it_can_measures_what_is_missing_and_saves_it(
    app: FmnistApp, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(measuring.ORDER) == set(KINDS)
    made = four(runs)
    async with app.run_test(notifications=True) as pilot:
        await at_claim(pilot, "Translation invariance")
        await until_shown(pilot, "m Measure")
        await pilot.press("m")
        await until(pilot, lambda: "has no model.safetensors" in notices(app), "it is shown")
        await until(pilot, lambda: "m Measure" in flat(app), "it has ended")
        app.clear_notifications()

        for run in made:
            run.model.write_bytes(b"weights")
        monkeypatch.setitem(analyses._COMPUTE, "shifts", lambda *_: Shifts(10, FIVE, FIVE, FIVE, FIVE))
        monkeypatch.setitem(analyses._COMPUTE, "fit", lambda *_: Fit(900, 100, 0.1, 0.2, 0.97, 0.93, 0.01))
        monkeypatch.setitem(analyses._COMPUTE, "permuted", lambda *_: Permuted(5, 100, 100, 0, 0.9, 0.9, 0.8, 0.8))
        await pilot.press("m")
        await until(pilot, lambda: "v3 90.0 80.0 70.0 60.0 50.0%" in text_in(pilot, "#numbers"), "the shifts are shown")
        await until(pilot, lambda: read_findings(read_run(made[1])).permuted, "all is saved")
        for run in made:
            found = read_findings(read_run(run))
            assert all(getattr(found, name) for name in KINDS if name != "permuted")
        assert read_findings(read_run(made[2])).permuted is None
        await until(pilot, lambda: "m Measure" not in flat(app), "nothing is left to measure")


async def test_measuring_goes_on_behind_other_screens_and_can_be_stopped(
    app: FmnistApp, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = four(runs)
    for run in made:
        run.model.write_bytes(b"weights")
    begun: list[str] = []

    def endless(record: object, options: object, report: Report, stop: CancelCheck) -> Shifts:
        begun.append("shifts")
        while not stop():
            report(0.5, "1 pixel up")
            time.sleep(0.01)
        raise Cancelled

    monkeypatch.setitem(analyses._COMPUTE, "fit", lambda *_: Fit(900, 100, 0.1, 0.2, 0.97, 0.93, 0.01))
    monkeypatch.setitem(analyses._COMPUTE, "shifts", endless)
    async with app.run_test(notifications=True) as pilot:
        await at_claim(pilot, "Translation invariance")
        await until_shown(pilot, "m Measure")
        await pilot.press("m")
        await until_shown(pilot, "v0 tuned shifts, 1 pixel up")
        await pilot.press("3", "5")
        await until_shown(pilot, "v0 tuned shifts, 1 pixel up", "esc Stop")
        await pilot.press("escape")
        await until(pilot, lambda: "m Measure" in flat(app), "it has stopped")
        await pilot.press("m")
        await until(pilot, lambda: len(begun) == 2, "it measures again")
    assert read_findings(read_run(made[0])).gaps
    assert read_findings(read_run(made[0])).shifts is None
