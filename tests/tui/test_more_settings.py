from __future__ import annotations

from textual.widgets import Button, Input, OptionList

from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.models.form import TrainForm
from fmnist_tui.tui.models.more_settings import MoreSettings

from .driving import AnyPilot, at_every_size, loaded, text_in, until, widget


def shown(pilot: AnyPilot) -> list[str]:
    fields = widget(pilot, "#more", MoreSettings).query(Input)
    return [field.name or "" for field in fields if field.parent and getattr(field.parent, "display", False)]


async def type_setting(pilot: AnyPilot, name: str, value: str) -> None:
    widget(pilot, f"#set-{name.replace('.', '-')}", Input).value = value
    await pilot.pause()


def config(pilot: AnyPilot, model: str) -> TrainingConfig:
    (made,) = pilot.app.screen.query_one(TrainForm).configs([model])
    return made


@at_every_size
async def test_all_settings_are_a_key_away_and_checked_as_they_are_typed(app: FmnistApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        await pilot.press("2")
        more = widget(pilot, "#more", MoreSettings)
        assert not more.query(Input)
        await pilot.press("m")
        await until(pilot, lambda: shown(pilot), "the section is open")
        assert {"model.hidden", "momentum", "target_margin", "warm_up"} <= set(shown(pilot))
        assert not {"precision", "beta1", "model.blocks", "epochs"} & set(shown(pilot))
        assert widget(pilot, "#set-momentum", Input).placeholder == "0.9"
        assert widget(pilot, "#set-model-hidden", Input).placeholder == "300,100"
        focused = pilot.app.focused
        assert isinstance(focused, Input)
        assert focused.name == shown(pilot)[0]
        await type_setting(pilot, "clip", "x")
        await until(pilot, lambda: "invalid clip 'x'" in text_in(pilot, "#fault"), "the fault is shown")
        await type_setting(pilot, "clip", "1.5")
        await type_setting(pilot, "model.hidden", "30,20")
        await until(pilot, lambda: not text_in(pilot, "#fault"), "the fault is gone")
        made = config(pilot, "v0")
        assert (made.hyperparameters.clip, made.model_options) == (1.5, {"hidden": (30, 20)})
        await until(pilot, lambda: "changed" in widget(pilot, "#set-clip", Input).parent.classes, "it is marked")  # type: ignore[union-attr]
        await until(pilot, lambda: "97%" in text_in(pilot, "#right"), "it is measured")
        await pilot.press("escape")
        await pilot.press("m")
        assert not shown(pilot)
        assert str(widget(pilot, "#toggle-more", Button).label) == "+ More settings: 2 set"


async def click_the_line(pilot: AnyPilot) -> None:
    line = widget(pilot, "#toggle-more", Button)
    scrolled = line.screen.query_one("#train VerticalScroll")

    def is_in_view() -> bool:
        line.scroll_visible()
        return scrolled.region.contains_region(line.region)

    await until(pilot, is_in_view, "it is in view")
    await pilot.click(line)


@at_every_size
async def test_a_click_on_the_line_opens_them_as_the_key_does(app: FmnistApp, size: tuple[int, int]) -> None:
    """It made no room, so that at the smallest size no setting was seen."""
    async with app.run_test(size=size) as pilot:
        await loaded(pilot)  # the form moves when the images are there
        await pilot.press("2")
        await click_the_line(pilot)
        await until(pilot, lambda: shown(pilot), "the section is open")
        await pilot.pause()
        focused = app.focused
        assert isinstance(focused, Input)
        assert focused.name == shown(pilot)[0]
        await until(pilot, lambda: "schedule" in text_in(pilot, "#train"), "the first of them is in view")
        await click_the_line(pilot)
        await until(pilot, lambda: not shown(pilot), "another click closes it")
        assert app.focused is widget(pilot, "#versions", OptionList)


async def test_only_what_all_chosen_models_have_is_shown_and_used(app: FmnistApp) -> None:
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("2", "m")
        await until(pilot, lambda: shown(pilot), "the section is open")
        await type_setting(pilot, "model.hidden", "30")
        await type_setting(pilot, "ema", "0.9")
        widget(pilot, "#versions", OptionList).focus()
        await pilot.press("down")
        await until(pilot, lambda: "model.blocks" in shown(pilot), "v1's settings are shown")
        assert "model.hidden" not in shown(pilot)
        assert "momentum" not in shown(pilot)
        assert config(pilot, "v1").model_options == {}
        assert config(pilot, "v1").hyperparameters.ema == 0.9
        await type_setting(pilot, "optimizer", "sgd")
        await until(pilot, lambda: "momentum" in shown(pilot) and "beta1" not in shown(pilot), "SGD's settings")
        await type_setting(pilot, "optimizer", "")
        await type_setting(pilot, "model.blocks", "1")
        await until(pilot, lambda: "126,218 parameters" in text_in(pilot, "#right"), "the network is measured")
        await until(
            pilot, lambda: "(changed: ema 0.9, model.blocks 1)" in text_in(pilot, "#forecast"), "it says what changed"
        )
        await type_setting(pilot, "model.blocks", "5")
        await until(pilot, lambda: "too small for a network of 5 blocks" in text_in(pilot, "#right"), "it says why not")


async def test_values_of_the_last_use_come_back_whether_the_section_is_open_or_not(app: FmnistApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        form = pilot.app.screen.query_one(TrainForm)
        form.fill({"set.ema": "0.95", "epochs": "3"})
        assert config(pilot, "v0").hyperparameters.ema == 0.95
        assert form.values["set.ema"] == "0.95"
        await until(pilot, lambda: "1 set" in str(widget(pilot, "#toggle-more", Button).label), "the line says so")
        await pilot.press("m")
        await until(pilot, lambda: shown(pilot), "the section is open")
        assert widget(pilot, "#set-ema", Input).value == "0.95"
        form.fill({"set.ema": "0.9", "set.clip": "1.5"})
        made = config(pilot, "v0").hyperparameters
        assert (made.ema, made.clip) == (0.95, 1.5)
        assert form.values["set.clip"] == "1.5"
        assert widget(pilot, "#set-clip", Input).value == "1.5"
        await until(pilot, lambda: "2 set" in str(widget(pilot, "#toggle-more", Button).label), "the line says so")
