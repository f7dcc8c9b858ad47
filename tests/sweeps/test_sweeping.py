"""Sweeps whose trainers train nothing: what is decided, noted, and found again after a crash at any moment."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from fmnist_tui.errors import RunError
from fmnist_tui.models.options import ConfigError
from fmnist_tui.report.sweep import cost_lines, result_lines, summary_lines, sweep_line
from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.label import read_label
from fmnist_tui.runs.lock import acquire
from fmnist_tui.runs.manifest import read_manifest
from fmnist_tui.runs.run import delete_run
from fmnist_tui.runs.status import status_of
from fmnist_tui.sweeps import directory, jobs
from fmnist_tui.sweeps.directory import SweepDirectory, find_sweep, list_sweeps
from fmnist_tui.sweeps.jobs import Nothing, Work, sweep_up, take_work
from fmnist_tui.sweeps.log import Ended, append, read_state
from fmnist_tui.sweeps.start import resume_sweep, stop_sweep
from fmnist_tui.sweeps.sweep import Sweep, SweepStatus, read_sweep
from fmnist_tui.text import percent

from .conftest import MakeSweep
from .fake_trainers import FakeTrainers, work_off


def outcome(sweep: Sweep) -> list[tuple[Any, ...]]:
    """What came of each trial, without the ids of runs."""
    return [(row.number, tuple(row.settings.values()), row.status, row.epoch, row.accuracy) for row in sweep.rows]


def test_a_sweep_from_start_to_end(make_sweep: MakeSweep, trainers: FakeTrainers) -> None:
    made = make_sweep()
    assert read_sweep(made).status is SweepStatus.INTERRUPTED
    take_work(made)
    begun = read_sweep(made)
    assert (begun.epochs_trained, begun.epochs_full) == (1, 81)
    (cost,) = cost_lines(begun)
    assert cost == "Cost: 1 epoch, 1% of the 81 for training all trials to their end"
    work_off(made)
    sweep = read_sweep(made)
    assert (sweep.status, len(sweep.rows), sweep.is_decided) == (SweepStatus.FINISHED, 9, True)
    printed = [line for _, line in result_lines(sweep)]
    assert sum("  epoch 1/9  validation " in line for line in printed) == 9  # also of those that were promoted at once
    whole = [row for row in sweep.rows if row.status == "finished"]
    best = max(whole, key=lambda row: row.accuracy or 0)
    assert (sweep.best, best.epoch, best.rung) == (best.number, 9, 3)
    assert {row.status for row in sweep.rows} == {"finished", "paused"}
    assert sweep.epochs_full == 81
    assert sweep.epochs_trained == sum(row.epoch for row in sweep.rows) < 45
    assert [run for run in trainers.trained if trainers.trained.count(run) > 1] == []
    # the winner's runs are ordinary ones with other seeds, and the only ones that score the test images
    assert [(seed, run.test_accuracy) for seed, run in sweep.retrained] == [(1, 0.9), (2, 0.9), (3, 0.9)]
    assert {run.directory for _, run in sweep.retrained} == set(list_runs(made.all_runs))
    for _, run in sweep.retrained:
        assert read_label(run.directory).tags == (made.sweep_id,)
        assert run.settings["learning_rate"] == best.settings["learning_rate"]
    trials = [RunDirectory(made.runs / row.run.run_id) for row in sweep.rows if row.run]
    assert all(read_manifest(run).json["score_test"] is False for run in trials)
    assert list_sweeps(made.all_runs) == [made]
    assert find_sweep(made.all_runs, "last") == find_sweep(made.all_runs, made.sweep_id[:12]) == made


class Killed(BaseException):
    """Ends a worker like a kill, at once."""


class Killer:
    """Kills a worker before or after one of its next steps."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.left = 0
        self.is_after = False
        for owner, name in [(jobs, name) for name in _STEPS] + [(Path, "rename")]:
            patch.setattr(owner, name, self._step(getattr(owner, name)))

    def _step(self, step: Any) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left == 0 and not self.is_after:
                raise Killed
            result = step(*given, **named)
            if self.left == 0:
                raise Killed
            return result

        return call


_STEPS = ("append", "request_run", "write_until", "submit", "write_label")


def test_a_worker_may_be_killed_at_any_moment(
    make_sweep: MakeSweep, trainers: FakeTrainers, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = make_sweep()
    work_off(undisturbed)
    trainers.trained.clear()
    sweep, killer, kills = make_sweep(), Killer(monkeypatch), 0
    for moment in range(42):
        killer.left, killer.is_after, trainers.dying = moment % 7 + 1, moment % 3 > 0, moment % 2
        try:
            sweep_up(sweep)
            work_off(sweep)
        except Killed:
            kills += 1
    assert kills > 15
    assert outcome(read_sweep(sweep)) == outcome(read_sweep(undisturbed))
    assert len(trainers.trained) == len(set(trainers.trained))  # no epoch was trained twice
    assert {run.run_id for run in list_runs(sweep.runs)} == {trial.run for trial in read_state(sweep).trials}
    assert not list(sweep.staging.iterdir())
    assert len(list_runs(sweep.all_runs)) == 6  # three of each sweep


def test_two_workers_never_train_the_same_trial(make_sweep: MakeSweep, trainers: FakeTrainers) -> None:
    sweep = make_sweep(trials=1, epochs=3)
    work = take_work(sweep)
    assert isinstance(work, Work)
    trainers.trained.clear()
    lock = acquire(work.run)  # as a trainer holds it
    try:
        assert take_work(sweep) == Nothing(is_final=False)
        assert read_sweep(sweep).status is SweepStatus.RUNNING
    finally:
        os.close(lock)
    assert not trainers.trained


def test_runs_are_started_as_the_worker_says(make_sweep: MakeSweep, trainers: FakeTrainers) -> None:
    """A worker in a Slurm job has no queue."""
    sweep, started = make_sweep(), list[RunDirectory]()
    work = take_work(sweep, started.append)
    assert isinstance(work, Work)
    assert started == [work.run]
    assert trainers.trained == []


def test_a_stopped_sweep_starts_nothing_until_it_is_resumed_and_can_be_extended(
    make_sweep: MakeSweep, trainers: FakeTrainers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fmnist_tui.sweeps.start.start_workers", lambda *_, **__: [])
    sweep = make_sweep(trials=4, retrain_seeds=1)
    take_work(sweep)
    stop_sweep(sweep)
    assert take_work(sweep) == Nothing(is_final=True)
    assert read_sweep(sweep).status is SweepStatus.STOPPED
    resume_sweep(sweep)
    work_off(sweep)
    before = read_sweep(sweep)
    assert (before.status, len(before.rows), len(before.retrained)) == (SweepStatus.FINISHED, 4, 1)
    with pytest.raises(ConfigError, match="has 4 trials: --trials takes the new total"):
        resume_sweep(sweep, trials=3)
    resume_sweep(sweep, trials=9, retrain_seeds=2)
    assert read_sweep(sweep).status is SweepStatus.INTERRUPTED
    work_off(sweep)
    after = read_sweep(sweep)
    assert (after.status, len(after.rows), len(after.retrained)) == (SweepStatus.FINISHED, 9, 2)
    assert [row.settings for row in after.rows[:4]] == [row.settings for row in before.rows]


def test_a_trial_stopped_with_its_sweep_is_listed_as_its_run_is_and_with_its_accuracy(
    make_sweep: MakeSweep, trainers: FakeTrainers
) -> None:
    made = make_sweep(trials=2, halving=False)
    trainers.preempted = 1
    take_work(made)
    stop_sweep(made)
    sweep = read_sweep(made)
    (row,) = sweep.rows
    assert row.run is not None
    assert row.status == str(status_of(row.run)) == "stopped"
    assert (sweep.best, sweep.best_accuracy) == (None, row.accuracy)
    assert sweep_line(sweep)[-2:] == [percent(row.accuracy), "6%"]
    append(made, read_state(made), Ended(trial=0, reason="failed"))
    assert read_sweep(made).best_accuracy is None


def test_trials_of_searched_lengths_end_with_their_own_last_epoch(
    make_sweep: MakeSweep, trainers: FakeTrainers
) -> None:
    made = make_sweep(epochs=None, given={"epochs": "1,12"}, trials=2, halving=False, sampler="grid")
    take_work(made)
    (cost,) = cost_lines(read_sweep(made))
    assert cost == "Cost: 1 epoch, 100% of the 1 for training the trials so far to their end"
    work_off(made)
    sweep = read_sweep(made)
    assert sweep.status is SweepStatus.FINISHED
    assert [(row.status, row.epoch) for row in sweep.rows] == [("finished", 1), ("finished", 12)]
    (cost,) = cost_lines(sweep)
    assert cost == "Cost: 13 epochs, 100% of the 13 for training all trials to their end"
    assert any("after epoch 12 of 12" in line for line in summary_lines(sweep))


def test_failed_trials_are_noted_and_tried_again_when_the_sweep_is_resumed(
    make_sweep: MakeSweep, trainers: FakeTrainers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fmnist_tui.sweeps.start.start_workers", lambda *_, **__: [])
    trainers.failing = 0.1
    sweep = make_sweep(retrain_seeds=0)
    work_off(sweep)
    by_status = {row.status: row for row in read_sweep(sweep).rows}
    assert by_status["failed"].message == by_status["diverged"].message == "as requested"
    trainers.failing = 10.0
    resume_sweep(sweep)
    work_off(sweep)
    statuses = {row.status for row in read_sweep(sweep).rows}
    assert "failed" not in statuses
    assert "diverged" in statuses  # it would diverge again


def test_a_sweep_whose_first_trials_all_fail_ends_with_the_reason(
    make_sweep: MakeSweep, trainers: FakeTrainers
) -> None:
    sweep = make_sweep(given={"momentum": "0:0.9"})
    trainers.failing = sweep.config.hyperparameters.learning_rate / 1.5  # twice as much would be a divergence
    with pytest.raises(RunError, match="the first 3 trials failed: as requested"):
        work_off(sweep)


def test_a_trial_whose_trainer_dies_again_and_again_fails(
    make_sweep: MakeSweep, trainers: FakeTrainers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_MOST_LAUNCHES", 3)
    sweep = make_sweep(trials=1, halving=False)
    trainers.dying = 3
    work_off(sweep)
    (row,) = read_sweep(sweep).rows
    assert row.status == "failed"
    assert row.message.startswith("its trainer died 3 times")
    assert read_sweep(sweep).status is SweepStatus.FAILED


def test_a_trial_may_be_preempted_any_number_of_times(
    make_sweep: MakeSweep, trainers: FakeTrainers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_MOST_LAUNCHES", 3)
    sweep = make_sweep(trials=1, halving=False, retrain_seeds=1)
    trainers.preempted = 12
    work_off(sweep)
    assert read_sweep(sweep).status is SweepStatus.FINISHED


def test_a_trial_whose_run_was_deleted_has_failed(make_sweep: MakeSweep, trainers: FakeTrainers) -> None:
    sweep = make_sweep(trials=2, halving=False)
    trainers.dying = 1
    work = take_work(sweep)
    assert isinstance(work, Work)
    delete_run(work.run)
    take_work(sweep)
    row = read_sweep(sweep).rows[0]
    assert (row.status, row.message) == ("failed", "its run was deleted")


HOSTILE = [
    b"not json\n",
    b'{"event":"reached","trial":99,"rung":0,"epoch":1,"accuracy":0.5}\n',
    b'{"event":"reached","trial":-1,"rung":0,"epoch":1,"accuracy":0.5}\n',
    b'{"event":"reached","trial":0,"rung":7,"epoch":1,"accuracy":0.5}\n',
    b'{"event":"reached","trial":0,"rung":0,"epoch":1,"accuracy":7}\n',
    b'{"event":"promoted","trial":0,"rung":3}\n',
    b'{"event":"trial","trial":0,"settings":{},"run":"../../etc"}\n',
    b'{"event":"trial","trial":77,"settings":{},"run":"v0-20260101-000000-0000"}\n',
    b'{"event":"retrained","trial":0,"seed":1,"run":"../x"}\n',
    b'{"event":"resumed","trials":-5}\n',
    b'{"event":"unheard of"}\n',
    b"[" * 100_000 + b"\n",
    b"\xff\xfe\x00\n",
    b'{"event":"trial","tri',
]


def test_lines_that_make_no_sense_are_skipped(make_sweep: MakeSweep, trainers: FakeTrainers) -> None:
    undisturbed, sweep = make_sweep(), make_sweep()
    work_off(undisturbed)
    for index in range(2 * len(HOSTILE)):
        with sweep.trials.open("ab") as file:
            file.write(HOSTILE[index % len(HOSTILE)])
        take_work(sweep)
    work_off(sweep)
    assert outcome(read_sweep(sweep)) == outcome(read_sweep(undisturbed))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "missing or damaged"),
        ({"format": 2}, "has format 2, which this version can't read"),
        ({"trials": -1}, "is damaged"),
        ({"trials": "many"}, "is damaged"),
        ({"sampler": "magic"}, "unknown sampler 'magic'"),
        ({"space": {"learning_rate": "1:0.1"}}, "1.0 is not below 0.1"),
        ({"space": {"__class__": "1,2"}}, "unknown setting '__class__'"),
        ({"config": {}}, "incomplete"),
        ({"min_epochs": 50}, "nothing to halve in 9 epochs"),
    ],
)
def test_a_damaged_sweep_has_an_error_of_one_line(make_sweep: MakeSweep, content: object, problem: str) -> None:
    made = make_sweep()
    record = content if isinstance(content, str) else {**json.loads(made.sweep_json.read_text()), **dict(content)}  # type: ignore[call-overload]
    made.sweep_json.write_text(record if isinstance(record, str) else json.dumps(record))
    sweep = SweepDirectory(made.path)
    with pytest.raises(RunError) as raised:
        take_work(sweep)
    for fault in (read_sweep(sweep).fault, str(raised.value)):
        assert problem in fault
        assert len(fault.splitlines()) == 1


def test_a_sweep_that_another_holds_for_too_long_is_an_error(
    make_sweep: MakeSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "_PATIENCE", 0.05)
    made = make_sweep()
    with made.locked(), pytest.raises(RunError, match="has been locked for"):
        take_work(made)


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"given": {"lr": "0.1"}}, "nothing to search"),
        ({"given": {"lr": "0.1,1", "learning_rate": "0.1,1"}}, "learning_rate is set twice"),
        ({"given": {"epochs": "3,9"}}, "fix the number of epochs with --epochs"),
        ({"given": {"momentum": "0,0.5"}, "trials": 3}, "only 2 combinations"),
        ({"given": {"lr": "0.1:1"}, "trials": None}, "a grid needs values"),
        (
            {"given": {"lr": "0.1:1:1000", "momentum": "0:0.9:1000"}, "trials": None},
            "1,000,000 combinations, at most 100,0",
        ),
        ({"given": {"shift": "0,1", "crop": "0,1"}, "trials": 4}, "can't be trained (shift=1, crop=1)"),
        ({"min_epochs": 4}, "nothing to halve in 9 epochs"),
        ({"given": {"beta1": "0:0.9"}}, "v0 (NumPy) has no setting 'beta1'"),
    ],
)
def test_what_cannot_be_searched_is_said_before_anything_is_created(
    make_sweep: MakeSweep, asked: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as raised:
        make_sweep(**asked)
    assert problem in str(raised.value)
    assert not (tmp_path / "runs").exists()
