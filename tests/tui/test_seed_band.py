"""The mean over seeds with its 95% band, in the charts of a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from fmnist_tui.analysis.watched_runs import RunLogs, seeds_of
from fmnist_tui.files import write_json
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged, encode
from fmnist_tui.runs.fold import read_snapshot
from fmnist_tui.runs.run import read_run
from fmnist_tui.training.events import Epoch, Event, RunFinished
from fmnist_tui.tui.app import FmnistApp
from fmnist_tui.tui.themes import THEMES
from fmnist_tui.tui.training.seeds import OverSeeds, over_seeds, seed_series

from .driving import part, until
from .samples import STEPS, epoch, held, training, write_run


def better_by(difference: float, epochs: int = 4) -> list[Event]:
    """A training whose validation accuracy is higher after each epoch."""
    events = training(epochs=epochs)
    return [
        replace(one, validation_accuracy=one.validation_accuracy + difference) if isinstance(one, Epoch) else one
        for one in events
    ]


def seeds(runs: Path) -> list[RunDirectory]:
    """Three finished runs with different seeds and accuracies."""
    logs = [[*better_by(number / 100), RunFinished("completed", scored=True)] for number in range(3)]
    return [write_run(runs, seed=number, log=log) for number, log in enumerate(logs)]


def found_for(run: RunDirectory, others: list[RunDirectory]) -> OverSeeds | None:
    """What the charts of this run show beside others."""
    return over_seeds(read_run(run), read_snapshot(run).epochs, [read_run(one) for one in others], RunLogs())


def test_other_seeds_are_runs_that_differ_in_nothing_else(runs: Path) -> None:
    first, second, third = seeds(runs)
    other_rate = write_run(runs, seed=3)
    content = json.loads(other_rate.run_json.read_bytes())
    content["hyperparameters"]["learning_rate"] = 0.7
    write_json(other_rate.run_json, content)
    same_seed = RunDirectory(runs / "v0-20260102-000009-00aa")
    first.path.joinpath("x").touch()
    same_seed.path.mkdir()
    for name in ("run.json", "events.jsonl"):
        (same_seed.path / name).write_bytes((first.path / name).read_bytes())
    others = [second, third, other_rate, same_seed, write_run(runs, "v1"), write_run(runs, seed=5, recipe="origin")]
    found = seeds_of(read_run(first), [read_run(one) for one in [first, *others]])
    assert [one.directory for one in found] == [second, third]


def test_the_mean_and_the_band_are_over_all_seeds_and_drawn_by_the_steps_of_the_run_that_is_shown(runs: Path) -> None:
    first, *others = seeds(runs)
    found = found_for(first, [first, *others])
    assert found is not None
    assert found.epochs == (4, 4, 4)
    snapshot = read_snapshot(first)
    edge, mean = seed_series(found, "accuracy", snapshot, THEMES[0], log=False)
    assert mean.x.tolist() == [STEPS, 2 * STEPS, 3 * STEPS, 4 * STEPS]
    assert mean.y.tolist() == pytest.approx([0.71, 0.79, 0.85, 0.84])
    assert edge.until is not None
    half = 4.302653 * 0.01 / np.sqrt(3)  # Student's t with two degrees of freedom
    assert edge.y.tolist() == pytest.approx((mean.y - half).tolist())
    assert edge.until.tolist() == pytest.approx((mean.y + half).tolist())
    assert (mean.name, mean.end) == ("3 seeds", "mean 84.0%")


def test_a_logarithmic_axis_has_no_band_and_equal_values_have_none_either(runs: Path) -> None:
    first, *others = seeds(runs)
    found = found_for(first, others)
    assert found is not None
    assert len(seed_series(found, "accuracy", read_snapshot(first), THEMES[0], log=True)) == 1
    assert len(seed_series(found, "loss", read_snapshot(first), THEMES[0], log=False)) == 1


def test_there_is_none_for_a_single_seed(runs: Path) -> None:
    first, *_ = seeds(runs)
    assert found_for(first, [first]) is None


async def test_the_training_screen_shows_the_mean_over_seeds_and_follows_them(
    make_app: Callable[..., FmnistApp], runs: Path
) -> None:
    shown = write_run(runs, seed=0)
    other = write_run(runs, seed=1, log=better_by(0.02, epochs=0))
    app = make_app(attach=shown)
    with held(other):
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: "validation" in part(pilot, "#accuracy"), "the chart is drawn")
            assert "seeds" not in part(pilot, "#accuracy")
            with other.events.open("ab") as log:
                log.write(encode(Logged(epoch(1), 2000.0, 900)))
            await until(pilot, lambda: "━ 2 seeds" in part(pilot, "#accuracy"), "the mean over seeds is drawn")
            await pilot.press("x", "x")
            await until(pilot, lambda: "seeds" not in part(pilot, "#accuracy"), "there is none by time")
