"""The mouse: what a press began ends with it, a drag moves one thing, and a click is on what is under it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.events import MouseDown, MouseEvent, MouseMove, MouseScrollDown, MouseUp
from textual.widget import Widget
from textual.widgets import Button, OptionList, Static

from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.playground.canvas import Canvas
from fmnist_tui.tui.playground.dialogs import ChooseRunsDialog
from fmnist_tui.tui.widgets.chart import Chart
from fmnist_tui.tui.workspace.run_table import RunTable

from .demo_runs import write_demo_run
from .driving import AnyPilot, drawn, loaded, part, until, until_shown, widget
from .samples import training, write_run

Maker = Callable[..., FmnistApp]
Kind = Callable[..., MouseEvent]


async def mouse(pilot: AnyPilot, kind: Kind, x: int, y: int, button: int = 1) -> None:
    """Sends what a terminal does: Pilot's own movements have no button."""
    pilot.app.post_message(kind(None, x, y, 0, 0, button, False, False, False, screen_x=x, screen_y=y))
    await pilot.pause()


def middle(shown: Widget) -> tuple[int, int]:
    """A place in it."""
    return shown.region.x + shown.region.width // 2, shown.region.y + shown.region.height // 2


async def test_a_screen_hears_the_mouse_that_was_pressed_on_another_one(app: FmnistApp) -> None:
    """The canvas kept the mouse, which it can't hear while it isn't shown; no screen but its own heard a click."""
    async with app.run_test() as pilot:
        await loaded(pilot)
        await pilot.press("6")
        x, y = middle(widget(pilot, "Canvas", Canvas))
        await mouse(pilot, MouseDown, x, y)
        await pilot.press("1")
        await mouse(pilot, MouseUp, x, y)
        await pilot.click(list(app.screen.query("Nav .screen"))[1])
        await until(pilot, lambda: app.current_mode == "models", "the click is heard")


async def test_a_screen_hears_the_mouse_that_was_pressed_on_a_chart_which_a_key_hid(
    make_app: Maker, runs: Path
) -> None:
    app = make_app(attach=write_run(runs))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn")
        x, y = middle(widget(pilot, "#loss", Chart))
        await mouse(pilot, MouseDown, x, y)
        await pilot.press("a")
        await mouse(pilot, MouseUp, x, y)
        await pilot.click(app.screen.query("Nav .screen").first())
        await until(pilot, lambda: app.current_mode == "dataset", "the click is heard")


@pytest.mark.parametrize("away", [["question_mark", "escape"], ["1", "6"], []], ids=["help", "a screen", "outside"])
async def test_the_canvas_paints_nothing_without_a_button(app: FmnistApp, away: list[str]) -> None:
    """The release isn't seen over a dialog, on another screen, and by some terminals outside of them."""
    async with app.run_test() as pilot:
        await loaded(pilot)
        await pilot.press("6")
        canvas = widget(pilot, "Canvas", Canvas)
        x, y = middle(canvas)
        await mouse(pilot, MouseDown, x, y)
        await until(pilot, lambda: bool(canvas._image.any()), "the press paints")
        for key in away:
            await pilot.press(key)
            await pilot.pause()
            if key == away[0]:
                await mouse(pilot, MouseUp, x, y)
        before = canvas._image.copy()
        for by in (3, 5):
            await mouse(pilot, MouseMove, x + by, y, button=0)
        await mouse(pilot, MouseMove, x + 7, y)
        assert (canvas._image == before).all()


async def test_texts_are_not_selected_without_a_button(app: FmnistApp) -> None:
    """As on the canvas: the selection began before a dialog, and followed the mouse after it."""
    async with app.run_test() as pilot:
        await loaded(pilot)
        x, y = middle(widget(pilot, "#caption", Static))
        await mouse(pilot, MouseDown, x, y)
        await mouse(pilot, MouseMove, x + 1, y)
        assert app.screen.selections
        await pilot.press("question_mark")
        await mouse(pilot, MouseUp, x, y)
        await pilot.press("escape")
        before = dict(app.screen.selections)
        await mouse(pilot, MouseMove, x + 6, y + 2, button=0)
        assert app.screen.selections == before


async def test_a_double_click_on_a_screens_name_selects_nothing(app: FmnistApp, every_frame: None) -> None:
    async with app.run_test() as pilot:
        await loaded(pilot)
        before = app.screen
        await pilot.click(list(before.query("Nav .screen"))[1], times=2)
        await until(pilot, lambda: app.current_mode == "models", "the screen is shown")
        assert not before.selections
        assert not app.screen.selections


async def test_dragging_a_chart_selects_no_text(make_app: Maker, runs: Path) -> None:
    app = make_app(attach=write_run(runs))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn")
        x, y = middle(widget(pilot, "#loss", Chart))
        await mouse(pilot, MouseDown, x, y)
        for row in (y - 2, 3):
            await mouse(pilot, MouseMove, x + 3, row)
        await mouse(pilot, MouseUp, x + 3, 3)
        assert not app.screen.selections


@asynccontextmanager
async def thirty_runs_shown(app: FmnistApp, runs: Path) -> AsyncIterator[tuple[AnyPilot, RunTable]]:
    """The Runs screen with more runs than its table has lines."""
    for seed in range(30):
        write_run(runs, seed=seed)
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("7")
        await until_shown(pilot, "30 runs")
        yield pilot, widget(pilot, "RunTable", RunTable)


async def test_a_click_on_the_table_of_runs_is_on_the_run_under_the_mouse(app: FmnistApp, runs: Path) -> None:
    """The header and the frame stood for runs that were scrolled away."""
    async with thirty_runs_shown(app, runs) as (pilot, table):
        await pilot.press("end", *["up"] * 4)
        top, before = table.scroll_offset.y, table.current
        assert top > 2
        for y in (0, 1, table.outer_size.height - 1):
            await pilot.click(table, offset=(10, y))
            assert table.current is before, y
        await pilot.click(table, offset=(10, 2))
        assert table._cursor == top, "the first line below the header"


async def test_the_table_of_runs_stays_where_the_wheel_has_turned_it_while_runs_change(
    app: FmnistApp, runs: Path
) -> None:
    """Each look at a running run led back to the cursor."""
    async with thirty_runs_shown(app, runs) as (pilot, table):
        x, y = middle(table)
        for _ in range(5):
            await mouse(pilot, MouseScrollDown, x, y, button=0)
        await until(pilot, lambda: table.scroll_offset.y > 4, "the wheel scrolls")
        await pilot.pause(0.5)
        turned = table.scroll_offset.y
        write_run(runs, "v1", seed=99, log=training("v1", epochs=1))
        app.monitor.look(thorough=True)
        await until_shown(pilot, "31 runs")
        assert table.scroll_offset.y == turned
        await pilot.press("down")
        assert table.scroll_offset.y < turned, "a key leads back to the cursor"


async def test_a_click_on_a_model_shows_its_page_and_a_double_click_marks_it(app: FmnistApp) -> None:
    """Each click marked, so that looking at three models and pressing Train trained three."""

    def label() -> str:
        return str(widget(pilot, "#one", Button).label)

    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "Train v0" in label(), "the form is filled")
        models = widget(pilot, "#versions", OptionList)
        for row in (1, 3, 2):
            await pilot.click(models, offset=(8, row + 1))
        await until(pilot, lambda: "Train v2" in label(), "only the model is trained whose page is shown")
        assert models.highlighted == 2
        await pilot.click(models, offset=(8, 4), times=2)
        await pilot.click(models, offset=(8, 2), times=2)
        await until(pilot, lambda: "Train 2 marked" in label(), "two are marked")


async def test_a_click_marks_a_run_for_the_playground(app: FmnistApp, runs: Path) -> None:
    """A click closed the dialog with the runs that had been marked before."""
    for seed in range(3):
        write_demo_run(runs, "v0", seed=seed, wrong=20 + seed)
    async with app.run_test() as pilot:
        await loaded(pilot)
        await pilot.press("6")
        await until_shown(pilot, "v0")
        await pilot.press("m")
        await until_shown(pilot, "Which runs should predict?")
        for row in (0, 1):
            await pilot.click(OptionList, offset=(8, row))
        await until(pilot, lambda: part(pilot, "OptionList").count("■") == 3, "the clicked ones are marked, too")
        assert isinstance(app.screen, ChooseRunsDialog)
        await pilot.click(OptionList, offset=(8, 0))
        await until(pilot, lambda: part(pilot, "OptionList").count("■") == 2, "and unmarked")
