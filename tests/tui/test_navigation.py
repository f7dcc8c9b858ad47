from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.app import ComposeResult
from textual.widgets import Input

from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.base_screens import LabScreen
from fmnist_tui.tui.cells import fitting
from fmnist_tui.tui.widgets.nav import SCREENS, Nav

from .driving import AnyPilot, loaded, shown, text_in, until, until_shown, widget
from .samples import held, training, write_run


class HasNames(LabScreen):
    """A screen with the line at the top, as the Inspector and the errors have it."""

    def compose(self) -> ComposeResult:
        yield Nav("")


Maker = Callable[..., FmnistApp]
NAMES = tuple(name for name, _ in SCREENS)


async def test_every_screen_leads_to_every_other_by_its_number_and_by_a_click_on_its_name(app: FmnistApp) -> None:
    async with app.run_test() as pilot:
        await loaded(pilot)
        for key in "12131415161718232425262728343536373845464748565758676878":
            await pilot.press(key)
            assert app.current_mode == NAMES[int(key) - 1]
            assert shown(app).startswith(" 1 Data 2 Models 3 Train 4 Results 5 Why 6 Play 7 Runs 8 Sweeps")
        for name, title in (*reversed(SCREENS[:-1]), SCREENS[-1]):  # the last one is shown
            await pilot.click(offset=(shown(app).splitlines()[0].index(title[:3]) + 1, 0))
            assert app.current_mode == name


async def test_titles_are_shorter_where_the_running_run_needs_the_room(app: FmnistApp, runs: Path) -> None:
    with held(write_run(runs, log=training(epochs=1))):
        async with app.run_test(size=(60, 18)) as pilot:
            await until_shown(pilot, "1 2 3 Train 4 5 6 7 8 v0 running epoch 2/4")
            await pilot.resize_terminal(120, 36)
            await until_shown(pilot, "5 Why CNNs 6 Playground 7 Runs 8 Sweeps v0 running epoch 2/4")


def test_the_running_run_is_named_in_as_many_words_as_fit() -> None:
    texts = ("v0 running, not responding epoch 2/30 +1", "v0 not responding epoch 2/30 +1", "v0 not responding +1")
    assert [fitting(texts, width) for width in (40, 39, 30, 9)] == [*texts, texts[-1]]


OPENERS = {
    "help": ("1", "question_mark"),
    "the large image": ("1", "enter"),
    "the list of runs": ("3", "o"),
    "the question how to stop": ("3", "s"),
    "the question before quitting": ("1", "q"),
}


async def test_a_number_leads_away_from_what_is_open_over_a_screen(app: FmnistApp, runs: Path) -> None:
    with held(write_run(runs, log=training(epochs=1))):
        async with app.run_test() as pilot:
            await pilot.press("1")  # or the app would choose the screen
            await loaded(pilot)
            await until(pilot, lambda: app.followed is not None, "the live run is followed")
            for opened, keys in OPENERS.items():
                await pilot.press(*keys)
                assert len(app.screen_stack) == 2, opened
                await pilot.press("4")
                assert app.current_mode == "results", opened
                await pilot.press(keys[0])
                assert len(app.screen_stack) == 1, opened


@pytest.mark.timeout(60)
async def test_a_click_on_a_name_leads_away_from_a_screen_that_was_opened_over_another(app: FmnistApp) -> None:
    """The click's action once waited for the end of the screen that it was on, which waited for the action."""
    async with app.run_test() as pilot:
        await loaded(pilot)
        for over in (HasNames(), HasNames()):
            await app.push_screen(over)
            await pilot.click(over.query(".screen").last())
            await until(pilot, lambda: len(app.screen_stack) == 1, "it is closed")
            assert app.current_mode == NAMES[-1]


async def test_a_click_on_a_name_leads_away_from_the_errors(app: FmnistApp, runs: Path) -> None:
    write_run(runs, seed=1)
    async with app.run_test() as pilot:
        await loaded(pilot)
        await pilot.press("4")
        await until_shown(pilot, "w Errors")
        await pilot.press("w")
        await until_shown(pilot, "esc Back")
        await pilot.click(app.screen.query("Nav .screen").first())
        await until(pilot, lambda: app.current_mode == "dataset", "the screen that was clicked on is shown")
        assert len(app.screen_stack) == 1


HELP = {
    "1": ("Switch between training and test images", "Draw images with half-blocks", "Large image"),
    "2": ("Train the marked models, or the highlighted one",),
    "3": (
        "Pause the run",
        "Stop the run",
        "Resume a stopped",
        "Logarithmic loss axis",
        "Choose the run",
    ),
    "5": ("The next claim", "Runs of the other recipe"),
    "6": ("Paint with the eraser", "Rotate clockwise by 10 degrees", "Shift up"),
    "4": ("Compare under the recipe tuned, origin", "Compare ineligible runs, too", "Write tables, statistics"),
}


async def test_help_lists_the_keys_of_the_screen_it_was_asked_on(app: FmnistApp) -> None:
    async with app.run_test(size=(60, 18)) as pilot:  # in one column, so that sentences can be found
        await loaded(pilot)
        for key, expected in HELP.items():
            await pilot.press(key, "question_mark")
            text = await scrolled_through(pilot)
            for line in (
                *expected,
                "Quit",
                "Dataset",
                "Models",
                "Training",
                "Results",
                "Why CNNs",
                "Playground",
                "All keys",
            ):
                assert line in text
            others = {word for other in HELP if other != key for word in HELP[other]}
            assert not [word for word in others if word in text]
            await pilot.press("escape")


async def scrolled_through(pilot: AnyPilot) -> str:
    """All that a dialog shows from its top to its bottom, borders and line breaks left out."""
    seen: list[str] = []
    while not seen or seen[-1] != text_in(pilot, ".dialog"):
        seen.append(text_in(pilot, ".dialog"))
        await pilot.press("pagedown")
    return " ".join(seen)


async def test_help_and_palette_open_and_close_and_a_screen_keeps_what_was_done_on_it(app: FmnistApp) -> None:
    async with app.run_test() as pilot:
        await loaded(pilot)
        for key in ("escape", "question_mark", "q", "enter"):
            await pilot.press("question_mark")
            assert len(app.screen_stack) == 2
            await pilot.press(key)
            assert len(app.screen_stack) == 1, key
            assert app.is_running
        await pilot.press("ctrl+p")
        await until(pilot, lambda: len(app.screen_stack) == 2, "the palette is open")
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1, "it is closed")

        await pilot.press("t", "n", "2", "down", "3", "1")
        await until_shown(pilot, "demo, test: 7-12 of 500")
        await pilot.press("2")
        await until_shown(pilot, "v1 Convolutions · 121k parameters")
        await pilot.press("tab", "tab", *"1234")
        assert widget(pilot, "#epochs", Input).value == "1234", "numbers typed into a field lead nowhere"
        assert app.current_mode == "models"
        await pilot.press("escape", "3")
        assert app.current_mode == "training"


async def test_the_top_line_shows_the_running_run_on_every_screen(app: FmnistApp, runs: Path) -> None:
    with held(write_run(runs, log=training(epochs=1))):
        async with app.run_test() as pilot:
            for key in "12345678":
                await pilot.press(key)
                await until(pilot, lambda: "v0 running" in shown(app).splitlines()[0], "the top line shows it")
