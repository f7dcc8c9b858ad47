"""Trains what is asked for into a folder of runs; what is there already isn't trained again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import click

from fmnist_tui.errors import RunError
from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.launch import launch
from fmnist_tui.runs.request import read_request, request_run
from fmnist_tui.runs.run import Run, read_run
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.config import TrainingConfig

_LOOK_SECONDS = 5.0
_AT_ONCE = 9
"""A GPU has room for as many, and waits for each one's Python most of the time."""


def train_all(runs: Path, configs: Sequence[TrainingConfig]) -> list[Run]:
    """The finished runs of these configurations, in their order; one that was broken off goes on where it was.

    On the CPU one after the other, on a GPU side by side.

    Raises:
        RunError: A training failed.
    """
    with ThreadPoolExecutor(_AT_ONCE if any(config.device != "cpu" for config in configs) else 1) as side_by_side:
        return [read_run(run) for run in side_by_side.map(partial(_finished, runs), configs)]


def _finished(runs: Path, config: TrainingConfig) -> RunDirectory:
    """The run in the folder of runs, once it is finished: of one folder only one run a device trains at a time."""
    if there := _find(runs, config):
        return there
    own = runs / ".training" / f"{config.version}-{config.recipe}-{config.seed}"
    run = _find(own, config) or request_run(own, config, None)
    _train(run, config)
    return RunDirectory(run.path.rename(runs / run.run_id))


def _find(runs: Path, config: TrainingConfig) -> RunDirectory | None:
    return next((run for run in list_runs(runs) if read_request(run).config == config), None)


def _train(run: RunDirectory, config: TrainingConfig) -> None:
    while (status := status_of(run)) is not Status.FINISHED:
        click.echo(f"{run.run_id}: {status}, {config.recipe}, seed {config.seed}", err=True)
        if status.has_trainer:  # an earlier call's, which outlived it
            time.sleep(_LOOK_SECONDS)
        elif launch(run).wait():
            raise RunError(f"{run.run_id} failed, see {run.train_log}")
