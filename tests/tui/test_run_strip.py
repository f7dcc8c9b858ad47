"""The runs below the charts: shown, overlaid while they run, and a list that doesn't wrap."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from fmnist_tui.files import write_json
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.run_control import MAX_OVERLAYS
from fmnist_tui.tui.training.run_strip import RunStrip
from fmnist_tui.tui.widgets.chart import Chart

from .driving import AnyPilot, drawn, notices, part, until, until_shown, widget
from .samples import held, started, training, window, write_run

Maker = Callable[..., FmnistApp]


def overlaid(pilot: AnyPilot) -> list[str]:
    """The names of the overlaid curves in the accuracy chart."""
    return [one.name for one in widget(pilot, "#accuracy", Chart).series if one.behind and one.name]


async def test_runs_are_shown_and_overlaid_from_the_strip(make_app: Maker, runs: Path) -> None:
    finished = write_run(runs, "v1", seed=1)
    running = write_run(runs, "v2", seed=2, log=training("v2", epochs=1))
    shown = write_run(runs, "v0", seed=3)
    app = make_app(attach=shown)
    with held(running):
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await until(pilot, lambda: drawn(part(pilot, "#loss")), "the loss is drawn")
            await until_shown(pilot, "● running, epoch 2/10", "✓ finished")
            strip = widget(pilot, "#strip", RunStrip)
            assert list(strip._listed) == [running, shown, finished], "the running one first"
            await pilot.press("home", "up")
            assert strip.current == running, "the list doesn't wrap around"
            await pilot.press("v")
            await until(pilot, lambda: overlaid(pilot) == ["v2"], "the running run is overlaid")
            await pilot.press("end", "down", "v")
            assert strip.current == finished
            await until(pilot, lambda: overlaid(pilot) == ["v2", "v1"], "so is the finished one")
            before = widget(pilot, "#accuracy", Chart).series[-2]
            started(running, *training("v2", epochs=2)[1:], window(101))
            await until(
                pilot, lambda: len(widget(pilot, "#accuracy", Chart).series[-2].x) > len(before.x), "it grows live"
            )
            await pilot.press("v")
            await until(pilot, lambda: overlaid(pilot) == ["v2"], "it is removed again")
            await pilot.press("enter")
            await until_shown(pilot, "v1 Convolutions", "▶ v1")
            assert app.followed is not None
            assert app.followed.run == finished


async def test_columns_are_aligned_beside_a_long_status_but_not_beside_a_sentence(make_app: Maker, runs: Path) -> None:
    finished, _ = write_run(runs, seed=1), write_run(runs, seed=2)
    running = write_run(runs, seed=3, log=training(epochs=1))
    for run, epochs in ((finished, 4), (running, 100_000)):
        content = json.loads(run.run_json.read_bytes())
        content["hyperparameters"]["epochs"] = epochs
        write_json(run.run_json, content)
    app = make_app(attach=running)
    with held(running):
        async with app.run_test(size=(120, 40)) as pilot:
            strip = widget(pilot, "#strip", RunStrip)
            await until_shown(pilot, "● running, epoch 2/100000 ", "stopped after epoch 4 of 30, scored ")
            first, sentence, third = (line.plain.index("test 85.00%") for line in strip._listed.values())
            assert first == third < sentence


async def test_only_so_many_runs_are_overlaid(make_app: Maker, runs: Path) -> None:
    made = [write_run(runs, seed=seed) for seed in range(MAX_OVERLAYS + 2)]
    app = make_app(attach=made[-1])
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, lambda: len(widget(pilot, "#strip", RunStrip)._listed) == len(made), "all are listed")
        for _ in made[1:]:
            await pilot.press("down", "v")
        await until(pilot, lambda: "remove one first" in notices(app), "the last one is too many")
        assert len(app.overlaid) == MAX_OVERLAYS
