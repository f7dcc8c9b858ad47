"""From a stroke to the painted probabilities, in the app's own path: `python -m benchmarks.playground RUNS`.

RUNS is a folder with a scored run of each model to be measured; the app runs without a terminal, and a stroke is a
press of the mouse. Run it in `tests/`.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
from textual.events import MouseDown, MouseUp

from fmnist_tui.inspection.requests import Probabilities
from fmnist_tui.paths import AppPaths
from fmnist_tui.tui import app as app_module
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.playground.canvas import Canvas
from fmnist_tui.tui.playground.predictions import Predictions

_STROKES = 60
_SIZE = (120, 36)
_PATIENCE = 120.0


class _Timed(FmnistApp):
    """Notes when the answers that it has got are painted."""

    CSS_PATH = str(Path(app_module.__file__).parent / "app.tcss")

    def __init__(self, folders: AppPaths) -> None:
        super().__init__(folders)
        self.unpainted: set[str] = set()
        self.painted: dict[str, float] = {}

    def _display(self, screen: Any, renderable: Any) -> None:
        super()._display(screen, renderable)
        now = time.perf_counter()
        self.painted.update(dict.fromkeys(self.unpainted, now))
        self.unpainted.clear()


async def _measure(runs: Path) -> dict[str, list[float]]:
    """Milliseconds from each stroke to the paint, by model."""
    with tempfile.TemporaryDirectory() as folder:
        app = _Timed(AppPaths(runs, "demo", Path(folder) / "cache", None))
        taken = Predictions.on_predictions_answered

        def note(panel: Predictions, message: Predictions.Answered) -> None:
            before = panel._shown
            taken(panel, message)
            if isinstance(message.answer, Probabilities):
                if panel._shown != before:
                    app.unpainted.add(message.run)
                else:  # the same numbers: nothing to paint
                    app.painted[message.run] = time.perf_counter()

        Predictions.on_predictions_answered = note  # type: ignore[assignment, method-assign]
        async with app.run_test(size=_SIZE) as pilot:
            while app.dataset is None or not app.runs_state.complete:
                await pilot.pause(0.1)
            await pilot.press("6")
            chosen = {record.run_id: record.version for record in app.screen.query_one(Predictions).chosen}
            await _until(lambda: len(app.painted) == len(chosen))
            found: dict[str, list[float]] = {version: [] for version in chosen.values()}
            found["app (CPU time)"] = []
            for number in range(_STROKES):
                app.painted.clear()
                begun, busy = time.perf_counter(), time.process_time()
                _press(app, 2 * (number % 28), number % 14)
                await _until(lambda: len(app.painted) == len(chosen))
                for run, version in chosen.items():
                    found[version].append(1000 * (app.painted[run] - begun))
                found["app (CPU time)"].append(1000 * (time.process_time() - busy))
                await asyncio.sleep(0.05)
            return found


def _press(app: FmnistApp, column: int, line: int) -> None:
    """Sends what a terminal sends."""
    area = app.screen.query_one(Canvas).content_region
    for kind in (MouseDown, MouseUp):
        app.post_message(kind(None, area.x + column, area.y + line, 0, 0, 1, shift=False, meta=False, ctrl=False))


async def _until(condition: Any) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        await asyncio.sleep(0.001)


def main() -> None:
    """Prints the median and the ninth decile of each model."""
    for version, times in asyncio.run(_measure(Path(sys.argv[1]))).items():
        high = statistics.quantiles(times, n=10)[-1]
        click.echo(
            f"{version}: median {statistics.median(times):.1f} ms, 90% within {high:.1f} ms, {len(times)} strokes"
        )


if __name__ == "__main__":
    main()
