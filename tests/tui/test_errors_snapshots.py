"""One picture of each view of the errors screen; see `test_snapshots`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from fmnist_tui.tui.app import FmnistApp

from .demo_runs import write_demo_run
from .driving import AnyPilot, until_shown
from .test_errors_screen import at_errors


async def test_where_a_run_errs(
    make_app: Callable[..., FmnistApp], runs: Path, looks_right: Callable[[AnyPilot, str], Awaitable[None]]
) -> None:
    write_demo_run(runs, "v0", seed=0, wrong=200)
    write_demo_run(runs, "v3", seed=1, wrong=90)
    pictures: Sequence[tuple[str, list[str], str]] = (
        ("classes", [], "Most confused"),
        ("confusion", ["v"], "predicted"),
        ("mistakes", ["v"], "1 of 90"),
        ("reliability", ["v"], "ECE 0."),
        ("shared", ["v", "g", "g"], "2 of 2 models"),
    )
    async with make_app().run_test(size=(80, 24), notifications=True) as pilot:
        await at_errors(pilot)
        for name, keys, expected in pictures:
            await pilot.press(*keys)
            await until_shown(pilot, expected, "v View g Gallery")
            await looks_right(pilot, name)
