"""A sweep's workers as tasks of a Slurm job array. They are found again by their name, which is the sweep's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import msgspec

from fmnist_tui.files import exists, write_json
from fmnist_tui.runs.access import refused
from fmnist_tui.runs.cluster.jobs import forget_jobs, jobs_named, may_start, what_ended
from fmnist_tui.runs.cluster.launcher import KIND_SLURM, Launcher
from fmnist_tui.runs.cluster.slurm import Job, cancel_jobs
from fmnist_tui.runs.cluster.submit import submit_command_array
from fmnist_tui.sweeps.directory import SweepDirectory
from fmnist_tui.user_settings import SlurmSettings

_TAIL = 4096
"""Bytes of what a task printed that are searched for an error."""


def submit_workers(sweep: SweepDirectory, count: int, options: SlurmSettings) -> None:
    """Submit a job array with a worker in each task.

    Args:
        sweep: The sweep.
        count: How many.
        options: Of each task's job.

    Raises:
        RunError: The folder can't be written, or Slurm refuses the job.
    """
    try:
        sweep.workers.mkdir(exist_ok=True)
        write_json(sweep.launcher, msgspec.to_builtins(Launcher(kind=KIND_SLURM, name=sweep.sweep_id)))
    except OSError as error:
        raise refused(f"write to {sweep.workers}", sweep.path, error) from None
    words = ["sweep", "work", sweep.sweep_id, "--in-slurm-job", "--runs", str(sweep.all_runs.absolute())]
    submit_command_array(sweep.workers, sweep.sweep_id, words, count, options)


def tasks_of(sweep: SweepDirectory) -> list[Job]:
    """The tasks with this sweep's workers that Slurm still knows, ended ones, too; see `jobs_named`."""
    return jobs_named(sweep.sweep_id, sweep.launcher)


def live_tasks(tasks: Sequence[Job]) -> list[Job]:
    """Those that wait or run."""
    return [task for task in tasks if may_start(task, announced=True)]


def cancel_waiting(sweep: SweepDirectory) -> None:
    """Cancel the tasks that wait for a node; those that run are left alone.

    Raises:
        RunError: Slurm refuses it: such a task ends as soon as it starts, if the sweep was stopped.
    """
    if not exists(sweep.launcher):
        return
    forget_jobs()
    try:
        if waiting := [task.id for task in tasks_of(sweep) if task.is_waiting]:
            cancel_jobs(waiting)
    finally:
        forget_jobs()


def leave_slurm(sweep: SweepDirectory) -> None:
    """Cancel the tasks that wait, and forget that there were any: the workers are started elsewhere now.

    Raises:
        RunError: Slurm refuses it, or the folder can't be written.
    """
    cancel_waiting(sweep)
    try:
        sweep.launcher.unlink(missing_ok=True)
    except OSError as error:
        raise refused(f"write to {sweep.workers}", sweep.path, error) from None


def why_tasks_ended(sweep: SweepDirectory, tasks: Sequence[Job]) -> str:
    """Why the workers ended, if all tasks have: what one of them printed, else how Slurm ended one; "" if unknown."""
    printed = (error for task in tasks if task.state == "FAILED" for error in _errors(sweep, task))
    ended = (what_ended(task) for task in tasks if task.is_over and task.state != "COMPLETED")
    return next(printed, "") or next(ended, "")


def _errors(sweep: SweepDirectory, task: Job) -> Iterator[str]:
    """The last error that a task has printed, if any."""
    with suppress(OSError):
        index = task.id.rpartition("_")[2]
        text = (sweep.workers / f"task-{index}.log").read_bytes()[-_TAIL:].decode("utf-8", "replace")
        errors = [line for line in text.splitlines() if line.startswith("error: ")]
        yield from (line.removeprefix("error: ") for line in errors[-1:])
