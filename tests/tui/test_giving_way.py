from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from runs.test_priority import if_it_can_be_set, nice_of, trained
from runs.trainers import ENDLESS_V0, request

from fmnist_tui.tui.app import FmnistApp

from .driving import until


@if_it_can_be_set
async def test_trainers_give_way_from_a_key_on_until_the_app_is_left(
    make_app: Callable[..., FmnistApp], runs: Path
) -> None:
    with trained(request(runs, ENDLESS_V0)) as trainer:
        app = make_app()
        async with app.run_test() as pilot:
            await until(pilot, lambda: app.runs_state.running, "the run is seen")
            assert nice_of(trainer) == 0
            await pilot.press("2")
            await until(pilot, lambda: nice_of(trainer) > 0, "it gives way")
        assert app.threads.finish(5)
        assert nice_of(trainer) == 0
