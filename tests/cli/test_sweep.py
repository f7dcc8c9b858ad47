"""`sweep` and its subcommands."""

from __future__ import annotations

import shlex
import signal
import subprocess
from pathlib import Path

import pytest
from sweeps.fake_trainers import FakeTrainers, work_off
from waiting import wait_until

from fmnist_tui.sweeps import jobs, start
from fmnist_tui.sweeps.directory import SweepDirectory, find_sweep, list_sweeps
from fmnist_tui.sweeps.log import Resumed, append, read_state
from fmnist_tui.sweeps.sweep import SweepStatus, read_sweep

from .commands import started
from .conftest import Fmnist

ASKED = (
    *("v0", "--set", "lr=log:1e-3:1", "--set", "momentum=0,0.9", "--trials", "9", "--halving", "--epochs", "9"),
    *("--data", "demo", "--limit", "100", "--threads", "1", "--retrain-seeds", "2"),
)
KEYS = [
    *("sweep", "status", "reason", "model", "recipe", "sampler", "seed", "space", "halving", "rungs", "n_trials"),
    *("workers", "best", "is_decided", "epochs_trained", "epochs_full", "retrained", "trials"),
]
TRIAL_KEYS = [
    *("trial", "run", "status", "settings", "rung", "epoch", "validation_accuracy", "validation_loss", "message")
]
RETRAINED_KEYS = ["seed", "run", "status", "test_accuracy"]


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> FakeTrainers:
    """Sweeps are done at once, in this process, without training."""
    fake = FakeTrainers()

    def start_workers(sweep: SweepDirectory, *_: object, **__: object) -> list[subprocess.Popen[bytes]]:
        work_off(sweep)
        return []

    monkeypatch.setattr(jobs, "submit", fake.submit)
    monkeypatch.setattr(start, "start_workers", start_workers)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    return fake


def test_a_sweep_is_started_shown_extended_and_listed(fmnist: Fmnist, runs: Path, instant: FakeTrainers) -> None:
    outcome = fmnist("sweep", *ASKED, "--runs", runs)
    assert (outcome.status, outcome.err) == (0, "")
    (sweep,) = list_sweeps(runs)
    assert sum("epoch 9/9  validation" in line for line in outcome.lines) >= 1
    shown = fmnist("sweep", "show", "--runs", runs)
    assert shown.lines[0].startswith(f"{sweep.sweep_id}: v0, tuned, random search, halving at epochs 1, 3, 9, 100 im")
    assert shown.lines[0].endswith("finished, 9 of 9 trials")
    assert shown.lines[1].split() == [
        *("trial", "learning_rate", "momentum", "status", "rung", "epoch"),
        *("validation", "run"),
    ]
    assert shown.lines[-3].startswith("Winner: trial ")
    assert shown.lines[-2].startswith("Retrained with 2 seeds (1, 2): test accuracy 90.00%")
    assert "% of the 81 for training all trials to their end" in shown.lines[-1]
    assert outcome.lines[-len(shown.lines) :] == shown.lines
    printed = fmnist("sweep", "show", sweep.sweep_id, "--json", "--runs", runs).json
    assert list(printed) == KEYS
    assert [list(trial) for trial in printed["trials"]] == [TRIAL_KEYS] * 9
    assert [list(run) for run in printed["retrained"]] == [RETRAINED_KEYS] * 2
    assert printed["rungs"] == [1, 3, 9]
    assert fmnist("sweep", "resume", "last", "--trials", "12", "--runs", runs).status == 0
    listed = fmnist("sweep", "list", "--json", "--runs", runs).json
    assert [(one["sweep"], one["status"], one["n_trials"]) for one in listed] == [(sweep.sweep_id, "finished", 12)]
    assert fmnist("sweep", "list", "--runs", runs).lines[1].split()[:4] == [sweep.sweep_id, "v0", "finished", "12/12"]
    assert {run["run"] for run in fmnist("runs", "--json", "--runs", runs).json} >= {printed["retrained"][0]["run"]}
    assert len(fmnist("runs", "--json", "--runs", sweep.runs).json) == 12
    trial = printed["trials"][0]["run"]
    assert fmnist("show", trial, "--json", "--runs", runs).json["run"] == trial  # a trial is a run
    assert fmnist("stop", trial, "--runs", runs).complaint.startswith(f"{trial} ")
    again = fmnist("sweep", "stop", "--runs", runs)
    assert again.status == 1
    assert again.complaint.startswith(f"{sweep.sweep_id} has already finished: nothing to stop; see it with: ")
    sweep.sweep_json.write_text("{")
    assert fmnist("sweep", "show", "--runs", runs).complaint.endswith("so the sweep can't be used; start a new one")
    assert list(fmnist("sweep", "show", "--json", "--runs", runs).json) == ["sweep", "status", "reason"]
    assert fmnist("sweep", "list", "--runs", runs).status == 0


def example() -> list[str]:
    """The arguments of the example in the documentation."""
    page = (Path(__file__).parents[2] / "docs" / "sweeps.md").read_text("utf-8")
    program, *arguments = shlex.split(page.partition("```sh\n")[2].partition("\n```")[0])
    assert program == "fmnist-tui"
    return arguments


def test_the_example_of_the_documentation_can_be_started(fmnist: Fmnist, runs: Path, instant: FakeTrainers) -> None:
    outcome = fmnist(*example(), "--runs", runs)
    assert (outcome.status, outcome.err) == (0, "")
    assert "halving at epochs 1, 3, 9; finished, 9 of 9 trials" in outcome.out


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_example_of_the_documentation_does_what_it_says(runs: Path) -> None:
    with started(*example(), "--runs", runs) as process:
        out, err = process.communicate(timeout=500)
    assert (process.returncode, err) == (0, "")
    assert "Retrained with 3 seeds (1, 2, 3): test accuracy" in out
    assert "of the 81 for training all trials to their end" in out


def test_the_keys_are_documented() -> None:
    document = (Path(__file__).parents[2] / "docs" / "json.md").read_text("utf-8")
    assert not {key for key in (*KEYS, *TRIAL_KEYS, *RETRAINED_KEYS) if f"`{key}`" not in document}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("v0", "--trials", "3"), "nothing to search: give a setting several values"),
        (("v0", "--set", "lr=1:0.1", "--trials", "3"), "1.0 is not below 0.1"),
        (("v0", "--set", "lr", "--trials", "3"), "--set takes NAME=VALUE"),
        (("v0", "--set", "lr=0.1:1"), "a grid needs values, not a range"),
        (("v0", "--set", "lr=0.1,1", "--min-epochs", "2"), "--min-epochs and --eta belong to --halving"),
        (("all", "--set", "lr=0.1,1"), "a sweep searches the settings of one model"),
        (("v77", "--set", "lr=0.1,1"), "v77"),
        (("v0", "--set", "lr=0.1,1", "--device", "cuda"), "trains on the CPU only"),
        (("v0", "--set", "lr=0.1,1", "--on", "ssh:gpu2"), "a sweep starts workers here or with --on slurm"),
        (("v0", "--set", "lr=0.1,1", "--gpus", "1"), "--gpus is for --on slurm"),
        (("v3", "--set", "lr=0.1,1", "--on", "slurm", "--device", "cuda:1"), "Slurm chooses the GPU"),
        (("show",), "there are no sweeps in"),
        (("resume", "sweep-2"), "there are no sweeps in"),
    ],
)
def test_each_mistake_has_an_error_of_one_line(
    fmnist: Fmnist, runs: Path, arguments: tuple[str, ...], problem: str
) -> None:
    data = () if arguments[0] in ("show", "resume") else ("--data", "demo")
    outcome = fmnist("sweep", *arguments, *data, "--runs", runs)
    assert outcome.status in (1, 2)
    assert problem in outcome.complaint
    assert "sweep start -" not in outcome.complaint
    assert not runs.exists()


def test_help_has_the_options_of_a_start_and_all_subcommands(fmnist: Fmnist) -> None:
    text = fmnist("sweep", "--help").out
    assert all(word in text for word in ("--halving", "--retrain-seeds", "watch", "resume", "stop"))
    assert "\n  work    Train trials of a sweep" in text
    assert not any(word in text for word in ("\n  start ", "--in-slurm-job"))


def test_a_stopped_sweep_takes_no_workers_and_is_not_stopped_twice(
    fmnist: Fmnist, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "start_workers", lambda *_, **__: [])
    assert fmnist("sweep", *ASKED, "--detach", "--runs", runs).status == 0
    sweep = find_sweep(runs, "last")
    assert fmnist("sweep", "stop", "--runs", runs).status == 0
    advice = f"; resume it with: fmnist-tui sweep resume {sweep.sweep_id}"
    worked, stopped = (fmnist("sweep", command, "--runs", runs) for command in ("work", "stop"))
    assert (worked.status, stopped.status) == (1, 1)
    assert worked.complaint == f"{sweep.sweep_id} is stopped, so it takes no workers{advice}"
    assert stopped.complaint == f"{sweep.sweep_id} is already stopped{advice}"
    assert fmnist("sweep", "work", "--in-slurm-job", "--runs", runs).status == 0  # a task that starts late


@pytest.mark.slow
def test_ctrl_c_saves_and_stops_and_a_worker_ends_with_the_signals_status(runs: Path) -> None:
    long = ("v0", "--set", "momentum=0.1,0.2", "--epochs", "5000", "--data", "demo", "--threads", "1", "--runs", runs)
    with started("sweep", *long) as process:
        wait_until(lambda: list_sweeps(runs), "there was a sweep")
        sweep = find_sweep(runs, "last")
        wait_until(lambda: read_sweep(sweep).epochs_trained > 2, "a trial was trained")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 130
    seen = read_sweep(sweep)
    assert (seen.status, seen.workers) == (SweepStatus.STOPPED, 0)
    with sweep.locked():
        append(sweep, read_state(sweep), Resumed())
    with started("sweep", "work", sweep.sweep_id, "--runs", runs) as worker:
        wait_until(lambda: read_sweep(sweep).epochs_trained > seen.epochs_trained + 2, "it went on")
        worker.send_signal(signal.SIGUSR1)
        worker.terminate()
        assert worker.wait(60) == 143
    assert read_sweep(sweep).epochs_trained > seen.epochs_trained
