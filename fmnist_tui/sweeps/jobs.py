"""What a worker does next: a trial whose trainer died, one to promote, a new one, or a run of the winner.

All of it happens under the sweep's lock, until the trainer has the run's lock, or the run is in the queue. So no two
workers train the same trial, and whatever a killed worker has left is found by the next one.
"""

from __future__ import annotations

import math
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from fmnist_tui.errors import RunError
from fmnist_tui.files import exists
from fmnist_tui.models.options import ConfigError
from fmnist_tui.runs.access import refused
from fmnist_tui.runs.directory import RunDirectory, unordered_runs
from fmnist_tui.runs.fold import read_epochs
from fmnist_tui.runs.label import Label, write_label
from fmnist_tui.runs.lock import is_held
from fmnist_tui.runs.manifest import read_result
from fmnist_tui.runs.queue.submit import submit
from fmnist_tui.runs.request import request_run, write_until
from fmnist_tui.runs.run import delete_run
from fmnist_tui.runs.status import Status, status_and_tail
from fmnist_tui.sweeps.directory import SweepDirectory
from fmnist_tui.sweeps.halving import promoted
from fmnist_tui.sweeps.log import (
    Ended,
    Launched,
    Line,
    Promoted,
    Reached,
    Retrained,
    SweepState,
    Trial,
    TrialStarted,
    append,
    read_state,
)
from fmnist_tui.sweeps.samplers import Tried, propose
from fmnist_tui.sweeps.space import trial_config
from fmnist_tui.text import counted
from fmnist_tui.training.events import Epoch

Start = Callable[[RunDirectory], "subprocess.Popen[bytes] | None"]
"""Starts a run's trainer; None if the run waits for a device. Raises RunError if neither can be done."""
_MOST_LAUNCHES = 20
"""Trainers of one trial that may die without reaching a rung."""
_ENOUGH_FAILURES = 3
"""Trials that fail before any other has come to anything: the next ones would fail as well."""


@dataclass(frozen=True)
class Work:
    """A run that a worker has just started, or queued.

    Attributes:
        run: The run.
        process: Its trainer; None if it waits for a device, or another process started it.
    """

    run: RunDirectory
    process: subprocess.Popen[bytes] | None = None


@dataclass(frozen=True)
class Nothing:
    """There is nothing to start.

    Attributes:
        is_final: Whether nothing will follow: all is done, or the sweep was stopped. Otherwise others are training.
    """

    is_final: bool


def through_queue(run: RunDirectory) -> subprocess.Popen[bytes] | None:
    """Start a run where its device is free, or queue it.

    Raises:
        RunError: Neither can be done.
    """
    submitted = submit([run])
    if why := submitted.failed.get(run):
        raise RunError(why)
    return submitted.started.get(run)


def take_work(sweep: SweepDirectory, start: Start = through_queue) -> Work | Nothing:
    """Note what has happened, decide what is next, and start it.

    Args:
        sweep: The sweep.
        start: What starts a run.

    Raises:
        RunError: The folder can't be written, a run can't be started, or the first trials all failed.
        ConfigError: A custom model's code has changed.
    """
    rungs, _ = len(sweep.rungs), sweep.space  # a damaged sweep.json is found before anything is done
    with sweep.locked():
        state = read_state(sweep)
        busy, interrupted = note_results(sweep, state, partial(append, sweep, state))
        if state.is_stopped:
            return Nothing(is_final=True)
        if interrupted:
            return _launch(sweep, state, interrupted[0], start)
        is_complete = len(state.trials) >= state.n_trials
        standings = [trial.standing(rungs) for trial in state.trials]
        if best := promoted(standings, rungs, sweep.settings.eta, is_complete=is_complete):
            append(sweep, state, Promoted(trial=best.number, rung=best.rung + 1))
            return _launch(sweep, state, state.trials[best.number], start)
        while len(state.trials) < state.n_trials:
            if trial := _start_trial(sweep, state):
                return _launch(sweep, state, trial, start)
        return Nothing(is_final=False) if busy else _retrain(sweep, state, start)


def note_results(
    sweep: SweepDirectory, state: SweepState, note: Callable[[Line], object]
) -> tuple[list[Trial], list[Trial]]:
    """Find out what became of the trials that were being trained.

    Args:
        sweep: The sweep.
        state: As its lines describe it.
        note: Called with each new line; it takes the line in, and appends it if the caller holds the lock.

    Returns:
        The trials that have a trainer, or wait for a device, and those that were interrupted.
    """
    busy: list[Trial] = []
    interrupted: list[Trial] = []
    for trial in [trial for trial in state.trials if trial.is_pending]:
        found = _look_at(sweep, trial, launches=state.launches.get(trial.run, 0))
        if isinstance(found, bool):
            (busy if found else interrupted).append(trial)
        else:
            note(found)
    return busy, interrupted


def _look_at(sweep: SweepDirectory, trial: Trial, launches: int) -> Line | bool:
    """The line on what became of a trial; before that, whether it has a trainer.

    One that failed before the sweep was resumed is tried again: it has not been launched since.
    """
    run = RunDirectory(sweep.runs / trial.run)
    if not trial.run or not exists(run.path):
        return Ended(trial=trial.number, reason="failed", message="its run was deleted")
    status, tail = status_and_tail(run)
    if status.has_trainer:
        return True
    if status in (Status.FAILED, Status.UNREADABLE):
        end = tail.state.finished
        reason, message = (end.reason, end.message) if end else ("failed", "its run can't be read")
        if reason == "failed" and not launches:
            return False
        return Ended(trial=trial.number, reason=reason, message=message)
    return _reached(sweep, trial, run, read_epochs(run), ended=status is Status.FINISHED)


def _reached(
    sweep: SweepDirectory, trial: Trial, run: RunDirectory, epochs: tuple[Epoch, ...], *, ended: bool
) -> Line | bool:
    """The same for a trial without a trainer, from the epochs that it has trained."""
    until = sweep.epochs_until(trial.settings, trial.rung)
    early = ended and (result := read_result(run)) is not None and result.early_stopped
    at_rung = [epoch for epoch in epochs if epoch.epoch == until] or list(epochs[-1:] if early else ())
    if at_rung:
        last = at_rung[-1]
        return Reached(
            trial=trial.number,
            rung=trial.rung,
            epoch=last.epoch,
            accuracy=last.validation_accuracy,
            loss=last.validation_loss if math.isfinite(last.validation_loss) else None,
            ended_early=early,
        )
    return Ended(trial=trial.number, reason="stopped") if ended else False


def _start_trial(sweep: SweepDirectory, state: SweepState) -> Trial | None:
    """Create the next trial's run; None if its settings can't be trained together."""
    failures = [trial for trial in state.trials if trial.ended == "failed"]
    if len(failures) == len(state.trials) >= _ENOUGH_FAILURES:
        raise RunError(f"the first {counted(len(failures), 'trial')} failed: {failures[-1].message}")
    number = len(state.trials)
    settings = propose(sweep.settings.sampler, sweep.space, sweep.settings.seed, number, _tried(state), sweep.journal)
    written = {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()}
    try:
        config = trial_config(sweep.config, sweep.space, settings)
    except ConfigError as error:
        append(sweep, state, TrialStarted(trial=number, settings=written))
        append(sweep, state, Ended(trial=number, reason="failed", message=str(error)))
        return None
    run = request_run(sweep.runs, config, sweep.settings.data)
    append(sweep, state, TrialStarted(trial=number, settings=written, run=run.run_id))
    return state.trials[number]


def _tried(state: SweepState) -> list[Tried]:
    """All trials as the sampler sees them: after the first rung, where all of them are comparable."""
    return [
        Tried(one.number, one.settings, one.scores[0].accuracy if 0 in one.scores else None, not one.is_pending)
        for one in state.trials
    ]


def _launch(sweep: SweepDirectory, state: SweepState, trial: Trial, start: Start) -> Work | Nothing:
    """Train a trial until its rung."""
    run = RunDirectory(sweep.runs / trial.run)
    if state.launches.get(trial.run, 0) >= _MOST_LAUNCHES and not _was_saved(run):
        why = f"its trainer died {_MOST_LAUNCHES} times; see {run.train_log}"
        append(sweep, state, Ended(trial=trial.number, reason="failed", message=why))
        return Nothing(is_final=False)
    write_until(run, sweep.epochs_until(trial.settings, trial.rung))
    return _start(sweep, state, run, start)


def _start(sweep: SweepDirectory, state: SweepState, run: RunDirectory, start: Start) -> Work | Nothing:
    append(sweep, state, Launched(run=run.run_id, was_saved=_was_saved(run)))
    try:
        return Work(run, start(run))
    except RunError:
        if is_held(run):  # a person has just resumed it
            return Nothing(is_final=False)
        raise


def _was_saved(run: RunDirectory) -> bool:
    """Whether the run's last trainer saved it and ended as it should, such as on preemption."""
    status, tail = status_and_tail(run)
    end = tail.state.finished
    return status is Status.STOPPED and end is not None and not end.message


def _retrain(sweep: SweepDirectory, state: SweepState, start: Start) -> Work | Nothing:
    """Train the winner with the next seed, once all trials are done."""
    winner = state.winner(len(sweep.rungs))
    busy = False
    for seed in retrain_seeds(sweep, state) if winner else ():
        assert winner is not None  # noqa: S101
        run = _retrained_run(sweep, state, winner, seed)
        if not exists(run.path):  # a person has deleted it
            continue
        status, _ = status_and_tail(run)
        launches = state.launches.get(run.run_id, 0)
        is_due = status in (Status.STOPPED, Status.INTERRUPTED) or (status is Status.FAILED and not launches)
        if is_due and (launches < _MOST_LAUNCHES or _was_saved(run)):
            return _start(sweep, state, run, start)
        busy |= status.has_trainer
    return Nothing(is_final=not busy)


def retrain_seeds(sweep: SweepDirectory, state: SweepState) -> range:
    """The seeds of the winner's runs: others than that of the trials, with which it was selected."""
    return range(sweep.settings.seed + 1, sweep.settings.seed + 1 + state.retrain_seeds)


def _retrained_run(sweep: SweepDirectory, state: SweepState, winner: Trial, seed: int) -> RunDirectory:
    """The winner's run with a seed, in the runs folder: made elsewhere and moved, so that none is made twice."""
    if (winner.number, seed) not in state.retrained:
        config = trial_config(sweep.config, sweep.space, winner.settings, seed, score_test=True)
        made = request_run(sweep.staging, config, sweep.settings.data)
        note = f"trial {winner.number} of {sweep.sweep_id}"
        write_label(made, Label(tags=(sweep.sweep_id,), note=note))
        append(sweep, state, Retrained(trial=winner.number, seed=seed, run=made.run_id))
    run_id = state.retrained[winner.number, seed]
    staged, run = RunDirectory(sweep.staging / run_id), RunDirectory(sweep.all_runs / run_id)
    if exists(staged.path):
        try:
            staged.path.rename(run.path)
        except OSError as error:
            raise refused(f"move {staged.path} to {run.path}", sweep.all_runs, error) from None
    return run


def sweep_up(sweep: SweepDirectory) -> None:
    """Delete runs of trials whose worker was killed before it could note them: none of them was ever trained.

    Raises:
        RunError: The sweep can't be read or locked.
    """
    with sweep.locked():
        state = read_state(sweep)
        known = {trial.run for trial in state.trials}
        moved = set(state.retrained.values())
        left = [run for run in unordered_runs(sweep.runs) if run.run_id not in known]
        left += [run for run in unordered_runs(sweep.staging) if run.run_id not in moved]
        for run in left:
            with suppress(RunError):
                delete_run(run)
