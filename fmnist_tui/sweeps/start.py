"""Starting, stopping, resuming and extending sweeps, for the command line and the app."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from fmnist_tui.errors import RunError
from fmnist_tui.models.options import ConfigError
from fmnist_tui.models.registry import get_model
from fmnist_tui.paths import AppPaths
from fmnist_tui.runs.cluster.options import SLURM, Launch, save_launch, saved_launch
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.queue.devices import visible_gpus
from fmnist_tui.runs.start import check_startable, disk_space_warning, with_current_code
from fmnist_tui.sweeps.directory import MOST_TRIALS, SweepDirectory, SweepSettings, create_sweep
from fmnist_tui.sweeps.halving import ETA, rungs_of
from fmnist_tui.sweeps.log import Resumed, Stopped, append, read_state
from fmnist_tui.sweeps.samplers import GRID, RANDOM, TPE, check_sampler, propose
from fmnist_tui.sweeps.slurm import cancel_waiting, leave_slurm, live_tasks, submit_workers, tasks_of
from fmnist_tui.sweeps.space import Space, full_name, is_search, parse_space, trial_config
from fmnist_tui.sweeps.worker import live_workers, start_worker, stop_trainers
from fmnist_tui.text import counted
from fmnist_tui.training.config import TrainingConfig, check_device
from fmnist_tui.training.recipes import check_effective, configure

_MOST_CHECKED = 200
"""Trials whose settings are checked before the first one starts."""


@dataclass(frozen=True, kw_only=True)
class SweepRequest:
    """What a user asks for.

    Attributes:
        model: The model's name.
        given: Settings as typed, by name: those with several values are searched, all trials have the others.
        trials: How many; None for all combinations.
        sampler: "grid", "random" or "tpe"; None for random, or a grid if no number of trials is given.
        seed: Of the sampler and of each trial's training.
        halving: Whether trials are halved.
        min_epochs: The first rung's epoch.
        eta: One of so many trials is promoted.
        retrain_seeds: With how many seeds the winner is retrained.
        workers: Trials at a time; None for one on each GPU of this machine.
    """

    model: str
    given: Mapping[str, str]
    trials: int | None = None
    sampler: str | None = None
    seed: int = 0
    halving: bool = False
    min_epochs: int = 1
    eta: int = ETA
    retrain_seeds: int = 3
    workers: int | None = None


def request_sweep(
    asked: SweepRequest, folders: AppPaths, *, here: bool = True, **config: Any
) -> tuple[SweepDirectory, str]:
    """Create a sweep, once it is known that its first trials can start; nothing runs yet.

    Args:
        asked: What to search, and how.
        folders: The folders.
        here: Whether its workers run on this machine, so that it must have the device.
        **config: Further arguments of `configure`.

    Returns:
        The sweep, and a warning if the disk may be too small for it, or "".

    Raises:
        ConfigError: A setting or a range is invalid, or the sweep makes no sense; the text says why.
        DataError: The data folder doesn't contain the data.
        RunError: The folder can't be written.
    """
    model = get_model(asked.model)
    given = _by_full_name(asked.given)
    searched = {name: text for name, text in given.items() if is_search(model, name, text)}
    fixed = {name: text for name, text in given.items() if name not in searched}
    if not searched:
        raise ConfigError("nothing to search: give a setting several values, such as --set lr=log:1e-4:1e-2")
    space = parse_space(model, searched)
    check_device(model, config.get("device", "auto"))
    base = configure(asked.model, given=fixed, seed=asked.seed, **config)
    if "optimizer" not in searched:
        check_effective(base.hyperparameters, searched)
    if asked.halving and "epochs" in searched:
        raise ConfigError("halving compares trials of the same length: fix the number of epochs with --epochs")
    min_epochs = asked.min_epochs if asked.halving else None
    rungs_of(base.hyperparameters.epochs, min_epochs, asked.eta)
    sampler = asked.sampler or (RANDOM if asked.trials else GRID)
    trials = check_sampler(sampler, space, asked.trials)
    if trials > MOST_TRIALS:
        raise ConfigError(f"{counted(trials, 'combination')}, at most {MOST_TRIALS:,} can be tried: use --trials N")
    (base,) = with_current_code([base], folders.data, folders.cache)
    configs = _first_configs(base, space, sampler, trials)
    images = check_startable(configs, folders.data, folders.cache, here=here)
    n_runs = trials + asked.retrain_seeds
    settings = SweepSettings(
        config=base.to_json(),
        space=space.texts,
        sampler=sampler,
        trials=trials,
        seed=asked.seed,
        min_epochs=min_epochs,
        eta=asked.eta,
        retrain_seeds=asked.retrain_seeds,
        workers=asked.workers or max(1, min(trials, len(visible_gpus([base])) if here else 1)),
        data=folders.data,
        argv=sys.argv,
        created=time.time(),
    )
    warning = disk_space_warning(folders.runs, [*configs, *[base] * (n_runs - len(configs))], *images)
    return create_sweep(folders.runs, settings), warning


def _by_full_name(given: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, text in given.items():
        full = full_name(name)
        if full in found:
            raise ConfigError(f"{full} is set twice")
        found[full] = text
    return found


def _first_configs(base: TrainingConfig, space: Space, sampler: str, trials: int) -> list[TrainingConfig]:
    """Those of the first trials, as far as they are known before any has been trained.

    Raises:
        ConfigError: One can't be trained; the text names it.
    """
    if sampler == TPE:
        return [base]
    found = []
    for number in range(min(trials, _MOST_CHECKED)):
        settings = propose(sampler, space, base.seed, number, (), None)
        try:
            found.append(trial_config(base, space, settings))
        except ConfigError as error:
            listed = ", ".join(f"{name}={value}" for name, value in space.write(settings).items())
            raise ConfigError(f"trial {number} can't be trained ({listed}): {error}") from None
    return found


def start_workers(
    sweep: SweepDirectory, workers: int | None = None, launch: Launch | None = None, *, ending: bool = False
) -> list[subprocess.Popen[bytes]]:
    """Start as many workers as are missing; return those that are processes on this machine.

    Args:
        sweep: The sweep.
        workers: How many there should be; None for as many as were asked for at its start.
        launch: Where: on this machine or as Slurm jobs; None for where this user started them last.
        ending: Whether those that still run are about to end.

    Raises:
        RunError: One can't be started, the sweep can't be read, or Slurm refuses the job.
    """
    run = RunDirectory(sweep.path)
    launch = launch or saved_launch(run)
    wanted = workers or sweep.settings.workers
    save_launch(run, launch)
    if launch.target == SLURM:
        alive = 0 if ending else sum(bool(task.id) for task in live_tasks(tasks_of(sweep)))
        if wanted > alive:
            submit_workers(sweep, wanted - alive, launch.slurm)
        return []
    leave_slurm(sweep)
    return [start_worker(sweep) for _ in range(wanted - live_workers(sweep))]


def discard_sweep(sweep: SweepDirectory) -> None:
    """Delete a new sweep whose workers couldn't be started."""
    with suppress(RunError):
        save_launch(RunDirectory(sweep.path), Launch())
    shutil.rmtree(sweep.path, ignore_errors=True)


def stop_sweep(sweep: SweepDirectory) -> None:
    """Save and end all runs that the sweep trains, and its workers; Slurm's tasks that wait are cancelled.

    Raises:
        RunError: The sweep can't be read or written, or Slurm doesn't cancel a task.
    """
    with sweep.locked():
        state = read_state(sweep)
        append(sweep, state, Stopped())
    trials = [RunDirectory(sweep.runs / trial.run) for trial in state.trials if trial.is_pending and trial.run]
    stop_trainers([*trials, *(RunDirectory(sweep.all_runs / run) for run in state.retrained.values())])
    cancel_waiting(sweep)


def resume_sweep(
    sweep: SweepDirectory,
    trials: int | None = None,
    retrain_seeds: int | None = None,
    workers: int | None = None,
    launch: Launch | None = None,
) -> list[subprocess.Popen[bytes]]:
    """Go on with a sweep that was stopped or interrupted, or has finished and is extended.

    Args:
        sweep: The sweep.
        trials: How many trials there should be in all; None for as many as before.
        retrain_seeds: With how many seeds the winner should be retrained in all; None likewise.
        workers: How many workers there should be; None for as many as at its start.
        launch: Where; None for where this user started them last.

    Returns:
        The workers that were started on this machine.

    Raises:
        ConfigError: There are more trials already, or no more combinations, or Optuna is missing.
        RunError: The sweep can't be read or written, or a worker can't be started.
    """
    settings = sweep.settings
    with sweep.locked():
        state = read_state(sweep)
        was_stopped = state.is_stopped
        if trials is not None and not state.n_trials <= trials <= MOST_TRIALS:
            raise ConfigError(f"the sweep has {counted(state.n_trials, 'trial')}: --trials takes the new total")
        if retrain_seeds is not None and retrain_seeds < state.retrain_seeds:
            seeds = counted(state.retrain_seeds, "seed")
            raise ConfigError(f"the winner is retrained with {seeds}: --retrain-seeds takes the new total")
        check_sampler(settings.sampler, sweep.space, trials or state.n_trials)
        append(sweep, state, Resumed(trials=trials, retrain_seeds=retrain_seeds))
    return start_workers(sweep, workers, launch, ending=was_stopped)


def why_workers_ended(sweep: SweepDirectory) -> str:
    """The last line that a worker printed, or ""."""
    try:
        text = (sweep.workers / "log.txt").read_bytes()[-4096:].decode("utf-8", "replace")
    except OSError:
        return ""
    return next((line.removeprefix("error: ") for line in reversed(text.splitlines()) if line.strip()), "")
