"""One picture of each screen, compared with the one that was looked at and accepted.

After a change that is meant: `pytest tests/tui/test_snapshots.py --snapshot-update`, and look at the pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from fmnist_tui.tui import forecast
from fmnist_tui.tui.app import FmnistApp

from .driving import loaded, part, until, until_shown, words_in
from .samples import write_run

Maker = Callable[..., FmnistApp]
Compare = Callable[..., bool]
SIZE = (80, 24)


def test_the_dataset_screen(make_app: Maker, snap_compare: Compare) -> None:
    async def ready(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await pilot.press("right")

    assert snap_compare(make_app(), terminal_size=SIZE, run_before=ready)


def test_the_models_screen(make_app: Maker, snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "matrix_peak", lambda: 1e11)
    monkeypatch.setattr(forecast, "device_names", lambda machine: {"cpu": "2 CPUs, a processor"})

    async def ready(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await pilot.press("2", "end")
        await until_shown(pilot, "v3 Regularised (PyTorch)")
        await until(pilot, lambda: "a processor" in words_in(pilot, "#forecast"), "the time is told")

    assert snap_compare(make_app(), terminal_size=SIZE, run_before=ready)


def test_the_training_screen(make_app: Maker, runs: Path, snap_compare: Compare) -> None:
    run = write_run(runs)

    async def ready(pilot: Pilot[None]) -> None:
        await until(
            pilot, lambda: "validation" in part(pilot, "#loss") and "100%" in part(pilot, "#total"), "it is drawn"
        )
        await until_shown(pilot, f"{run.run_id} finished")

    assert snap_compare(make_app(attach=run), terminal_size=SIZE, run_before=ready)


def test_the_results_screen(make_app: Maker, runs: Path, snap_compare: Compare) -> None:
    for seed, version in enumerate(("v0", "v1", "v2", "v3", "v3")):
        write_run(runs, version, seed=seed, wrong=150 - 20 * seed)
    write_run(runs, "v0", seed=9, recipe="origin")

    async def ready(pilot: Pilot[None]) -> None:
        await pilot.press("4")
        await until_shown(pilot, "Total gain from v0 to v3")

    assert snap_compare(make_app(), terminal_size=SIZE, run_before=ready)
