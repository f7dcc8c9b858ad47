"""Makes the pictures of README and docs from the real app and a real run: `python assets/make_pictures.py RUNS`.

RUNS is a folder of finished runs, for the results; the training picture is taken of a v0 that learns meanwhile.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from pathlib import Path

from textual.pilot import Pilot

from fmnist_tui.paths import AppPaths, cache_folder
from fmnist_tui.runs.run import read_runs
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.messages import OverlayToggled, RunSelected

HERE = Path(__file__).parent
SIZE = (120, 36)
EPOCH = 8
SECONDS_TO_READ = 3.0


async def picture(pilot: Pilot[None], name: str) -> None:
    """Writes what the app shows now, without the web font that the exporter would fetch."""
    await pilot.pause(1.5)
    svg = re.sub(r"@font-face \{.*?\}", "", pilot.app.export_screenshot(title="fmnist-tui"), flags=re.DOTALL)
    (HERE / f"{name}.svg").write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n")


async def still_pictures(runs: Path) -> None:
    """Dataset, models, results, and the confusion matrix of the last version's best run."""
    app = FmnistApp(AppPaths(runs, None, cache_folder()))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(1.0)
        await picture(pilot, "dataset")
        await pilot.press("2", "down", "down", "down")
        await picture(pilot, "models")
        await pilot.press("4")
        await picture(pilot, "results")
        await pilot.press("w")
        await pilot.pause(SECONDS_TO_READ)
        await pilot.press("v")
        await picture(pilot, "confusion")


async def overlay_picture(runs: Path) -> None:
    """The newest tuned run of each model in one chart, that of the last model in front."""
    newest = {run.version: run.directory for run in reversed(read_runs(runs)) if run.marked_recipe == "tuned"}
    *others, shown = (newest[model] for model in sorted(newest))
    app = FmnistApp(AppPaths(runs, None, cache_folder()))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("3")
        app.post_message(RunSelected(shown))
        for other in others:
            app.post_message(OverlayToggled(other))
        await pilot.pause(SECONDS_TO_READ)
        await picture(pilot, "overlay")


async def training_picture() -> None:
    """A v0 in its ninth epoch, started from the form; it is stopped afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        app = FmnistApp(AppPaths(Path(folder), None, cache_folder()), in_app=True)
        async with app.run_test(size=SIZE) as pilot:
            await pilot.press("2", "t", "3")
            while app.followed is None or len(app.followed.snapshot.epochs) < EPOCH:
                await pilot.pause(0.5)
            await picture(pilot, "training")
            await pilot.press("q", "down", "enter")


if __name__ == "__main__":
    asyncio.run(still_pictures(Path(sys.argv[1])))
    asyncio.run(overlay_picture(Path(sys.argv[1])))
    asyncio.run(training_picture())
