"""What a new user sees at the very first start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.dataset.sidebar import Introduction, introduction
from fmnist_tui.tui.settings import read_settings

from .driving import AnyPilot, flat, loaded, part, until, until_shown, widget
from .samples import write_run

Maker = Callable[..., FmnistApp]


def is_shown(pilot: AnyPilot) -> bool:
    return widget(pilot, "Introduction", Introduction).display


def test_four_keys_fit_in_a_line_of_the_smallest_terminal() -> None:
    assert introduction(58, brief=True).cell_length <= 58
    assert introduction(78, brief=True).plain.startswith("First model:")
    assert introduction(116, brief=False).plain.startswith("Train small image classifiers")


async def test_the_first_start_shows_the_keys_to_the_first_model_until_there_is_a_run(
    make_app: Maker, runs: Path
) -> None:
    app = make_app(first_start=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        await until_shown(pilot, "Your first model", "2 choose a model t train it 3 watch it learn 4 results")
        await pilot.press("t")
        assert "demo, test" in flat(app), "it blocks no key"
        write_run(runs)
        app.monitor.look()
        await until(pilot, lambda: not is_shown(pilot), "it goes away")


async def test_escape_hides_it_for_good(make_app: Maker, tmp_path: Path) -> None:
    async with (first := make_app(first_start=True)).run_test() as pilot:
        await until(pilot, lambda: is_shown(pilot), "it is shown")
        await loaded(pilot)
        await pilot.press("a", "escape")
        assert is_shown(pilot), "escape leaves the means first"
        assert "class means" not in flat(first)
        await pilot.press("escape")
        assert not is_shown(pilot)
        saved = tmp_path / "config" / "choices.json"
        await until(pilot, lambda: read_settings(saved).introduced, "it is saved")
    async with make_app(first_start=True).run_test() as pilot:
        await loaded(pilot)
        await until(pilot, lambda: pilot.app.runs_state.complete, "the runs are read")  # type: ignore[attr-defined]
        assert not is_shown(pilot)
        assert "escape" not in part(pilot, "KeyLine")
