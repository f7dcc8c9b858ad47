from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Input

from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.settings import Settings, read_settings, write_settings

from .driving import loaded, part, text_in, type_into, until, widget

Maker = Callable[..., FmnistApp]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    chosen = Settings("textual-light", ascii_images=True, inverted=True, form={"epochs": "3", "recipe": "origin"})
    write_settings(tmp_path / "not" / "there" / "choices.json", chosen)
    assert read_settings(tmp_path / "not" / "there" / "choices.json") == chosen


BROKEN = {
    "no file": None,
    "no JSON": "{",
    "a list": "[1]",
    "other types": '{"theme": 3, "ascii_images": "yes", "inverted": null, "form": {"epochs": 3}}',
    "hostile text": '{"theme": "\\u001b[31m", "form": {"epochs": "\\n"}}',
    "a long word": '{"form": {"epochs": "' + "9" * 100 + '"}}',
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_invalid_settings_are_ignored(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "choices.json").write_text(content)
    assert read_settings(tmp_path / "choices.json") == Settings()


async def test_theme_image_mode_and_form_are_there_at_the_next_start(make_app: Maker) -> None:
    first = make_app()
    async with first.run_test() as pilot:
        await loaded(pilot)
        await pilot.press("m")
        first.theme = "textual-light"
        await pilot.press("2")
        await type_into(pilot, "#epochs", "0")
        await pilot.press("enter", "t", "tab", "tab", "backspace", "2", "enter", "t")
        await until(pilot, lambda: first.current_mode == "training", "it is started and shown")
        await pilot.press("s", "down", "enter")
    second = make_app()
    async with second.run_test() as pilot:
        assert second.theme == "textual-light"
        await pilot.press("1")  # or the app would show the run, which is perhaps still being stopped
        await loaded(pilot)
        assert part(pilot, "Thumbnails").isascii()
        await pilot.press("2")
        assert widget(pilot, "#epochs", Input).value == "2"


async def test_choices_that_name_nothing_known_are_passed_over(make_app: Maker, tmp_path: Path) -> None:
    write_settings(tmp_path / "config" / "choices.json", Settings("no-such-theme", form={"recipe": "none", "x": "y"}))
    app = make_app()
    async with app.run_test() as pilot:
        assert app.theme == "lab-dark"
        await pilot.press("2")
        assert "recipe tuned" in text_in(pilot, "TrainForm")


async def test_a_read_only_home_is_no_error(make_app: Maker, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file where the folder should be")
    app = make_app()
    async with app.run_test() as pilot:
        await loaded(pilot)
        await pilot.press("m", "i")
        assert app.is_running


async def test_what_another_app_has_saved_meanwhile_stays(make_app: Maker, tmp_path: Path) -> None:
    file = tmp_path / "config" / "choices.json"
    app = make_app()
    async with app.run_test() as pilot:
        await loaded(pilot)
        write_settings(file, Settings("textual-light", introduced=True, form={"epochs": "3"}))
        await pilot.press("i")
        await until(pilot, lambda: read_settings(file).inverted, "the change is saved")
        assert read_settings(file) == Settings("textual-light", inverted=True, introduced=True, form={"epochs": "3"})
        write_settings(file, Settings())
        await pilot.press("m")
        await until(pilot, lambda: read_settings(file).ascii_images, "the change is saved")
        assert not read_settings(file).inverted
        file.write_text("{")
        await pilot.press("m")
        await until(pilot, lambda: read_settings(file).introduced is False and file.stat().st_size > 1, "it is whole")
