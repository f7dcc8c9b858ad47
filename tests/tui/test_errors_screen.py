from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from textual.geometry import Size
from textual.widgets import DataTable, Tab

from fmnist_tui.data import FASHION_CLASSES
from fmnist_tui.files import write_json
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.errors.gallery import Specimen, specimen_text
from fmnist_tui.tui.errors.heat_map import HeatMap
from fmnist_tui.tui.results.screen import ResultsScreen
from fmnist_tui.tui.themes import THEMES
from fmnist_tui.tui.widgets.images import Picture

from .demo_runs import write_demo_run
from .driving import (
    AnyPilot,
    at_every_size,
    flat,
    loaded,
    part,
    until,
    until_shown,
    widget,
)

Maker = Callable[..., FmnistApp]


def two(runs: Path) -> None:
    """v0 gets 60 of the demo's 500 test images wrong, v3 the first 20 of them."""
    write_demo_run(runs, "v0", seed=0, wrong=60)
    write_demo_run(runs, "v3", seed=1, wrong=20)


async def compare_all(pilot: AnyPilot) -> None:
    """Compares the runs on the demo set, which aren't eligible."""
    await pilot.press("4")
    await until_shown(pilot, "No eligible runs")
    await pilot.press("f")
    await until_shown(pilot, "all scored runs")


async def at_errors(pilot: AnyPilot) -> None:
    """Opens where the last version errs."""
    await loaded(pilot)
    await compare_all(pilot)
    await pilot.press("w")
    await until_shown(pilot, "v3-20260102-000001-00ff", "of 500 wrong")


@at_every_size
async def test_each_view_matches_the_predictions_and_maps_and_galleries_are_walked(
    app: FmnistApp, runs: Path, size: tuple[int, int]
) -> None:
    two(runs)
    async with app.run_test(size=size) as pilot:
        await at_errors(pilot)
        await until_shown(pilot, "v3-20260102-000001-00ff: 96.00%, 20 of 500 wrong", "enter Images")
        assert "precision recall F1" in flat(app)
        table = widget(pilot, "#scores", DataTable)
        assert [str(cell).strip() for cell in table.get_row_at(0)][:5] == [
            "T-shirt/top",
            "96.0%",
            "96.0%",
            "96.0%",
            "Trouser 1",
        ]
        assert "Most confused: true, predicted" in flat(app)

        await pilot.press("v")
        await until_shown(pilot, "true T-shirt/top, predicted Trouser: 1 of 50 (2.0%)")
        lines = part(pilot, "HeatMap").splitlines()
        assert "[1]" in next(line for line in lines if line.startswith("T-shirt"))
        assert next(line for line in lines if line.startswith("Bag")).split() == ["Bag", ".", "1", *"......", "48", "1"]

        await pilot.press("v")
        await until_shown(pilot, "v3's mistakes, the most confident first", "1 of 20, image 13")
        assert "▀" in part(pilot, "Picture")
        assert len(part(pilot, "Picture").strip("\n").splitlines()) == (14 if size == (60, 18) else 28)
        bars = part(pilot, "_Facts").splitlines()
        assert any(line.startswith("✓ Dress") for line in bars)
        assert any(line.startswith("✗ Sandal") and "━━" in line for line in bars)
        assert size == (60, 18) or any(line.startswith("  Ankle boot") for line in bars)
        sure = "" if size == (60, 18) else " (84%)"
        assert f"● v0 Sandal{sure} ✗" in flat(app)
        assert f"◆ v3 Sandal{sure} ✗" in flat(app)

        await pilot.press("v")
        await until_shown(pilot, "ECE 0.", "confidence images correct gap", "87-100%")
        assert "┃" in part(pilot, "#bins")
        await pilot.press("v")
        await until_shown(pilot, "Most confused")
        await pilot.press("escape")
        assert isinstance(app.screen, ResultsScreen)
        await pilot.press("w")
        await until_shown(pilot, "Most confused")
        await walk_the_map(pilot)
        await pilot.press("w")
        await until_shown(pilot, "Most confused")
        await walk_the_galleries(pilot)


async def walk_the_map(pilot: AnyPilot) -> None:
    """A cell leads to its images and back."""
    await pilot.press("v", "left", "left", "left", "up")
    await until_shown(pilot, "T-shirt/top, correct: 48 of 50 (96.0%)")
    await pilot.press("right", "down")
    await until_shown(pilot, "Trouser, correct: 48 of 50")
    await pilot.press(*["down"] * 12, *["right"] * 12, "left")
    await until_shown(pilot, "true Ankle boot, predicted Bag: 0 of 50")
    await pilot.press("enter")
    await until_shown(pilot, "No such images.")
    await pilot.press("escape")
    await until_shown(pilot, "true Ankle boot, predicted Bag: 0 of 50")
    await pilot.press("right", "enter")
    await until_shown(pilot, "Ankle boot, correct", "1 of 48, image")
    assert "✓ Ankle boot" in part(pilot, "_Facts")
    await pilot.press("escape")
    await until_shown(pilot, "Ankle boot, correct: 48 of 50")
    cell = widget(pilot, "HeatMap", HeatMap)
    for _ in range(2):
        await pilot.click(HeatMap, offset=(cell._margin + 1, 1))
    await until_shown(pilot, "T-shirt/top, correct", "1 of 48, image")
    await pilot.press("v", "escape")
    assert isinstance(pilot.app.screen, ResultsScreen)


async def test_escape_leads_back_to_the_matrix_only_from_its_images(app: FmnistApp, runs: Path) -> None:
    """Where its tab had been clicked to leave them, it led there later, instead of to the screen below."""
    two(runs)
    async with app.run_test() as pilot:
        await at_errors(pilot)
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.focused, HeatMap), "the matrix is shown")
        await pilot.press("enter")
        await until_shown(pilot, "true T-shirt/top, predicted Trouser", "1 of 1, image")
        tabs = list(app.screen.query(Tab))
        await pilot.click(tabs[0])
        await until_shown(pilot, "Most confused")
        await pilot.click(tabs[2])
        await until_shown(pilot, "1 of 1, image")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ResultsScreen), "the screen below is shown")


async def walk_the_galleries(pilot: AnyPilot) -> None:
    """G leads through them, left and right through their images."""
    await pilot.press("g")
    await until_shown(pilot, "v3's mistakes", "1 of 20, image 13")
    first = widget(pilot, "Picture", Picture).image
    await pilot.press("left", "right")
    await until_shown(pilot, "2 of 20")
    assert widget(pilot, "Picture", Picture).image is not first
    await pilot.press("end", "right")
    await until_shown(pilot, "20 of 20")
    await pilot.press("pageup")
    await until_shown(pilot, "10 of 20")
    await pilot.press("g")
    await until_shown(
        pilot, "Wrong in all 2 versions, likeliest label errors first", "1 of 20, image 13", "2 of 2 models predict"
    )
    await pilot.press("g")
    await until_shown(pilot, "Images only v3 gets right (not v0)", "1 of 40")
    await pilot.press("g")
    await until_shown(pilot, "v3's mistakes")
    await pilot.press("v", "v", "enter")
    await until_shown(pilot, "true T-shirt/top, predicted Trouser", "1 of 1, image 0")
    await pilot.press("g", "g", "g", "g")
    await until_shown(pilot, "true T-shirt/top, predicted Trouser", "1 of 1, image 0")


async def test_m_draws_in_ascii_and_the_app_remembers(app: FmnistApp, runs: Path) -> None:
    two(runs)
    async with app.run_test() as pilot:
        await at_errors(pilot)
        assert "m ASCII" not in flat(app)
        await pilot.press("g")
        await until_shown(pilot, "1 of 20", "m ASCII")
        await pilot.press("m")
        await until(pilot, lambda: "▀" not in part(pilot, "Picture"), "it is drawn in ASCII")
        assert "#" in part(pilot, "Picture")
        assert app.settings.ascii_images
        await pilot.press("m")
        await until(pilot, lambda: "▀" in part(pilot, "Picture"), "it is drawn in half-blocks")


async def test_in_ascii_every_view_is_ascii(make_app: Maker, runs: Path) -> None:
    two(runs)
    app = make_app(ascii_only=True)
    async with app.run_test(size=(60, 18)) as pilot:
        await at_errors(pilot)
        for word in ("Most confused", "predicted Trouser: 1", "1 of 20", "ECE 0."):
            await until_shown(pilot, word)
            screen = app.export_screenshot(simplify=True)
            assert not {character for character in "━╸┃┄▀·" if character in screen}
            await pilot.press("v")


async def test_without_colour_the_map_is_still_readable(
    make_app: Maker, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    two(runs)
    app = make_app()
    async with app.run_test(size=(60, 18)) as pilot:
        await at_errors(pilot)
        await pilot.press("v")
        await until_shown(pilot, "true T-shirt/top, predicted Trouser: 1 of 50")
        assert "[1]" in part(pilot, "HeatMap")
        await pilot.press("v", "v")
        await until_shown(pilot, "ECE 0.")


async def test_from_the_list_of_runs_it_is_the_run_under_the_cursor(app: FmnistApp, runs: Path) -> None:
    two(runs)
    async with app.run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.press("4")
        await until_shown(pilot, "No eligible runs")
        await pilot.press("r")
        await until(pilot, lambda: widget(pilot, "#all_runs", DataTable).row_count == 2, "the runs are listed")
        await pilot.press("down", "w")
        await until_shown(pilot, "v0-20260102-000000-00ff: 88.00%, 60 of 500 wrong")
        await pilot.press("down", "enter")
        await until_shown(pilot, "true Trouser, predicted")
        await pilot.press("escape")
        await until_shown(pilot, "Most confused")
        await pilot.press("1")
        await until_shown(pilot, "demo, train: 1-")
        await pilot.press("4")
        assert isinstance(app.screen, ResultsScreen)


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (120, 40)])
async def test_class_names_of_any_length_leave_room_for_the_numbers(
    app: FmnistApp, runs: Path, size: tuple[int, int]
) -> None:
    for run in (write_demo_run(runs, "v0", seed=0, wrong=60), write_demo_run(runs, "v3", seed=1, wrong=20)):
        config = json.loads(run.run_json.read_bytes())
        names = [f"{'a very long beginning ' * 4} of class {number}" for number in range(10)]
        write_json(run.run_json, config | {"data": config["data"] | {"classes": names}})
    async with app.run_test(size=size) as pilot:
        await at_errors(pilot)
        await until_shown(pilot, "f class 0", "precision", "recall", "F1", "96.0%", "Most confused")
        await pilot.press("v")
        await until_shown(pilot, "[1]", ": 1 of 50 (2.0%)")
        rows = "\n".join(line.partition(" . ")[0] for line in part(pilot, "HeatMap").splitlines()[1:])
        assert all(f"s {number} " in rows for number in range(10)), rows
        await pilot.press("v")
        await until_shown(pilot, "1 of 20, image 13")
        facts = part(pilot, "_Facts")
        assert "of class 3 " in facts
        assert "━━" in facts


@pytest.mark.parametrize("height", [8, 13, 14, 18, 40])
def test_the_true_and_the_predicted_class_and_every_model_are_seen_in_any_height(height: int) -> None:
    probabilities = np.full(10, 0.01, np.float32)
    probabilities[9] = 0.91
    models = tuple((f"v{number}", 9, 0.9) for number in range(4))
    shown = Specimen(None, "", "1 of 618, image 2914", "", FASHION_CLASSES, 7, probabilities, models)
    lines = specimen_text(shown, Size(28, height), THEMES[0]).plain.splitlines()[:height]
    assert all(any(f" {name} Ankle boot" in line for line in lines) for name, _, _ in models[: max(0, height - 6)])
    if height >= 13:
        assert any(line.startswith("✓ Sneaker") for line in lines)
        assert any(line.startswith("✗ Ankle boot") for line in lines)
    assert sum("%" in line for line in lines) >= min(10, height - 8)


async def test_every_view_is_drawn_in_the_terminals_own_colours_and_help_and_palette_know_the_keys(
    app: FmnistApp, runs: Path
) -> None:
    two(runs)
    async with app.run_test(size=(120, 40)) as pilot:
        app.theme = "ansi-dark"
        await at_errors(pilot)
        for text in ("Most confused", "predicted Trouser: 1", "1 of 20", "ECE 0."):
            await until_shown(pilot, text)
            await pilot.press("v")
        app.theme = "lab-light"
        await until_shown(pilot, "Most confused")
        await pilot.press("question_mark")
        await until_shown(pilot, "Mistakes; wrong in all; right only")
        await pilot.press("escape", "ctrl+p", *"gallery")
        await until_shown(pilot, "Gallery (g)")
