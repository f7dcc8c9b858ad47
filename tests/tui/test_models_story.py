"""What the Models screen shows about each model."""

from __future__ import annotations

from functools import partial

from fmnist_tui.models.layers import layer_table
from fmnist_tui.models.registry import BUILT_IN, get_model
from fmnist_tui.text import grouped, percent
from fmnist_tui.tui.app import FmnistApp

from .driving import AnyPilot, at_every_size, part, text_in, until


async def test_the_story_has_the_facts_the_layers_and_the_origins_figures(app: FmnistApp) -> None:
    async with app.run_test(size=(120, 60)) as pilot:
        await pilot.press("2", *["down"] * BUILT_IN.index("v3"))
        await until(pilot, lambda: "v3 Regularised · PyTorch" in text_in(pilot, "#right"), "v3 is shown")
        for expected in (f"{grouped(5_858_442)} parameters", f"{percent(0.9319)} (loss 0.2689)"):
            assert expected in text_in(pilot, "#right")
        for layer in layer_table(get_model("v3")).layers:
            assert layer.kind in part(pilot, "#layers")


@at_every_size
async def test_the_whole_story_can_be_read_by_scrolling(app: FmnistApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        await pilot.press("2")
        story = app.screen.query_one("#right")
        await until(pilot, lambda: "v0 Dense" in text_in(pilot, "#right") and story.max_scroll_y, "v0 is shown")
        story.focus()
        await pilot.press("end")
        await until(
            pilot, lambda: text_in(pilot, "#right").endswith("official test images, once, at the end."), "it is read"
        )


async def test_no_heading_of_any_models_layer_table_is_cut_off_at_80_columns(app: FmnistApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        story, layers = app.screen.query_one("#right"), app.screen.query_one("#layers")
        for name in BUILT_IN:
            story.scroll_home(animate=False)
            await until(pilot, partial(is_open, pilot, name), f"{name} is shown")
            story.scroll_to_widget(layers, animate=False, top=True)
            await until(pilot, lambda: "layer output params" in text_in(pilot, "#layers"), "whole headings are shown")
            [headings] = [line for line in part(pilot, "#layers").splitlines() if "params" in line]
            assert "…" not in headings, name
            await pilot.press("down")


def is_open(pilot: AnyPilot, name: str) -> bool:
    """Whether the top of the model's page is shown."""
    return f"{name} {get_model(name).title}"[:20] in text_in(pilot, "#right")
