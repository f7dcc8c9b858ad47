"""A sweep as an object: what the command and the screen show of it, read without changing anything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

from fmnist_tui.errors import RunError
from fmnist_tui.files import exists
from fmnist_tui.runs.cluster.jobs import waiting_text
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.fold import read_epochs
from fmnist_tui.runs.run import Run, read_run
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.sweeps.directory import SweepDirectory
from fmnist_tui.sweeps.halving import Score, promoted
from fmnist_tui.sweeps.jobs import note_results, retrain_seeds
from fmnist_tui.sweeps.log import SweepState, Trial, read_state
from fmnist_tui.sweeps.slurm import live_tasks, tasks_of, why_tasks_ended
from fmnist_tui.sweeps.space import Space
from fmnist_tui.sweeps.worker import live_workers


class SweepStatus(StrEnum):
    """What a sweep is doing; the values are what users see."""

    PENDING = "pending"
    """Slurm has not started a worker yet, or not again."""
    RUNNING = "running"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"
    FAILED = "failed"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class TrialRow:
    """A trial as it is shown.

    Attributes:
        number: From 0.
        run: Its run, or None.
        settings: Those that are searched, by name.
        status: "queued", "running", "paused" (until it is promoted), "interrupted", "finished", "stopped" (with the
            sweep, or by a person), "failed" or "diverged".
        rung: The number of rungs that it has reached.
        epoch: Epochs trained.
        accuracy: Validation accuracy after that epoch, or None.
        loss: Validation loss, likewise.
        message: Why it failed, or "".
        scores: What it had at each rung that it has reached.
    """

    number: int
    run: RunDirectory | None
    settings: dict[str, Any]
    status: str
    rung: int
    epoch: int
    accuracy: float | None
    loss: float | None
    message: str = ""
    scores: tuple[Score, ...] = ()


@dataclass(frozen=True)
class Sweep:
    """A sweep as it was when it was read.

    Attributes:
        directory: Its folder.
        status: What it is doing.
        rows: Its trials, by number.
        n_trials: How many trials are wanted.
        best: The number of the best trial so far: of those that came furthest, the most accurate one; None before.
        is_decided: Whether it is the winner: all trials are done.
        retrained: The winner's runs with further seeds, by seed.
        workers: How many workers it has.
        reason: Why it is pending, or was interrupted, as far as Slurm says, or "".
        fault: Why it can't be read, or "".
    """

    directory: SweepDirectory
    status: SweepStatus
    rows: tuple[TrialRow, ...] = ()
    n_trials: int = 0
    best: int | None = None
    is_decided: bool = False
    retrained: tuple[tuple[int, Run], ...] = ()
    workers: int = 0
    reason: str = ""
    fault: str = ""

    @property
    def sweep_id(self) -> str:
        """sweep-<yyyymmdd>-<hhmmss>-<4 hex>."""
        return self.directory.sweep_id

    @property
    def space(self) -> Space:
        """The settings that are searched."""
        return self.directory.space

    @property
    def rungs(self) -> tuple[int, ...]:
        """The epochs after which trials are compared."""
        return self.directory.rungs

    @property
    def epochs_trained(self) -> int:
        """Epochs of all trials together."""
        return sum(row.epoch for row in self.rows)

    @property
    def epochs_full(self) -> int:
        """Epochs if all trials were trained to their end; of those so far, if the number of epochs is searched."""
        if "epochs" in self.space.texts:
            return sum(map(self.epochs_of, self.rows))
        return self.n_trials * self.rungs[-1]

    def epochs_of(self, row: TrialRow) -> int:
        """Epochs of a trial's whole training."""
        return self.directory.epochs_until(row.settings)

    @property
    def cost(self) -> float | None:
        """The fraction of full training's epochs that was trained; None before the first trial."""
        return self.epochs_trained / self.epochs_full if self.rows and self.epochs_full else None

    @property
    def best_accuracy(self) -> float | None:
        """That of the best trial; before any has reached a rung, the highest one so far."""
        return next((row.accuracy for row in self.ranked if row.accuracy is not None and not _is_lost(row)), None)

    @cached_property
    def ranked(self) -> tuple[TrialRow, ...]:
        """The trials, the best one first: by the rung reached, then by validation accuracy, then by loss."""
        return tuple(sorted(self.rows, key=_rank))


def _rank(row: TrialRow) -> tuple[bool, int, float, float, int]:
    loss = row.loss if row.loss is not None else 0.0
    return _is_lost(row), -row.rung, -(row.accuracy if row.accuracy is not None else -1.0), loss, row.number


def _is_lost(row: TrialRow) -> bool:
    return row.status in ("failed", "diverged")


def read_sweep(directory: SweepDirectory) -> Sweep:
    """The sweep as it is now; damage is reported in the object, never raised."""
    try:
        return _read(directory)
    except RunError as error:
        return Sweep(directory, SweepStatus.UNREADABLE, fault=str(error))


def _read(directory: SweepDirectory) -> Sweep:
    workers = live_workers(directory)
    rungs, _ = len(directory.rungs), directory.space  # a damaged sweep.json is found before anything is read
    state = read_state(directory)
    busy, interrupted = note_results(directory, state, state.add)
    active = {trial.number for trial in (*busy, *interrupted)}
    rows = tuple(_row(directory, trial, rungs, is_active=trial.number in active) for trial in state.trials)
    is_complete = len(state.trials) >= state.n_trials
    standings = [trial.standing(rungs) for trial in state.trials]
    more = promoted(standings, rungs, directory.settings.eta, is_complete=is_complete)
    is_decided = is_complete and not active and more is None
    retrained = _retrained(directory, state, rungs)
    best = min((row for row in rows if row.rung), key=_rank, default=None)
    sweep = Sweep(
        directory,
        SweepStatus.RUNNING,
        rows,
        state.n_trials,
        best.number if best else None,
        is_decided,
        retrained,
        workers,
    )
    if workers or busy:
        return sweep
    status = _status_without_workers(state, sweep, rungs)
    if status is not SweepStatus.INTERRUPTED:
        return replace(sweep, status=status)
    tasks = tasks_of(directory)
    if live := live_tasks(tasks):
        return replace(sweep, status=SweepStatus.PENDING, reason=waiting_text(live[0]))
    return replace(sweep, status=status, reason=why_tasks_ended(directory, tasks))


def _status_without_workers(state: SweepState, sweep: Sweep, rungs: int) -> SweepStatus:
    running = any(run.status.has_trainer for _, run in sweep.retrained)
    if running:
        return SweepStatus.RUNNING
    if sweep.is_decided:
        winner = state.winner(rungs)
        if winner is None:
            return SweepStatus.FAILED
        started = sum((winner.number, seed) in state.retrained for seed in retrain_seeds(sweep.directory, state))
        ended = all(run.status in (Status.FINISHED, Status.FAILED) for _, run in sweep.retrained)
        if started == state.retrain_seeds and ended:
            return SweepStatus.FINISHED
    return SweepStatus.STOPPED if state.is_stopped else SweepStatus.INTERRUPTED


def _row(directory: SweepDirectory, trial: Trial, rungs: int, *, is_active: bool) -> TrialRow:
    run = RunDirectory(directory.runs / trial.run) if trial.run else None
    score, status = trial.score or Score(-1.0, 0.0), _status(trial, rungs)
    epoch, accuracy, loss = score.epoch, score.accuracy, -score.merit
    if run is not None and (is_active or trial.ended):
        status = str(status_of(run)) if is_active else status
        if epochs := read_epochs(run):
            last = epochs[-1]
            epoch, accuracy, loss = last.epoch, last.validation_accuracy, last.validation_loss
    has_score = accuracy >= 0
    reached = rungs if trial.ended_early else len(trial.scores)
    return TrialRow(
        trial.number,
        run,
        trial.settings,
        status,
        reached,
        epoch,
        accuracy if has_score else None,
        loss if has_score else None,
        trial.message,
        tuple(score for _, score in sorted(trial.scores.items())),
    )


def _status(trial: Trial, rungs: int) -> str:
    """The status of a trial that isn't being trained."""
    if trial.ended:
        return trial.ended
    return "finished" if trial.ended_early or rungs - 1 in trial.scores else "paused"


def _retrained(directory: SweepDirectory, state: SweepState, rungs: int) -> tuple[tuple[int, Run], ...]:
    """The winner's runs; those of an earlier winner, before the sweep was extended, aren't its."""
    winner = state.winner(rungs)
    if winner is None:
        return ()
    runs = [
        (seed, RunDirectory(directory.all_runs / run))
        for (trial, seed), run in sorted(state.retrained.items())
        if trial == winner.number
    ]
    return tuple((seed, read_run(run)) for seed, run in runs if exists(run.path))
