"""Trains what is asked for into a folder of runs, one after the other; what is there already isn't trained again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click

from fmnist_tui.analysis.record import RunRecord, read_record
from fmnist_tui.runs.directory import RunDirectory, RunError, list_runs
from fmnist_tui.runs.launch import launch
from fmnist_tui.runs.request import read_request, request_run
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.config import TrainingConfig

_LOOK_SECONDS = 5.0


def train_all(runs: Path, configs: Sequence[TrainingConfig]) -> list[RunRecord]:
    """The finished runs of these configurations, in their order; one that was broken off goes on where it was.

    Raises:
        RunError: A training failed.
    """
    return [read_record(_trained(runs, config)) for config in configs]


def _trained(runs: Path, config: TrainingConfig) -> RunDirectory:
    run = next((run for run in list_runs(runs) if read_request(run).config == config), None)
    run = run or request_run(runs, config, None)
    while (status := status_of(run)) is not Status.FINISHED:
        click.echo(f"{run.run_id}: {status}, {config.recipe}, seed {config.seed}", err=True)
        if status.has_trainer:  # an earlier call's, which outlived it
            time.sleep(_LOOK_SECONDS)
        elif launch(run).wait():
            raise RunError(f"{run.run_id} failed, see {run.train_log}")
    return run
