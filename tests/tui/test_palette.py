from __future__ import annotations

from pathlib import Path

from rich.style import Style
from textual.command import CommandList, SearchIcon
from textual.events import Click

from fmnist_tui.tui.app import FmnistApp

from .driving import loaded, text_in, until, until_shown
from .samples import write_run

ACTIONS = {
    "1": ("Shuffle (x)", "Histogram (h)", "Large image"),
    "2": ("Train (t)", "Mark (space)"),
    "3": ("Log axis (g)", "Overlay (v)", "Pause (space)"),
    "4": ("Copy (y)", "Export (e)", "View (v)"),
    "r": ("Copy (y)", "Leave out (x)", "Label (l)", "Delete (d)"),
}


async def test_the_palette_has_every_action_of_the_screen_and_the_programs_own(app: FmnistApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        for keys, actions in ACTIONS.items():
            await pilot.press(*keys)
            titles = [command.title for command in app.get_system_commands(app.screen)]
            for expected in (*actions, "Quit (q)", "Help (?)", "Dataset (1)", "Results (4)", "Theme"):
                assert any(title.startswith(expected) for title in titles), (keys, expected)
            assert len(titles) == len(set(titles))
            assert not any(
                title.startswith(f"{text} (") for title, text, *_ in app.get_system_commands(app.screen) if text
            )


async def test_an_action_is_found_by_its_name_and_done(app: FmnistApp, runs: Path) -> None:
    write_run(runs)
    async with app.run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.press("ctrl+p")
        listed = app.screen.query_one(CommandList)
        await until(pilot, lambda: listed.option_count > 1 and listed.highlighted == 0, "actions are listed")
        await pilot.press("up")
        assert listed.highlighted == 0, "it doesn't wrap around"
        await pilot.press(*"Histogram")
        assert str(app.screen.query_one(SearchIcon).icon) == ">"
        await until_shown(pilot, "Histogram of the pixel values")
        await pilot.pause(0.5)
        await pilot.press("enter")
        await until(pilot, lambda: "0 black, 255 white" in text_in(pilot, ".dialog"), "it is done")


async def test_a_click_on_a_command_that_another_search_removed_meanwhile_does_nothing(app: FmnistApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await pilot.press("ctrl+p")
        listed = app.screen.query_one(CommandList)
        await until(pilot, lambda: listed.option_count > 1, "actions are listed")
        last = Style(meta={"option": listed.option_count})
        for _ in range(2):
            listed.post_message(Click(listed, 3, 3, 0, 0, 1, False, False, False, 3, 3, style=last))
        await pilot.pause()
        assert listed.is_attached
