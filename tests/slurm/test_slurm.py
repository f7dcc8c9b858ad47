"""Runs as jobs of a real Slurm: preempted, requeued, killed, stopped, as arrays; in the end they are bit-identical."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from cli.commands import call, learned
from runs.trainers import Watch
from waiting import wait_until

from fmnist_tui.files import read_json, write_json
from fmnist_tui.runs.cluster.launcher import read_launcher
from fmnist_tui.runs.cluster.submit import submit_command_array
from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.heartbeat import read_heartbeat
from fmnist_tui.runs.lock import has_started, is_held
from fmnist_tui.runs.run import read_run
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.events import StepMetrics
from fmnist_tui.user_settings import SlurmSettings

from .cluster import Cluster, seconds_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

WHAT = ("v0", "--data", "demo", "--batch-size", "4", "--lr", "0.005", "--seed", "3", "--threads", "1")
LONG = (*WHAT, "--epochs", "40")
"""Twenty seconds, or several minutes on a busy machine."""
PATIENCE = 300.0
"""Seconds."""
ENDLESS = (*WHAT, "--epochs", "10000")


def submit(runs: Path, *options: str) -> RunDirectory:
    """`train --on slurm --detach`; the newest run."""
    outcome = call("train", *options, "--on", "slurm", "--detach", "--runs", runs)
    assert outcome.status == 0, outcome
    return list_runs(runs)[0]


def wait_for(run: RunDirectory, status: Status) -> None:
    until = time.monotonic() + PATIENCE
    while (now := status_of(run)) is not status:
        assert time.monotonic() < until, f"{run.run_id} is {now}, not {status}: {run.train_log.read_text()}"
        time.sleep(0.05)


def wait_until_trained(run: RunDirectory) -> None:
    """Wait until a trainer that was started after this call's begin has taken steps."""
    watch = Watch(run)
    watch.new()
    until = time.monotonic() + PATIENCE / 3
    while not (is_held(run) and has_started(run)):
        late = time.monotonic() > until or status_of(run) is Status.FINISHED
        assert not late, f"{read_run(run)} has no trainer: {run.train_log.read_text()}"
        time.sleep(0.05)
    watch.next(StepMetrics)


def has_checkpoints(run: RunDirectory) -> bool:
    return any(run.checkpoints.iterdir())


def show(run: RunDirectory) -> str:
    return call("show", run.run_id, "--runs", run.path.parent).out


def job_of(run: RunDirectory) -> str:
    return read_launcher(run).job


def test_a_run_that_is_preempted_requeued_killed_and_drained_ends_with_the_same_bytes(
    cluster: Cluster, runs: Path, tmp_path: Path
) -> None:
    assert call("train", *LONG, "--detach", "--runs", tmp_path).status == 0
    undisturbed = list_runs(tmp_path)[0]
    wait_for(undisturbed, Status.FINISHED)
    run = submit(runs, *LONG)
    job = job_of(run)
    wait_until_trained(run)
    assert f"{job} on {cluster.node}" in show(run)

    cluster.preempt()
    wait_for(run, Status.PENDING)
    assert f"{job}: BeginTime" in show(run)
    cluster.call("scontrol", "update", f"nodename={cluster.node}", "state=drain", "reason=test")
    cluster.release(job)
    wait_until(lambda: "DRAINED" in str(read_run(run).job), "the node was drained")
    assert status_of(run) is Status.PENDING
    cluster.call("scontrol", "update", f"nodename={cluster.node}", "state=resume")
    wait_until_trained(run)

    cluster.signal(job, "USR1")  # as two minutes before the time limit
    wait_for(run, Status.PENDING)
    cluster.release(job)
    wait_until_trained(run)

    cluster.call("scontrol", "requeue", job)  # by an administrator: SIGTERM
    wait_for(run, Status.PENDING)
    cluster.release(job)
    wait_until_trained(run)

    beat = read_heartbeat(run)
    assert beat is not None
    assert beat.pid > 0
    os.kill(beat.pid, signal.SIGKILL)
    wait_for(run, Status.INTERRUPTED)
    assert f"Slurm job {job} failed" in show(run)
    resumed = call("resume", run.run_id, "--detach", "--runs", runs)
    assert resumed.status == 0, resumed
    assert job_of(run) != job
    wait_for(run, Status.FINISHED)
    assert learned(run) == learned(undisturbed)


def test_at_the_time_limit_a_run_saves_and_is_requeued_by_itself(cluster: Cluster, runs: Path) -> None:
    run = submit(runs, *ENDLESS, "--time", "1")
    job = job_of(run)
    wait_until_trained(run)
    wait_for(run, Status.PENDING)
    assert has_checkpoints(run)
    cluster.release(job)
    wait_until_trained(run)
    assert call("stop", run.run_id, "--now", "--runs", runs).status == 0
    wait_for(run, Status.STOPPED)


def test_pause_continue_and_stop_arrive_within_seconds_also_while_pending(cluster: Cluster, runs: Path) -> None:
    run = submit(runs, *ENDLESS)
    wait_until_trained(run)
    waiting = submit(runs, *ENDLESS, "--sbatch", "--begin=now+1hour")
    assert status_of(waiting) is Status.PENDING
    assert "(BeginTime)" in call("runs", "--runs", runs).out
    refused = call("delete", waiting.run_id, "--yes", "--runs", runs)
    assert "waits to be trained; stop it first" in refused.complaint
    assert "is waiting for the cluster: nothing to pause" in call("pause", waiting.run_id, "--runs", runs).complaint
    assert call("stop", waiting.run_id, "--runs", runs).status == 0
    assert status_of(waiting) is Status.STOPPED
    assert cluster.state(job_of(waiting)) in ("CANCELLED", "")

    for command, status in ((("pause",), Status.PAUSED), (("continue",), Status.RUNNING)):
        assert call(*command, run.run_id, "--runs", runs).status == 0
        wait_for(run, status)
    assert call("pause", run.run_id, "--runs", runs).status == 0
    wait_for(run, Status.PAUSED)
    cluster.signal(job_of(run), "USR1")
    wait_for(run, Status.STOPPED)  # a run that somebody paused isn't requeued

    assert call("resume", run.run_id, "--detach", "--runs", runs).status == 0
    wait_until_trained(run)
    assert call("stop", run.run_id, "--now", "--runs", runs).status == 0
    seconds = seconds_until(lambda: status_of(run) is Status.STOPPED, "the run had stopped")
    assert seconds < 5

    assert call("resume", run.run_id, "--detach", "--runs", runs).status == 0
    wait_until_trained(run)
    cluster.call("scancel", job_of(run))
    wait_for(run, Status.INTERRUPTED)
    assert "was cancelled" in show(run)
    assert call("delete", run.run_id, "--yes", "--runs", runs).status == 0


def test_seeds_are_one_array_and_a_killed_login_process_loses_no_job(cluster: Cluster, runs: Path) -> None:
    submit(runs, *WHAT, "--epochs", "3", "--seeds", "3", "--gpus", "1")
    three = list_runs(runs)
    for run in three:
        wait_for(run, Status.FINISHED)
    jobs = sorted(map(job_of, three))
    number = jobs[0].partition("_")[0]
    assert jobs == [f"{number}_{task}" for task in range(3)]
    assert {read_run(run).seed for run in three} == {3, 4, 5}

    run = submit(runs, *WHAT, "--epochs", "5", "--sbatch", "--begin=now+1hour")
    job = job_of(run)
    request = read_json(run.request) or {}
    request["launcher"].pop("job")  # killed before it could write it
    write_json(run.request, request)
    assert status_of(run) is Status.PENDING
    cluster.release(job)
    wait_for(run, Status.FINISHED)
    assert job_of(run) == job


def test_what_is_missing_on_the_node_is_named(cluster: Cluster, runs: Path, tmp_path: Path) -> None:
    settings = Path(os.environ["XDG_CONFIG_HOME"]) / "fmnist-tui/settings.toml"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text('[slurm]\npython = "/opt/nothing \\"here\\"/python"\n')
    try:
        outcome = call("train", *LONG, "--on", "slurm", "--runs", runs)
    finally:
        settings.unlink()
    assert outcome.complaint.endswith(
        'failed: /opt/nothing "here"/python is missing on the node; set python in [slurm] of settings.toml'
    )
    assert status_of(list_runs(runs)[0]) is Status.FAILED

    refused = call("train", *LONG, "--on", "slurm", "--partition", "nowhere", "--seeds", "2", "--runs", runs)
    assert refused.complaint == "sbatch: Batch job submission failed: Invalid partition name specified"
    assert len(list_runs(runs)) == 1


def test_a_task_of_a_command_array_is_requeued_and_runs_its_command_again(
    cluster: Cluster, runs: Path, tmp_path: Path
) -> None:
    run = submit(runs, *LONG, "--sbatch", "--begin=now+1hour")
    assert call("stop", run.run_id, "--runs", runs).status == 0
    folder = tmp_path / "array"
    folder.mkdir()
    words = ["resume", run.run_id, "--in-app", "--runs", str(runs)]
    number = submit_command_array(folder, "workers", words, 1, SlurmSettings(partition="low"))
    wait_until_trained(run)
    cluster.preempt()
    cluster.release(f"{number}_0")
    wait_for(run, Status.FINISHED)
    wait_until(lambda: cluster.state(f"{number}_0") == "COMPLETED", "the task had ended")
    lives = [json.loads(line) for line in run.events.read_text().splitlines() if '"resumed"' in line]
    assert len(lives) >= 1
