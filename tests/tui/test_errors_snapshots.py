"""One picture of each view of the errors screen; see `test_snapshots`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from textual.pilot import Pilot

from fmnist_tui.tui.app import FmnistApp

from .demo_runs import write_demo_run
from .driving import until_shown
from .test_errors_screen import at_errors


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param([], "Most confused", id="classes"),
        pytest.param(["v"], "predicted", id="confusion"),
        pytest.param(["v", "v"], "1 of 90", id="mistakes"),
        pytest.param(["g", "g"], "2 of 2 models", id="shared"),
        pytest.param(["v", "v", "v"], "ECE 0.", id="reliability"),
    ],
)
def test_where_a_run_errs(
    make_app: Callable[..., FmnistApp],
    runs: Path,
    snap_compare: Callable[..., bool],
    keys: Sequence[str],
    expected: str,
) -> None:
    write_demo_run(runs, "v0", seed=0, wrong=200)
    write_demo_run(runs, "v3", seed=1, wrong=90)

    async def ready(pilot: Pilot[None]) -> None:
        await at_errors(pilot)
        await pilot.press(*keys)
        await until_shown(pilot, expected, "v View g Gallery")

    assert snap_compare(make_app(), terminal_size=(80, 24), run_before=ready)
