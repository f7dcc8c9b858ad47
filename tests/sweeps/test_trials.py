"""Sweeps with real trainers: a promoted trial ends with the bits of an undisturbed run."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from cli.commands import finish, started
from leftovers import nothing_left_behind
from runs.trainers import learning, read_weights, weights_differ
from waiting import wait_until

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.in_app import InAppRun
from fmnist_tui.runs.queue.submit import Submitted
from fmnist_tui.runs.request import request_run
from fmnist_tui.sweeps import jobs
from fmnist_tui.sweeps.directory import SweepDirectory, list_sweeps
from fmnist_tui.sweeps.space import trial_config
from fmnist_tui.sweeps.sweep import Sweep, read_sweep

from .conftest import MakeSweep
from .fake_trainers import work_off


def train_here(runs: list[RunDirectory]) -> Submitted:
    for run in runs:
        InAppRun(run).train()
    return Submitted()


def winner_and_undisturbed(sweep: Sweep, runs: Path) -> tuple[RunDirectory, RunDirectory]:
    """The winner's trial, and a run with its settings that was trained without a pause."""
    row = next(row for row in sweep.rows if row.number == sweep.best)
    assert row.run
    config = trial_config(sweep.directory.config, sweep.space, row.settings)
    undisturbed = request_run(runs, config, "demo")
    InAppRun(undisturbed).train()
    return row.run, undisturbed


def test_a_promoted_trial_ends_with_the_bits_of_an_undisturbed_run(
    make_sweep: MakeSweep, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(jobs, "submit", train_here)
    made = make_sweep(epochs=3, limit=400, trials=3, retrain_seeds=1)
    work_off(made)
    sweep = read_sweep(made)
    trial, undisturbed = winner_and_undisturbed(sweep, tmp_path / "undisturbed")
    assert len(learning(trial)["epochs"]) == 3
    assert learning(trial) == learning(undisturbed)
    assert not weights_differ(trial, undisturbed)
    assert trial.snapshots.read_bytes() == undisturbed.snapshots.read_bytes()
    assert not list(made.runs.rglob("predictions.npz"))  # the test images are never scored
    ((seed, retrained),) = sweep.retrained
    assert (seed, retrained.seed, retrained.test_accuracy is not None) == (1, 1, True)
    assert list(read_weights(retrained.directory))


SWEEP = (
    *("sweep", "v0", "--set", "lr=log:1e-3:0.3", "--set", "momentum=0:0.9", "--trials", "27", "--halving"),
    *(
        "--epochs",
        "27",
        "--limit",
        "1000",
        "--data",
        "demo",
        "--threads",
        "1",
        "--workers",
        "2",
        "--retrain-seeds",
        "2",
    ),
)


def kill_everything(runs: Path) -> None:
    """SIGKILL to each process of the sweep and its queue: workers, trainers, dispatchers, the command itself."""
    for process in psutil.process_iter(["pid", "cmdline"]):
        words = process.info["cmdline"] or []
        ours = any(str(runs) in word or os.environ["XDG_STATE_HOME"] in word for word in words)
        if ours and process.pid != os.getpid() and "fmnist_tui" in " ".join(words):
            with contextlib.suppress(psutil.Error):
                process.kill()


def results(sweep: SweepDirectory) -> int:
    """How many results are noted."""
    return sweep.trials.read_text().count('"event":"reached"') if sweep.trials.exists() else 0


def wait_for_results(sweep: SweepDirectory, count: int) -> None:
    until = time.monotonic() + 300
    while results(sweep) < count:
        assert time.monotonic() < until, f"no {count} results"
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_sweep_that_is_killed_as_a_whole_and_resumed_goes_on_where_it_was(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    runs = tmp_path / "runs"
    with nothing_left_behind(tmp_path, patience=10):
        with started(*SWEEP, "--runs", runs):
            wait_until(lambda: list_sweeps(runs), "there was a sweep")
            (made,) = list_sweeps(runs)
            wait_for_results(made, 4)
            kill_everything(runs)
        for count in (9, 15, 21):
            with started("sweep", "resume", made.sweep_id, "--runs", runs):
                wait_for_results(made, count)
                time.sleep(chance.uniform(0.0, 2.0))
                kill_everything(runs)
        with started("sweep", "resume", made.sweep_id, "--runs", runs) as process:
            wait_for_results(made, 25)
            process.send_signal(signal.SIGINT)
            assert finish(process).status == 130
        with started("sweep", "resume", made.sweep_id, "--runs", runs) as process:
            process.communicate(timeout=1800)
            assert process.returncode == 0
        sweep = read_sweep(made)
        assert (str(sweep.status), len(sweep.rows), sweep.is_decided) == ("finished", 27, True)
        trial, undisturbed = winner_and_undisturbed(sweep, tmp_path / "undisturbed")
        assert not weights_differ(trial, undisturbed)
        assert [run.test_accuracy is not None for _, run in sweep.retrained] == [True, True]
        assert sweep.epochs_full == 27 * 27
        assert sweep.epochs_trained < sweep.epochs_full / 4
        assert len({row.run for row in sweep.rows}) == len(list(made.runs.iterdir())) == 27
