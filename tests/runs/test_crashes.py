"""Trainers are killed at random moments, again and again; in the end the result equals that of an undisturbed run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from data.samples import write_idx

from fmnist_tui.data import load
from fmnist_tui.paths import cache_folder
from fmnist_tui.runs.control import send_command
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.request import request_run
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.events import CheckpointSaved, Command, StepMetrics
from fmnist_tui.training.recipes import configure

from .trainers import SHORT_V0, SHORT_V3, Watch, assert_undisturbed, finish, kill_somewhere, request, running

REAL_CACHE = cache_folder()
"""Of whoever runs the tests: read before they put another one in its place."""
REAL_V0 = configure("v0", "tuned", {"epochs": 20}, seed=5, limit=6000, threads=1)
REAL_V3 = configure("v3", "tuned", {"epochs": 3, "batch_size": 16}, seed=5, limit=400, device="cpu", threads=1)


def crash(run: RunDirectory, chance: np.random.Generator, most: int) -> int:
    """Kills the run's trainers until one comes to its end or there were `most`; then lets it end. Counts the kills."""
    kills = 0
    while kills < most and status_of(run) is not Status.FINISHED:
        kill_somewhere(run, chance)
        kills += 1
    assert status_of(run) is Status.FINISHED or finish(run) == 0
    return kills


@pytest.mark.slow
def test_a_run_that_is_killed_three_times_ends_as_if_never_interrupted(runs: Path, finished_v0: RunDirectory) -> None:
    run = request(runs, SHORT_V0)
    crash(run, np.random.default_rng(1), 3)
    assert_undisturbed(run, finished_v0)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("config", "kills"), [(REAL_V0, 60), (REAL_V3, 45)], ids=["v0", "v3"])
def test_runs_on_real_images_survive_a_hundred_kills_bit_for_bit(
    tmp_path: Path, config: TrainingConfig, kills: int
) -> None:
    real = load(None, REAL_CACHE)
    images = str(write_idx(tmp_path / "data", real.train, real.test))
    reference = request_run(tmp_path / "reference", config, images)
    assert finish(reference) == 0
    chance = np.random.default_rng(kills)
    suffered = 0
    while suffered < kills:
        run = request_run(tmp_path / "runs", config, images)
        suffered += crash(run, chance, kills - suffered)
        assert_undisturbed(run, reference)
        assert not list(run.path.rglob("*.tmp"))


@pytest.mark.slow
@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_every_cnn_is_resumed_as_if_never_interrupted(runs: Path, version: str) -> None:
    config = replace(SHORT_V3, version=version)
    undisturbed, run = request(runs, config), request(runs, config)
    assert finish(undisturbed) == 0
    for _ in range(2):
        with running(run):
            watch = Watch(run)
            watch.new()
            watch.next(StepMetrics)
            send_command(run, Command.SAVE)
            saved = watch.next(CheckpointSaved)
            watch.next(StepMetrics)
    assert finish(run) == 0
    assert saved.step < 46
    assert_undisturbed(run, undisturbed)
