"""Makes the pictures of the README and the docs from the real app: `python assets/make_pictures.py RUNS`.

RUNS is a folder of finished runs, for results and claims; its newest v3 that was trained on a GPU is shown as it ended,
and the layers of its newest v3 that has measurements of them. The other pictures of a training, and the animation, are
taken of a v0 that trains meanwhile on the real images, which takes about a minute.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
import tempfile
from pathlib import Path

from textual.pilot import Pilot

from fmnist_tui.paths import AppPaths, cache_folder
from fmnist_tui.runs.run import read_runs
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.themes import DARK, LIGHT

HERE = Path(__file__).parent
SIZE = (120, 36)
SMALL = (100, 30)
"""Of the animation, each of whose frames is a picture."""
EPOCH = 8
EVERY = 2
"""Epochs between two frames."""
SECONDS_A_FRAME, SECONDS_AT_THE_END = 0.7, 4.0
SECONDS_TO_READ = 3.0
RUNS = 30
"""On the Runs screen."""


def svg_of(pilot: Pilot[None]) -> str:
    """What the app shows now, without the web font that the exporter would fetch."""
    svg = re.sub(r"@font-face \{.*?\}", "", pilot.app.export_screenshot(title="fmnist-tui"), flags=re.DOTALL)
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


async def picture(pilot: Pilot[None], name: str) -> None:
    """Writes what the app shows now."""
    await pilot.pause(1.5)
    (HERE / f"{name}.svg").write_text(svg_of(pilot))


def animation(frames: list[str]) -> str:
    """The frames one after the other, for ever, as one SVG with a CSS animation; the last one stays longer."""
    lengths = [SECONDS_A_FRAME] * (len(frames) - 1) + [SECONDS_AT_THE_END]
    total, begin, rules, parts = sum(lengths), 0.0, [], []
    for number, (frame, length) in enumerate(zip(frames, lengths, strict=True)):
        first, last = 100 * begin / total, 100 * (begin + length) / total
        hidden = f"0%,{first:.3f}%{{opacity:0}}" if number else ""
        rules.append(
            f"@keyframes f{number}{{{hidden}{first + 0.001:.3f}%,{last:.3f}%{{opacity:1}}"
            f"{min(last + 0.001, 100):.3f}%,100%{{opacity:{int(number == len(frames) - 1)}}}}}"
            f".f{number}{{opacity:0;animation:f{number} {total:.1f}s steps(1) infinite}}"
        )
        parts.append(f'<g class="f{number}">{frame}</g>')
        begin += length
    [box] = re.findall(r'viewBox="([^"]*)"', frames[0])[:1]
    style = "\n".join(rules)
    body = "\n".join(parts)
    return f'<svg viewBox="{box}" xmlns="http://www.w3.org/2000/svg">\n<style>\n{style}\n</style>\n{body}\n</svg>\n'


async def still_pictures(runs: Path) -> None:
    """The screens, on finished runs; Results in the light theme, too."""
    app = FmnistApp(AppPaths(runs, None, cache_folder()))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(SECONDS_TO_READ)
        await pilot.press("1")
        await picture(pilot, "dataset")
        await pilot.press("2", "down", "down", "down")
        await picture(pilot, "models")
        await pilot.press("5")
        await pilot.pause(SECONDS_TO_READ)
        await picture(pilot, "why-cnns")
        await pilot.press("4")
        await picture(pilot, "results")
        app.theme = LIGHT
        await picture(pilot, "results-light")
        app.theme = DARK
        await pilot.press("3", "down", "down", "v", "down", "down", "down", "v", "down", "down", "down", "v")
        await picture(pilot, "overlay")
        await pilot.press("4", "w")
        await pilot.pause(SECONDS_TO_READ)
        await pilot.press("v")
        await picture(pilot, "confusion")


async def gpu_picture(runs: Path) -> None:
    """The newest v3 that was trained on a GPU, as it ended."""
    found = [run for run in read_runs(runs) if run.version == "v3" and run.manifest.device.startswith("cuda")]
    if not found:
        return
    app = FmnistApp(AppPaths(runs, None, cache_folder()), attach=found[0].directory)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(SECONDS_TO_READ)
        await picture(pilot, "training-gpu")


async def workspace_picture(runs: Path) -> None:
    """Thirty copies of the runs on the Runs screen, grouped by model."""
    with tempfile.TemporaryDirectory() as folder:
        found = [run for run in sorted(runs.iterdir()) if (run / "events.jsonl").is_file()]
        for number in range(RUNS):
            run = found[number % len(found)]
            copy = Path(folder) / f"{run.name[:-4]}{number:04x}"
            shutil.copytree(run, copy, ignore=shutil.ignore_patterns("model.safetensors", "checkpoints", "snapshots.*"))
        app = FmnistApp(AppPaths(Path(folder), None, cache_folder()))
        async with app.run_test(size=SIZE) as pilot:
            await pilot.pause(SECONDS_TO_READ)
            await pilot.press("7")
            await pilot.pause(SECONDS_TO_READ)
            await pilot.press("space", "g", *"model", "comma", *"recipe", "enter")
            await picture(pilot, "runs")


async def layers_picture(runs: Path) -> None:
    """How the layers of the newest v3 with measurements of them learned: the update ratios."""
    found = [run for run in read_runs(runs) if run.version == "v3" and run.dynamics]
    if not found:
        return
    app = FmnistApp(AppPaths(runs, None, cache_folder()), attach=found[0].directory)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(SECONDS_TO_READ)
        await pilot.press("d", "d")
        await picture(pilot, "layers")


async def training_pictures() -> None:
    """A v0 that is started from the form: a picture after eight epochs or more, and all of it as an animation."""
    with tempfile.TemporaryDirectory() as folder:
        app = FmnistApp(AppPaths(Path(folder), None, cache_folder()), in_app=True)
        async with app.run_test(size=SMALL) as pilot:
            await pilot.pause(SECONDS_TO_READ)
            await pilot.press("2")
            await pilot.pause(1.0)
            frames = [svg_of(pilot)]
            await pilot.press("t")
            seen, is_due = 0, True
            while app.followed is None or app.followed.snapshot.finished is None:
                await pilot.pause(0.2)
                epochs = len(app.followed.snapshot.epochs) if app.followed else 0
                if epochs < seen + EVERY:
                    continue
                seen = epochs
                await pilot.pause(1.2)  # the screen is painted once a second
                frames.append(svg_of(pilot))
                if is_due and seen >= EPOCH:
                    is_due = False
                    await pilot.resize_terminal(*SIZE)
                    await picture(pilot, "training")
                    await pilot.resize_terminal(*SMALL)
            await pilot.pause(SECONDS_TO_READ)
            frames.append(svg_of(pilot))
            (HERE / "live.svg").write_text(animation(frames))


if __name__ == "__main__":
    asyncio.run(still_pictures(Path(sys.argv[1])))
    asyncio.run(gpu_picture(Path(sys.argv[1])))
    asyncio.run(layers_picture(Path(sys.argv[1])))
    asyncio.run(workspace_picture(Path(sys.argv[1])))
    asyncio.run(training_pictures())
