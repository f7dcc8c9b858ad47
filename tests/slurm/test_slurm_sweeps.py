"""Sweeps whose workers are tasks of a real Slurm's job array: requeued, preempted, stopped and resumed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli.commands import call
from runs.trainers import learning, weights_differ

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.fold import read_epochs
from fmnist_tui.runs.lock import has_started, is_held
from fmnist_tui.sweeps.directory import SweepDirectory, list_sweeps
from fmnist_tui.sweeps.sweep import Sweep, SweepStatus, read_sweep

from .cluster import Cluster, seconds_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

ASKED = (
    *("sweep", "v0", "--set", "lr=log:1e-3:0.3", "--set", "momentum=0:0.9", "--set", "batch_size=4", "--halving"),
    *("--epochs", "9", "--limit", "1000", "--data", "demo", "--threads", "1", "--trials", "9", "--retrain-seeds", "1"),
)
PATIENCE = 300.0
"""Seconds."""


def wait_for(condition: Callable[[], object], sweep: SweepDirectory) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            logs = [path.read_text() for path in sorted(sweep.workers.glob("*.log"))]
            raise AssertionError((read_sweep(sweep), logs))
        time.sleep(0.05)


def submitted(runs: Path, *options: str) -> tuple[SweepDirectory, str]:
    """A new sweep, and the number of its array."""
    outcome = call(*ASKED, *options, "--on", "slurm", "--workers", "2", "--detach", "--runs", runs)
    assert outcome.status == 0, outcome
    (sweep,) = list_sweeps(runs)
    return sweep, array_of(sweep)


def array_of(sweep: SweepDirectory) -> str:
    from fmnist_tui.runs.cluster.jobs import forget_jobs
    from fmnist_tui.sweeps.slurm import tasks_of

    forget_jobs()
    return max((task.id.partition("_")[0] for task in tasks_of(sweep)), key=int)


def trained_now(sweep: SweepDirectory) -> list[RunDirectory]:
    runs = [row.run for row in read_sweep(sweep).rows if row.run]
    return [run for run in runs if is_held(run) and has_started(run)]


def epochs(sweep: SweepDirectory) -> int:
    return read_sweep(sweep).epochs_trained


def trials_of(sweep: Sweep) -> list[dict[str, Any]]:
    return [row.settings for row in sweep.rows]


def test_a_halving_sweep_as_an_array_with_a_requeued_and_two_preempted_tasks(
    cluster: Cluster, runs: Path, tmp_path: Path
) -> None:
    outcome = call(*ASKED, "--workers", "2", "--runs", tmp_path / "here")
    assert outcome.status == 0, outcome
    undisturbed = read_sweep(list_sweeps(tmp_path / "here")[0])

    made, array = submitted(runs)
    wait_for(lambda: trained_now(made), made)
    assert not list((made.path / "staging").glob("*"))
    cluster.call("scontrol", "requeue", f"{array}_0")  # the other task goes on, with the trial of this one as well
    cluster.release(f"{array}_0")
    done = epochs(made)
    wait_for(lambda: epochs(made) > done + 2 and len(trained_now(made)) == 2, made)  # both tasks run again

    cluster.preempt()
    wait_for(lambda: read_sweep(made).status is SweepStatus.PENDING, made)
    shown = call("sweep", "show", "--runs", runs)
    assert "pending (BeginTime), " in shown.lines[0]
    for task in range(2):
        cluster.release(f"{array}_{task}")
    wait_for(lambda: read_sweep(made).status is SweepStatus.FINISHED, made)
    for task in range(2):
        wait_for(lambda task=task: cluster.state(f"{array}_{task}") == "COMPLETED", made)  # type: ignore[misc]

    sweep = read_sweep(made)
    assert trials_of(sweep) == trials_of(undisturbed)
    assert sweep.best == undisturbed.best
    assert sweep.best is not None
    for row, other in zip(sweep.rows, undisturbed.rows, strict=True):
        assert row.run
        assert other.run
        curves = [[epoch.validation_accuracy for epoch in read_epochs(run)] for run in (row.run, other.run)]
        common = min(map(len, curves))  # which trials are promoted depends on who arrives first
        assert common
        assert curves[0][:common] == curves[1][:common]
    winner, expected = sweep.rows[sweep.best].run, undisturbed.rows[sweep.best].run
    assert winner
    assert expected
    assert learning(winner) == learning(expected)
    assert not weights_differ(winner, expected)
    ((_, retrained),), ((_, other_run),) = sweep.retrained, undisturbed.retrained
    assert retrained.test_accuracy == other_run.test_accuracy
    assert not weights_differ(retrained.directory, other_run.directory)


def test_stop_ends_all_tasks_and_resume_submits_them_again_or_starts_workers_here(cluster: Cluster, runs: Path) -> None:
    long = ("--epochs", "3000", "--min-epochs", "1000")
    made, array = submitted(runs, *long, "--sbatch", "--begin=now+1hour")
    assert read_sweep(made).status is SweepStatus.PENDING
    cluster.release(f"{array}_0")
    wait_for(lambda: epochs(made) > 2, made)
    assert call("sweep", "stop", "--runs", runs).status == 0
    assert cluster.state(f"{array}_1") == "CANCELLED"
    wait_for(lambda: cluster.state(f"{array}_0") == "COMPLETED", made)
    assert read_sweep(made).status is SweepStatus.STOPPED
    done = epochs(made)

    assert call("sweep", "resume", "--detach", "--sbatch", "--begin=now", "--runs", runs).status == 0
    again = array_of(made)
    assert again != array
    wait_for(lambda: epochs(made) > done, made)
    assert seconds_until(lambda: len(trained_now(made)) == 2, "two trials were trained") < PATIENCE
    cluster.call("scancel", again)
    wait_for(lambda: read_sweep(made).status is SweepStatus.INTERRUPTED, made)
    assert "interrupted (Slurm job" in call("sweep", "show", "--runs", runs).lines[0]
    assert not trained_now(made)
    done = epochs(made)

    assert call("sweep", "resume", "--on", "local", "--workers", "1", "--detach", "--runs", runs).status == 0
    wait_for(lambda: epochs(made) > done, made)
    assert read_sweep(made).workers == 1
    assert not cluster.unfinished()
    assert call("sweep", "stop", "--runs", runs).status == 0
    wait_for(lambda: read_sweep(made).workers == 0, made)
