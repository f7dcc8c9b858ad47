"""Slurm's commands, each with a time limit, and what their output means."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence

import msgspec

from fmnist_tui.errors import RunError
from fmnist_tui.host.processes import CommandResult, python_environment, run_command

QUERY_SECONDS = 4.0
_SUBMIT_SECONDS = 60.0
_CHANGE_SECONDS = 10.0
_FIELDS = "%i|%T|%r|%N|%j"
_JOB = re.compile(r"\d+(_\d+)?")
_NO_CLUSTER = re.compile(r"configuration source|fetch config|controller|connect", re.IGNORECASE)
"""In what Slurm's commands print where they find no cluster, or can't reach it."""
_WAITING = {"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD", "SPECIAL_EXIT"}
_OVER = {
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "REVOKED",
    "TIMEOUT",
}


class SlurmError(RunError):
    """A command of Slurm is missing, failed, or didn't answer; the text is one line."""


class Job(msgspec.Struct, frozen=True):
    """A job, or a task of an array, as `squeue` lists it.

    Attributes:
        id: "123", "123_4".
        state: "PENDING", "RUNNING", "TIMEOUT"...
        reason: Why it is in that state, "Priority", or "".
        node: Where it runs, or "".
        name: Its name.
    """

    id: str
    state: str
    reason: str = ""
    node: str = ""
    name: str = ""

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its nodes."""
        return self.state in _WAITING

    @property
    def is_over(self) -> bool:
        """Whether it has ended for good."""
        return self.state in _OVER


def submit_script(script: str, arguments: Sequence[str]) -> str:
    """Submit a batch script; return the job's number.

    Args:
        script: Its text, passed on standard input: no file is executed.
        arguments: Options of sbatch.

    Raises:
        SlurmError: Slurm refuses it, with its reason.
    """
    command = ["sbatch", "--parsable", *arguments]
    try:
        done = subprocess.run(
            command,
            input=script.encode(errors="surrogateescape"),
            capture_output=True,
            timeout=_SUBMIT_SECONDS,
            env=python_environment(),
            cwd="/",
            check=False,
        )
    except OSError as error:
        raise SlurmError(_missing("sbatch", error.strerror)) from None
    except subprocess.TimeoutExpired:
        raise SlurmError(f"sbatch gave no answer within {_SUBMIT_SECONDS:g} s; see `squeue --me`") from None
    output, errors = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
    job = output.strip().rpartition("\n")[2].partition(";")[0]
    if done.returncode or not _JOB.fullmatch(job):
        raise SlurmError(_why("sbatch", errors))
    return job


def list_jobs() -> dict[str, Job]:
    """This user's jobs that Slurm still knows, ended ones for some minutes, by their numbers.

    Raises:
        SlurmError: Slurm doesn't answer.
    """
    command = ["squeue", "--me", "--noheader", "--array", "--states=all", f"--format={_FIELDS}"]
    return {job.id: job for job in parse_jobs(_checked(run_command(command, QUERY_SECONDS), "squeue"))}


def find_job(number: str) -> Job | None:
    """A job as Slurm knows it now; None if it doesn't.

    Raises:
        SlurmError: Slurm doesn't answer.
    """
    command = ["squeue", "--noheader", "--array", "--states=all", f"--format={_FIELDS}", f"--jobs={number}"]
    jobs = parse_jobs(_checked(run_command(command, QUERY_SECONDS), "squeue"))
    return next((job for job in jobs if job.id == number), jobs[0] if len(jobs) == 1 else None)


def parse_jobs(output: str) -> list[Job]:
    """The jobs in the output of `squeue`, whose fields are separated by "|"; names come last and may have any text."""
    jobs = []
    for line in output.splitlines():
        fields = line.split("|", 4)
        if len(fields) == 5 and _JOB.fullmatch(fields[0]):
            number, state, reason, node, name = fields
            jobs.append(Job(number, state, "" if reason in ("None", "(null)") else reason, node, name))
    return jobs


def cancel_jobs(numbers: Sequence[str]) -> None:
    """End jobs; those that have ended are left alone.

    Raises:
        SlurmError: Slurm refuses it, or doesn't answer.
    """
    _checked(run_command(["scancel", *numbers], _CHANGE_SECONDS), "scancel")


def requeue_job(number: str) -> None:
    """Put a running job back into the queue; its processes are ended.

    Raises:
        SlurmError: Slurm refuses it, or doesn't answer.
    """
    _checked(run_command(["scontrol", "requeue", number], _CHANGE_SECONDS), "scontrol requeue")


def own_job() -> str:
    """The job, or the task of an array, that this process belongs to: "123", "123_4"; "" outside of one."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID", ""), os.environ.get("SLURM_ARRAY_TASK_ID", "")
    job = f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID", "")
    return job if _JOB.fullmatch(job) else ""


def _checked(result: CommandResult, name: str) -> str:
    if result.status == 0:
        return result.output
    if result.status is None and "can't be started" in result.errors:
        raise SlurmError(_missing(name, result.errors.rpartition("(")[2].rstrip(")")))
    raise SlurmError(_why(name, result.errors))


def _missing(name: str, why: str | None) -> str:
    return f"{name} can't be started ({why or 'unknown error'}): this machine is no login node of a Slurm cluster"


def _why(name: str, errors: str) -> str:
    """Slurm's last line, which is its summary: "Batch job submission failed: Invalid partition name specified"."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    text = lines[-1] if lines else "no reason given"
    text = text.removeprefix(f"{name.partition(' ')[0]}: ").removeprefix("error: ").removeprefix("fatal: ")
    advice = "; is this a login node of the cluster? try: sinfo" if _NO_CLUSTER.search(text) else ""
    return f"{name}: {text}{advice}"
