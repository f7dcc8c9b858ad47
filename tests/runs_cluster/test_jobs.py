"""What Slurm says about runs, with programs in its place that say it."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
from cli.commands import TINY, call
from click.testing import CliRunner
from runs.trainers import ENDLESS_V0, request

from fmnist_tui.cli.train import train_command
from fmnist_tui.errors import RunError
from fmnist_tui.files import read_json, write_json
from fmnist_tui.runs.cluster import jobs, node
from fmnist_tui.runs.cluster.launcher import Launcher, read_launcher, write_launcher
from fmnist_tui.runs.cluster.options import Launch, saved_launch
from fmnist_tui.runs.cluster.slurm import Job, SlurmError, parse_jobs, submit_script
from fmnist_tui.runs.cluster.submit import submit_again, submit_to
from fmnist_tui.runs.control import send_command
from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.queue.dispatch import log_stop
from fmnist_tui.runs.run import read_run
from fmnist_tui.runs.status import Status, is_waiting, running_runs, status_of
from fmnist_tui.training.events import Command
from fmnist_tui.user_settings import SlurmSettings

from .conftest import Programs

OPTIONS = SlurmSettings(partition="gpu", sbatch=("--mem=8G",))


@pytest.fixture
def run(runs: Path, programs: Programs) -> RunDirectory:
    """A run that was submitted as job 7."""
    one = request(runs, ENDLESS_V0)
    programs.write("sbatch", 'cat > "$0.script"; echo "7;cluster"')
    assert submit_to("slurm", [one], OPTIONS).queued == [one]
    return one


def test_lines_that_are_no_jobs_are_skipped_and_names_may_have_any_text() -> None:
    output = "slurm: warning|x\n12_3|PENDING|Priority||a|b\n13_[4-9%2]|PENDING|x||y\n14|RUNNING|None|n1|v0\n"
    assert parse_jobs(output) == [Job("12_3", "PENDING", "Priority", "", "a|b"), Job("14", "RUNNING", "", "n1", "v0")]


def test_a_submitted_run_is_pending_until_its_job_is_over(run: RunDirectory, programs: Programs) -> None:
    assert read_launcher(run) == Launcher(kind="slurm", job="7", name=run.run_id)
    assert saved_launch(run) == Launch(target="slurm", slurm=OPTIONS)
    assert (programs.folder / "sbatch.script").read_text() == (run.path / "batch.sh").read_text()
    assert {f"--job-name={run.run_id}", "--partition=gpu", "--mem=8G", "--parsable"} <= set(programs.words("sbatch"))

    programs.squeue(f"7|PENDING|Priority||{run.run_id}")
    assert read_run(run).progress == "pending (Priority)"
    assert is_waiting(run)
    assert running_runs(run.path.parent) == [run]
    programs.squeue(f"7|RUNNING|None|n1|{run.run_id}")
    assert read_run(run).progress == "pending (starting on n1)"
    programs.squeue(f"7|OUT_OF_MEMORY|OutOfMemory|n1|{run.run_id}")
    assert status_of(run) is Status.INTERRUPTED
    programs.squeue()  # some minutes later Slurm has forgotten it
    assert "ran out of memory; give it more" in jobs.why_job_ended(run)
    programs.squeue("7|PENDING|Priority||another cluster's job")
    assert status_of(run) is Status.INTERRUPTED


def test_a_run_whose_submitter_was_killed_finds_its_job_by_name(run: RunDirectory, programs: Programs) -> None:
    write_launcher(run, Launcher(kind="slurm", name=run.run_id, task=1))
    programs.squeue(
        f"6_1|CANCELLED|None||{run.run_id}", f"8_0|PENDING|x||{run.run_id}", f"8_1|PENDING|Dependency||{run.run_id}"
    )
    assert read_run(run).job == Job("8_1", "PENDING", "Dependency", "", run.run_id)
    programs.squeue()
    assert status_of(run) is Status.INTERRUPTED
    assert jobs.why_job_ended(run).startswith("no job was submitted; submit one with: fmnist-tui resume")


def test_a_slurm_that_does_not_answer_is_asked_once_and_changes_nothing(
    run: RunDirectory, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fmnist_tui.runs.cluster.slurm.QUERY_SECONDS", 0.2)
    programs.write("squeue", 'echo x >> "$0.calls"; sleep 10')
    jobs.forget_jobs()
    began = time.monotonic()
    assert [str(status_of(run)) for _ in range(20)] == ["pending"] * 20
    assert read_run(run).progress == "pending (Slurm doesn't answer)"
    assert time.monotonic() - began < 5
    assert (programs.folder / "squeue.calls").read_text() == "x\n"
    os.unlink(programs.folder / "squeue")  # noqa: PTH108 - a machine without Slurm that shares the folder
    jobs.forget_jobs()
    assert status_of(run) is Status.PENDING


def test_stop_cancels_a_pending_job_and_nothing_else_can_be_asked_of_it(run: RunDirectory, programs: Programs) -> None:
    programs.squeue(f"7|PENDING|Priority||{run.run_id}")
    programs.write("scancel", "")
    with pytest.raises(RunError, match="is waiting for the cluster: nothing to pause; stop it with"):
        send_command(run, Command.PAUSE)
    send_command(run, Command.STOP_AFTER_EPOCH)
    assert programs.words("scancel") == ["7"]
    assert status_of(run) is Status.STOPPED

    programs.write("sbatch", "echo 9")
    assert submit_again([run]).queued == [run]
    assert read_launcher(run).job == "9"
    assert "--mem=8G" in programs.words("sbatch")


def test_a_refusal_is_one_line_and_leaves_no_new_run(runs: Path, programs: Programs) -> None:
    programs.write(
        "sbatch",
        'echo "sbatch: error: no such x" >&2; echo "sbatch: error: Batch job submission failed: no" >&2; exit 1',
    )
    outcome = call("train", "v0", *TINY, "--on", "slurm", "--partition", "x", "--runs", runs)
    assert (outcome.status, outcome.complaint) == (1, "sbatch: Batch job submission failed: no")
    assert list_runs(runs) == []
    (programs.folder / "sbatch").unlink()
    outcome = call("train", "v0", *TINY, "--on", "slurm", "--detach", "--runs", runs, PATH=str(programs.folder))
    assert outcome.complaint.endswith("this machine is no login node of a Slurm cluster")


@pytest.mark.parametrize(
    ("printed", "has_advice"),
    [
        ("sbatch: error: fetch_config: lookup failed\nsbatch: fatal: Could not establish a configuration source", True),
        ("sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)", True),
        ("sbatch: error: Batch job submission failed: Requested node configuration is not available", False),
    ],
)
def test_where_there_is_no_cluster_the_error_says_how_to_check(
    printed: str, has_advice: bool, programs: Programs
) -> None:
    programs.write("sbatch", f"echo '{printed}' >&2; exit 1")
    with pytest.raises(SlurmError) as raised:
        submit_script("", [])
    summary = printed.rpartition("\n")[2].removeprefix("sbatch: ").partition(": ")[2]
    advice = "; is this a login node of the cluster? try: sinfo" if has_advice else ""
    assert str(raised.value) == f"sbatch: {summary}{advice}"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--on", "slurm", "--device", "cuda:1"], "Slurm chooses the GPU: --device cuda, not cuda:1"),
        (["--on", "slurm", "--in-app"], "--in-app trains in this process, not elsewhere"),
        (["--gpus", "1", "--on", "local"], "--gpus is for --on slurm"),
        (["--gpus", "1"], "--gpus is for --on slurm"),
        (["--on", "slurm", "--sbatch", "mem=3"], "--sbatch takes an option of sbatch"),
        (["--on", "ssh:-x"], "--on takes local, slurm or ssh:HOST"),
    ],
)
def test_wrong_usage(words: list[str], why: str, runs: Path, programs: Programs) -> None:
    outcome = CliRunner().invoke(train_command, ["v3", "--data", "demo", *words, "--runs", str(runs)])
    assert outcome.exit_code == 2
    assert why in outcome.output


def test_a_job_trains_only_the_run_that_is_still_its_own(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "Warnings", lambda _: None)
    monkeypatch.setenv("SLURM_JOB_ID", "8")
    assert node.train_run(run) == 0  # submitted again since, as job 7
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    log_stop(run)
    assert node.train_run(run) == 0  # stopped while it waited
    request_now = read_json(run.request) or {}
    write_json(run.request, {name: value for name, value in request_now.items() if name != "launcher"})
    assert node.train_run(run) == 0  # trained on this machine since
    assert not run.run_json.exists()


@pytest.mark.parametrize(
    ("state", "reason", "answer", "requeued", "fault"),
    [
        ("RUNNING", "None", "", True, ""),  # a warning before the time limit, or the grace time of a preemption
        ("COMPLETING", "TimeLimit", "", True, ""),
        ("COMPLETING", "None", "", False, ""),  # cancelled: it must not come back
        ("PENDING", "BeginTime", "", False, ""),  # preempted: Slurm has done it
        ("RUNNING", "None", "Job is pending execution for job 7", True, ""),
        ("RUNNING", "None", "Requested operation is presently disabled", True, "can't be requeued"),
    ],
)
def test_a_job_is_requeued_unless_it_was_cancelled_or_already_is(
    programs: Programs, state: str, reason: str, answer: str, requeued: bool, fault: str
) -> None:
    programs.squeue(f"7|{state}|{reason}|n1|v0")
    programs.write("scontrol", f'echo "{answer}" >&2; exit {int(bool(answer))}')
    assert fault in node.requeue("7")
    assert bool(node.requeue("7")) == bool(fault)
    assert programs.called("scontrol") == requeued


def test_slurm_is_asked_again_where_it_ended_the_process_that_asked(programs: Programs) -> None:
    programs.squeue("7|RUNNING|None|n1|v0")
    programs.write("scontrol", 'test -e "$0.asked" && exit 0; touch "$0.asked"; kill -TERM $$')
    assert node.requeue("7") == ""
    assert (programs.folder / "scontrol.asked").exists()


@pytest.mark.parametrize(("command", "requeued"), [("false", True), ("true", False)])
def test_a_task_is_requeued_unless_its_command_had_nothing_left_to_do(
    monkeypatch: pytest.MonkeyPatch, command: str, *, requeued: bool
) -> None:
    class Warned:
        seen = iter(((), (15,)))  # a signal comes while the command runs
        received = property(lambda self: next(self.seen))

    jobs_again: list[str] = []
    monkeypatch.setattr(node, "Warnings", lambda _: Warned())
    monkeypatch.setattr(node, "python_command", lambda *_: [command])
    monkeypatch.setattr(node, "requeue", jobs_again.append)
    node.run_command_line(["sweep", "work"])
    assert bool(jobs_again) == requeued


def test_a_worker_in_a_job_trains_on_the_jobs_device_without_a_queue(
    runs: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = request(runs, ENDLESS_V0)
    monkeypatch.setattr(node, "own_device", lambda _: ("cuda:0", "GPU-1"))
    monkeypatch.setattr(subprocess, "Popen", lambda command, **_: command)
    command = node.launch_here(run)
    assert command[-4:] == ["--device", "cuda:0", "--device-id", "GPU-1"]  # type: ignore[index]
    assert not {"--claim", "--queue"} & set(command)  # type: ignore[call-overload]
