"""Submitting runs to a cluster, and taking back those that still wait."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from fmnist_tui.errors import RunError
from fmnist_tui.files import write_atomically
from fmnist_tui.runs.access import refused
from fmnist_tui.runs.cluster.jobs import forget_jobs, job_of
from fmnist_tui.runs.cluster.launcher import KIND_SLURM, Launcher, write_launcher
from fmnist_tui.runs.cluster.options import LOCAL, SLURM, SSH, Launch, checked_target, save_launch, saved_launch
from fmnist_tui.runs.cluster.script import all_words, as_pattern, command_script, job_options, run_script
from fmnist_tui.runs.cluster.slurm import cancel_jobs, submit_script
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.queue.dispatch import log_stop, write_failed, write_waiting
from fmnist_tui.runs.queue.options import QueueOptions
from fmnist_tui.runs.queue.submit import Submitted, submit
from fmnist_tui.user_settings import SlurmSettings

SCRIPT = "batch.sh"


def submit_to(
    target: str,
    runs: Sequence[RunDirectory],
    options: SlurmSettings | None = None,
    queueing: QueueOptions | None = None,
) -> Submitted:
    """Start runs on this machine, as Slurm jobs, or on another machine over ssh.

    Args:
        target: "local", "slurm" or "ssh:HOST".
        runs: Runs without a trainer.
        options: Of the Slurm job.
        queueing: How to queue them on this machine; None for what the user's settings say.

    Raises:
        ConfigError: The target is none.
        RunError: Nothing could be started.
    """
    launch = Launch(target=checked_target(target), slurm=options or SlurmSettings())
    if target == LOCAL:
        for run in runs:
            train_locally(run)
        return submit(runs, queueing)
    for run in runs:
        save_launch(run, launch)
    if target == SLURM:
        return _submit_jobs(runs, launch.slurm)
    from fmnist_tui.runs.cluster.ssh import start_on

    return start_on(target.removeprefix(SSH), runs)


def train_locally(run: RunDirectory) -> None:
    """Forget where a run was started before: it is trained on this machine now.

    Raises:
        RunError: Its folder can't be written.
    """
    save_launch(run, Launch())
    write_launcher(run, Launcher())


def submit_again(runs: Sequence[RunDirectory], queueing: QueueOptions | None = None) -> Submitted:
    """Start runs where this user started them last, with the same options.

    Raises:
        RunError: Nothing could be started.
    """
    launches: dict[Launch, list[RunDirectory]] = {}
    for run in runs:
        launches.setdefault(saved_launch(run), []).append(run)
    submitted = Submitted()
    for launch, ours in launches.items():
        one = submit_to(launch.target, ours, launch.slurm, queueing)
        submitted.started |= one.started
        submitted.queued += one.queued
        submitted.failed |= one.failed
        submitted.warning = submitted.warning or one.warning
        submitted.is_here &= one.is_here
    return submitted


def _submit_jobs(runs: Sequence[RunDirectory], options: SlurmSettings) -> Submitted:
    """Submit one job, or one job array with a task for each run.

    The name of the job and the task are on disk before it is submitted, so that the runs find their job again even if
    this process is killed before it has written the number.
    """
    submitted = Submitted(is_here=False)
    name, tasks = runs[0].run_id, len(runs) if len(runs) > 1 else 0
    output = Path("/dev/null") if tasks else runs[0].train_log  # each task writes its own run's train.log
    lines = job_options(name, options, as_pattern(output), tasks)
    script = run_script(runs, lines, options)
    launchers = {run: Launcher(kind=KIND_SLURM, name=name, task=task if tasks else -1) for task, run in enumerate(runs)}
    for run, launcher in launchers.items():
        write_launcher(run, launcher)
        _write_script(run.path / SCRIPT, script)
        write_waiting(run, "Slurm")
    try:
        job = submit_script(script, all_words(lines, options))
    except RunError as error:
        for run in runs:
            write_failed(run, str(error))
            submitted.failed[run] = str(error)
        return submitted
    finally:
        forget_jobs()
    for run, launcher in launchers.items():
        number = f"{job}_{launcher.task}" if tasks else job
        with suppress(RunError):  # the trainer writes it, too
            write_launcher(run, Launcher(kind=KIND_SLURM, job=number, name=name, task=launcher.task))
    submitted.queued = list(runs)
    return submitted


def submit_command_array(folder: Path, name: str, arguments: Sequence[str], count: int, options: SlurmSettings) -> str:
    """Submit a job array whose tasks each run a command line of this program; return its number, "123".

    Before the time limit and on preemption, the command gets SIGTERM, on which it has to save and end within two
    minutes (on preemption: the cluster's grace time); its task is then requeued, and runs the same command again. It
    runs with SLURM_ARRAY_TASK_ID in its environment. A task whose command ends by itself isn't requeued.

    Args:
        folder: Where the script (batch.sh) and what the tasks print (task-<index>.log) are written; it is shared.
        name: The job's name, by which it can be found: a run's id or another word.
        arguments: What follows `fmnist-tui`.
        count: How many tasks.
        options: Of each task's job.

    Raises:
        RunError: The folder can't be written, or Slurm refuses the job.
    """
    lines = job_options(name, options, as_pattern(folder) + "/task-%a.log", count)
    script = command_script(arguments, lines, options)
    _write_script(folder / SCRIPT, script)
    try:
        return submit_script(script, all_words(lines, options))
    finally:
        forget_jobs()


def cancel_pending(run: RunDirectory) -> None:
    """Cancel the job of a run that waits for its node; it can be resumed.

    Raises:
        RunError: It has just been started, or its job can't be cancelled: that job ends as soon as it starts.
    """
    job = job_of(run)
    log_stop(run)
    try:
        if job is not None and job.id:
            cancel_jobs([job.id])
    finally:
        forget_jobs()


def discard_new(runs: Sequence[RunDirectory]) -> None:
    """Delete runs that were just requested and refused, such as by a cluster without such a partition."""
    from fmnist_tui.runs.run import delete_run

    for run in runs:
        with suppress(RunError):
            delete_run(run)


def _write_script(path: Path, script: str) -> None:
    try:
        write_atomically(path, script.encode(errors="surrogateescape"))
    except OSError as error:
        raise refused(f"write {path}", path.parent, error) from None
