"""Sweeps as job arrays, with programs in the place of Slurm's."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fmnist_tui.cli.sweep import sweep_command
from fmnist_tui.runs.cluster.jobs import forget_jobs
from fmnist_tui.sweeps.directory import SweepDirectory, find_sweep
from fmnist_tui.sweeps.sweep import SweepStatus, read_sweep

from .conftest import Programs

ASKED = ("v0", "--set", "lr=log:1e-3:1", "--trials", "9", "--halving", "--epochs", "9", "--data", "demo")


def fmnist(runs: Path, *words: str) -> Result:
    return CliRunner().invoke(sweep_command, [*words, "--runs", str(runs)])


@pytest.fixture
def sweep(runs: Path, programs: Programs) -> SweepDirectory:
    """A sweep of three workers that was submitted as the array 7."""
    programs.write("sbatch", 'cat > "$0.script"; echo 7')
    job = ("--on", "slurm", "--partition", "gpu", "--time", "4:00:00", "--gpus", "1")
    outcome = fmnist(runs, *ASKED, *job, "--workers", "3", "--detach")
    assert outcome.exit_code == 0, outcome.output
    return find_sweep(runs, "last")


def tasks(programs: Programs, sweep: SweepDirectory, *lines: str) -> None:
    """What squeue says about the tasks."""
    programs.squeue(*(f"{line}|{sweep.sweep_id}" for line in lines))


def test_a_sweep_is_one_array_whose_tasks_are_workers(sweep: SweepDirectory, programs: Programs) -> None:
    words = programs.words("sbatch")
    assert {f"--job-name={sweep.sweep_id}", "--array=0-2", "--partition=gpu", "--gres=gpu:1", "--requeue"} <= set(words)
    assert f"--output={sweep.workers}/task-%a.log" in words
    script = (programs.folder / "sbatch.script").read_text()
    assert f"--command sweep work {sweep.sweep_id} --in-slurm-job --runs {sweep.all_runs}" in script
    assert script == (sweep.workers / "batch.sh").read_text()
    assert not list(sweep.runs.iterdir())


def test_the_login_node_needs_no_gpu(runs: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fmnist_tui.runs.start._check_device", lambda *_: pytest.fail("a GPU was looked for"))
    programs.write("sbatch", "echo 7")
    outcome = fmnist(runs, "v3", *ASKED[1:], "--device", "cuda", "--on", "slurm", "--detach")
    assert outcome.output.strip() == find_sweep(runs, "last").sweep_id
    assert "--array=0-0" in programs.words("sbatch")


def test_it_is_pending_with_the_reason_and_interrupted_with_the_reason(
    sweep: SweepDirectory, programs: Programs, runs: Path
) -> None:
    tasks(programs, sweep, "7_0|PENDING|Priority|", "7_1|PENDING|Priority|")
    assert "; pending (Priority), 0 of 9 trials" in fmnist(runs, "show").output
    tasks(programs, sweep, "7_0|RUNNING|None|n1", "7_1|CANCELLED|None|")
    assert (read_sweep(sweep).status, read_sweep(sweep).reason) == (SweepStatus.PENDING, "starting on n1")
    tasks(programs, sweep, "7_0|OUT_OF_MEMORY|OutOfMemory|n1", "7_1|COMPLETED|None|n1")
    assert read_sweep(sweep).status is SweepStatus.INTERRUPTED
    assert read_sweep(sweep).reason.startswith("Slurm job 7_0 ran out of memory; give it more with")
    (sweep.workers / "task-0.log").write_text("error: an old one\nerror: no such data\nslurmstepd: error: x\n")
    tasks(programs, sweep, "7_0|FAILED|NonZeroExitCode|n1")
    assert read_sweep(sweep).reason == "no such data"
    programs.squeue("7_0|PENDING|Priority||another sweep")
    assert (read_sweep(sweep).status, read_sweep(sweep).reason) == (SweepStatus.INTERRUPTED, "")
    programs.write("squeue", "exit 1")
    forget_jobs()
    assert (read_sweep(sweep).status, read_sweep(sweep).reason) == (SweepStatus.PENDING, "Slurm doesn't answer")


def test_stop_cancels_the_tasks_that_wait_and_resume_submits_as_many_as_are_missing(
    sweep: SweepDirectory, programs: Programs, runs: Path
) -> None:
    tasks(programs, sweep, "7_0|RUNNING|None|n1", "7_1|PENDING|Priority|", "7_2|PENDING|Priority|")
    programs.write("scancel", "")
    assert fmnist(runs, "stop").exit_code == 0
    assert programs.words("scancel") == ["7_1", "7_2"]
    assert read_sweep(sweep).status is SweepStatus.STOPPED

    assert fmnist(runs, "resume", "--detach").exit_code == 0  # those that still run are about to end
    assert {"--array=0-2", "--partition=gpu", "--time=4:00:00"} <= set(programs.words("sbatch"))
    assert fmnist(runs, "resume", "--detach", "--workers", "4", "--time", "1:00:00").exit_code == 0
    assert {"--array=0-0", "--partition=gpu", "--time=1:00:00"} <= set(programs.words("sbatch"))
    (programs.folder / "sbatch.words").unlink()
    assert fmnist(runs, "resume", "--detach").exit_code == 0
    assert not programs.called("sbatch")


def test_on_local_brings_it_back(
    sweep: SweepDirectory, programs: Programs, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here: list[SweepDirectory] = []
    monkeypatch.setattr("fmnist_tui.sweeps.start.start_worker", here.append)
    programs.write("scancel", "")
    tasks(programs, sweep, "7_0|PENDING|Priority|")
    assert fmnist(runs, "resume", "--on", "local", "--workers", "1", "--detach").exit_code == 0
    assert programs.words("scancel") == ["7_0"]
    assert here == [sweep]
    assert read_sweep(sweep).status is SweepStatus.INTERRUPTED  # this one's worker is none
    assert fmnist(runs, "resume", "--workers", "2", "--detach").exit_code == 0  # it stays here
    assert len(here) == 3


def test_a_refusal_is_one_line_and_leaves_no_new_sweep(sweep: SweepDirectory, programs: Programs, runs: Path) -> None:
    programs.squeue()
    programs.write("sbatch", 'echo "sbatch: error: Batch job submission failed: no" >&2; exit 1')
    for words in ([*ASKED, "--on", "slurm"], ["resume", "--detach"]):
        outcome = fmnist(runs, *words)
        assert str(outcome.exception) == "sbatch: Batch job submission failed: no"
    assert [one.name for one in runs.iterdir()] == [sweep.sweep_id]
