from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.dom import DOMNode
from textual.widgets import Button, Input, Label, OptionList, Select, Static

from fmnist_tui.models.registry import BUILT_IN, all_models
from fmnist_tui.runs.directory import list_runs
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.recipes import RECIPES, configure, hyperparameters
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.dialogs.choice import ChoiceDialog
from fmnist_tui.tui.messages import TrainingRequested
from fmnist_tui.tui.models import forecast
from fmnist_tui.tui.run_control import RunControl

from .driving import (
    AnyPilot,
    at_every_size,
    flat,
    loaded,
    part,
    text_in,
    type_into,
    until,
    until_shown,
    widget,
)

FIELDS = ("epochs", "batch_size", "learning_rate", "seed", "seeds", "limit")


class Asked:
    """What the app was asked to train; nothing is."""

    def __init__(self) -> None:
        self.configs: list[TrainingConfig] = []
        self.in_app: bool | None = None

    def note(self, message: TrainingRequested) -> None:
        self.configs += message.configs
        self.in_app = message.in_app


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    asked = Asked()
    monkeypatch.setattr(RunControl, "on_training_requested", lambda _, message: asked.note(message))
    return asked


async def choose(pilot: AnyPilot, selector: str, value: str) -> None:
    """Opens a selection and takes a value, by keys."""
    select = widget(pilot, selector, Select)
    select.focus()
    await pilot.press("enter", "home")
    while select.query_one(OptionList).highlighted != [option for _, option in select._options].index(value):
        await pilot.press("down")
    await pilot.press("enter")
    assert select.value == value


def placeholders(pilot: AnyPilot) -> list[str]:
    return [str(widget(pilot, f"#{name}", Input).placeholder) for name in FIELDS]


@at_every_size
async def test_each_version_has_its_story_its_recipe_and_its_button_and_a_fault_can_be_seen(
    app: FmnistApp, asked: Asked, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await pilot.press("2")
        for version in all_models():
            recipe = hyperparameters(version.name, "tuned")
            assert f"{version.name} {version.title[:5]}" in part(pilot, "#versions")
            await until(pilot, lambda: f"{version.name} {version.title}" in text_in(pilot, "#right"), version.name)  # noqa: B023
            assert f"Train {version.name}" in str(widget(pilot, "#one", Button).label)
            values = [str(recipe.epochs), str(recipe.batch_size)]
            await until(pilot, lambda: placeholders(pilot)[:2] == values, f"{version.name}'s recipe")  # noqa: B023
            assert re.search(rf"epochs +{recipe.epochs}\b", part(pilot, "#left"))
            await pilot.press("down")
        await type_into(pilot, "#epochs", "0")
        widget(pilot, "#versions", OptionList).focus()
        await pilot.press("t")
        assert asked.configs == []
        assert "invalid epochs 0" in text_in(pilot, "#left"), "wherever the form was scrolled to"


async def test_another_recipe_or_version_fills_the_empty_fields_and_leaves_what_was_typed(app: FmnistApp) -> None:
    async with app.run_test() as pilot:
        await pilot.press("2")
        for version in ("v0", "v1"):
            for recipe in ("origin", "tuned"):
                await choose(pilot, "#recipe", recipe)
                known = hyperparameters(version, recipe)
                values = [str(known.epochs), str(known.batch_size), f"{known.learning_rate:g}", "0", "1", "all images"]
                await until(pilot, lambda: placeholders(pilot) == values, f"{version} {recipe}")  # noqa: B023
            widget(pilot, "#versions", OptionList).focus()
            await pilot.press("down")
        await type_into(pilot, "#epochs", "12")
        await choose(pilot, "#recipe", "origin")
        widget(pilot, "#versions", OptionList).focus()
        await pilot.press("down")
        assert widget(pilot, "#epochs", Input).value == "12"


FAULTS = [
    ("epochs", "0", "invalid epochs 0 (must be between 1 and 10,000)"),
    ("epochs", "10001", "invalid epochs 10001 (must be between 1 and 10,000)"),
    ("epochs", "-", "invalid epochs '-' (must be a whole number)"),
    ("batch_size", "0", "invalid batch size 0 (must be between 1 and 10,000)"),
    ("learning_rate", "0", "invalid learning rate 0 (must be above 0 and at most 100)"),
    ("learning_rate", "1e9", "invalid learning rate 1e+09 (must be above 0 and at most 100)"),
    ("learning_rate", "1e999", "invalid learning rate inf (must be above 0 and at most 100)"),
    ("learning_rate", "1e", "invalid learning rate '1e' (must be a number)"),
    ("seed", "-1", "invalid seed -1 (must be between 0 and 4,294,967,295)"),
    ("seeds", "0", "invalid seeds 0 (must be between 1 and 100)"),
    ("seeds", "101", "invalid seeds 101 (must be between 1 and 100)"),
    ("limit", "9", "invalid limit 9 (must be between 10 and 10,000,000)"),
]


async def enter(pilot: AnyPilot, button: str) -> None:
    widget(pilot, button, Button).focus()
    await pilot.press("enter")


async def test_each_error_is_shown_in_its_line_and_starts_nothing_until_it_is_mended(
    app: FmnistApp, asked: Asked, runs: Path
) -> None:
    async with app.run_test() as pilot:
        await pilot.press("2")
        for field, typed, expected in FAULTS:
            await type_into(pilot, f"#{field}", typed)
            await enter(pilot, "#one")
            await until(pilot, lambda: expected in text_in(pilot, "#fault"), expected)  # noqa: B023 - it is awaited here
            widget(pilot, f"#{field}", Input).clear()

        await type_into(pilot, "#seed", "4294967295")
        await type_into(pilot, "#seeds", "2")
        await enter(pilot, "#all")
        await until_shown(pilot, "invalid seed 4294967296")  # what one version can't do starts none of them
        for field in ("seed", "seeds"):
            widget(pilot, f"#{field}", Input).clear()

        await choose(pilot, "#device", "cuda")
        await enter(pilot, "#one")
        expected = "v0 uses NumPy and trains on the CPU only"
        await until(pilot, lambda: expected in text_in(pilot, "#fault"), expected)
        await choose(pilot, "#device", "auto")
        assert asked.configs == []
        assert list_runs(runs) == []

        await type_into(pilot, "#epochs", "0")
        await pilot.press("tab")
        await enter(pilot, "#one")
        await until_shown(pilot, "invalid epochs 0")
        widget(pilot, "#epochs", Input).focus()
        await pilot.press("backspace", "5")
        await enter(pilot, "#one")
        await until(pilot, lambda: asked.configs, "the run is requested")
        assert "invalid epochs" not in flat(app)
        assert [config.hyperparameters.epochs for config in asked.configs] == [5]


async def test_t_asks_for_the_chosen_version_but_in_a_field_is_no_digit(app: FmnistApp, asked: Asked) -> None:
    async with app.run_test() as pilot:
        await loaded(pilot)  # with the 60,000 images assumed until then, v2 takes too long to start unasked
        await pilot.press("2", "down", "down", "t")
        assert asked.configs == [configure("v2", "tuned", {})]
        assert not asked.configs[0].modified
        assert asked.in_app is False

        await pilot.press("home", "up")
        assert widget(pilot, "#versions", OptionList).highlighted == 0, "the list doesn't wrap"
        assert "t Train" in text_in(pilot, "KeyLine")
        widget(pilot, "#epochs", Input).focus()
        await pilot.press("x", "1", "t")
        assert widget(pilot, "#epochs", Input).value == "1"
        expected = "enter Done esc Back to the models tab Next field"
        await until(pilot, lambda: expected in text_in(pilot, "KeyLine"), "the field's keys are shown")
        await pilot.press("enter", "down")
        assert widget(pilot, "#versions", OptionList).highlighted == 1, "enter leaves a field"
        assert len(asked.configs) == 1, "and trains nothing"

        widget(pilot, "#epochs", Input).focus()
        await pilot.press("escape", "end", "down")
        assert widget(pilot, "#versions", OptionList).highlighted == len(all_models()) - 1
        recipes = widget(pilot, "#recipe", Select).query_one(OptionList)
        await pilot.press("tab", "enter", "up")
        assert recipes.highlighted == 0
        await pilot.press("end", "down")
        assert recipes.highlighted == len(RECIPES) - 1
        assert "enter Choose esc Cancel" in text_in(pilot, "KeyLine")


async def test_the_form_changes_only_the_settings_that_it_shows(app: FmnistApp, asked: Asked) -> None:
    async with app.run_test() as pilot:
        await pilot.press("2")
        assert "train in process" in text_in(pilot, "TrainForm")
        await choose(pilot, "#recipe", "origin")
        await choose(pilot, "#device", "cpu")
        for field, typed in zip(FIELDS, ("2", "32", "1e-3", "5", "3", "100"), strict=True):
            await type_into(pilot, f"#{field}", typed)
        await choose(pilot, "#in_app", "app")
        await pilot.click("#one")
        await until_shown(pilot, "Train v0: 3 runs, one after the other?")
        await pilot.press("enter")
        changes = {"epochs": 2, "batch_size": 32, "learning_rate": 1e-3}
        assert asked.configs == [
            configure("v0", "origin", changes, seed=seed, limit=100, device="cpu") for seed in (5, 6, 7)
        ]
        assert asked.in_app is True


async def test_what_differs_from_the_recipe_is_marked_and_excludes_the_run_and_what_auto_comes_to_is_shown(
    app: FmnistApp, asked: Asked
) -> None:
    def flips() -> str:
        return str(widget(pilot, "#flips", Label).render())

    async with app.run_test() as pilot:
        await pilot.press("2")
        assert "Excluded" not in text_in(pilot, "#forecast")
        await type_into(pilot, "#epochs", "3")
        await type_into(pilot, "#batch_size", str(hyperparameters("v0", "tuned").batch_size))
        await until(pilot, lambda: re.search(r"epochs \* +3\b", part(pilot, "TrainForm")), "the change is marked")
        assert "batch size *" not in part(pilot, "TrainForm"), "what is equal is not"
        assert [row.children[1].id for row in app.screen.query(".changed")] == ["epochs"]
        await type_into(pilot, "#limit", "600")
        expected = "Excluded from results (changed: epochs 3, limit 600)"
        await until(pilot, lambda: expected in text_in(pilot, "#forecast"), "the exclusion is shown")
        for field in ("epochs", "batch_size", "limit"):
            widget(pilot, f"#{field}", Input).clear()
        widget(pilot, "#versions", OptionList).focus()

        await pilot.press("down")
        await until(pilot, lambda: flips() == "flips: on", "garments are flipped")
        app.dataset = replace(app.dataset, flips=False)  # type: ignore[type-var]
        await until(pilot, lambda: flips() == "flips: off", "other data is not")
        await choose(pilot, "#flip", "on")
        await until(pilot, lambda: flips() == "flips: on", "as asked")
        assert "Excluded" not in text_in(pilot, "#forecast")  # on Fashion-MNIST it would be as it is anyway
        await choose(pilot, "#flip", "off")
        await until(pilot, lambda: "Excluded from results (changed: flip off)" in text_in(pilot, "#left"), "a change")
        widget(pilot, "#versions", OptionList).focus()
        await pilot.press("t")
        assert asked.configs == [configure("v1", "tuned", {}, flip="off")]


async def test_marked_models_are_trained_together_or_all_of_them_with_every_seed(app: FmnistApp, asked: Asked) -> None:
    async with app.run_test() as pilot:
        await pilot.press("2", "space", "down", "space")
        await until(pilot, lambda: placeholders(pilot)[:2] == ["varies by model"] * 2, "the models differ")
        assert "Train 2 marked" in str(widget(pilot, "#one", Button).label)
        epochs = str(hyperparameters("v0", "tuned").epochs)
        assert epochs != str(hyperparameters("v1", "tuned").epochs)
        await type_into(pilot, "#epochs", epochs)
        expected = f"Excluded from results (changed: epochs {epochs})"
        await until(pilot, lambda: expected in text_in(pilot, "#forecast"), "one of the two is excluded")
        widget(pilot, "#epochs", Input).clear()
        widget(pilot, "#versions", OptionList).focus()
        await pilot.press("t", "enter")
        assert [config.version for config in asked.configs] == ["v0", "v1"]
        await pilot.press("up", "space")
        values = [str(hyperparameters("v1", "tuned").epochs), "128"]
        await until(pilot, lambda: placeholders(pilot)[:2] == values, "v1 alone")
        await pilot.press("down", "space")
        asked.configs.clear()

        await type_into(pilot, "#seeds", "2")
        await pilot.click("#all")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "a question")
        await pilot.press("end", "enter")
        await until(pilot, lambda: not isinstance(app.screen, ChoiceDialog), "no question any more")
        assert asked.configs == []
        await pilot.click("#all")
        await until_shown(pilot, f"Train {' '.join(BUILT_IN)}: {2 * len(BUILT_IN)} runs, one after the other?")
        await pilot.press("enter")
        wanted = [(version, seed) for version in BUILT_IN for seed in (0, 1)]
        assert [(config.version, config.seed) for config in asked.configs] == wanted


async def test_the_form_starts_with_the_settings_of_the_command_line(make_app: Callable[..., FmnistApp]) -> None:
    async with make_app(in_app=True).run_test() as pilot:
        await pilot.press("2")
        assert "train in app" in text_in(pilot, "TrainForm")


async def test_a_start_that_takes_over_ten_minutes_asks_first_and_says_how_long(
    app: FmnistApp, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecast, "matrix_peak", lambda: 1e11)
    monkeypatch.setattr(forecast, "device_names", lambda machine: {"cpu": "2 CPUs"})
    async with app.run_test() as pilot:
        await loaded(pilot)
        await pilot.press("2", *["down"] * BUILT_IN.index("v4"))
        await type_into(pilot, "#epochs", "9999")
        await until(pilot, lambda: re.search(r"t Train v4 \S \d+ h", text_in(pilot, "#one")), "the time is shown")
        await pilot.press("escape", "t")
        await until_shown(pilot, "Train v4? This takes about")
        await pilot.press("end", "enter")
        assert asked.configs == []
        await pilot.press("t", "enter")
        assert [config.version for config in asked.configs] == ["v4"]


async def test_in_the_form_a_key_restyles_little_and_leaves_the_page_alone(
    app: FmnistApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test() as pilot:
        await loaded(pilot)
        await pilot.press("2", "tab", "tab")
        await until(pilot, lambda: app.focused is widget(pilot, "#epochs", Input), "the first field has the focus")
        page = set(app.screen.query("ModelPage Static"))
        restyled, updated = [0], set[Static]()
        update_nodes, update = app.stylesheet.update_nodes, Static.update

        def counting(nodes: Iterable[DOMNode], animate: bool = False) -> None:
            found = list(nodes)
            restyled[0] += len(found)
            update_nodes(found, animate)

        def noting(part: Static, *given: Any, **named: Any) -> None:
            updated.add(part)
            update(part, *given, **named)

        monkeypatch.setattr(app.stylesheet, "update_nodes", counting)
        monkeypatch.setattr(Static, "update", noting)
        await pilot.press("tab")
        assert 0 < restyled[0] < len(list(app.screen.query_one("#train").walk_children()))
        await pilot.press("9", "9")
        await until(pilot, lambda: "batch size *" in part(pilot, "TrainForm"), "the change is marked")
        assert updated
        assert not updated & page
