"""What Slurm says about a run without a trainer: it waits for its node, is just starting, or its job has ended.

All of this user's jobs are asked for in one call, at most every ten seconds, with a time limit; a Slurm that doesn't
answer isn't asked again for half a minute. Readers on other machines, and other users, take the log's word.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from fmnist_tui.runs.cluster.launcher import KIND_SLURM, EndedJob, Launcher, read_end, read_launcher, record_end
from fmnist_tui.runs.cluster.slurm import Job, SlurmError, list_jobs
from fmnist_tui.runs.directory import RunDirectory

_SECONDS = 10.0
_AGAIN_SECONDS = 1.0
"""The age at which the list is too old for a job that was submitted since."""
_NEW_SECONDS = 30.0
_UNREACHABLE_SECONDS = 30.0
_GONE, _UNKNOWN = "GONE", "UNKNOWN"
_ENDS = {
    "TIMEOUT": "reached its time limit before the run could be saved and requeued; give it more with --time",
    "OUT_OF_MEMORY": "ran out of memory; give it more with --sbatch --mem=8G",
    "NODE_FAIL": "was ended by the failure of its node",
    "BOOT_FAIL": "was ended because its node didn't boot",
    "CANCELLED": "was cancelled",
    "PREEMPTED": "was preempted and not requeued",
    "DEADLINE": "reached its deadline",
    "COMPLETED": "has ended",
    "FAILED": "failed",
    _GONE: "is no longer known to Slurm",
}


@dataclass
class _JobTable:
    """The newest list of jobs."""

    jobs: dict[str, Job] = field(default_factory=dict)
    is_known: bool = False
    asked: float = -_UNREACHABLE_SECONDS
    lock: threading.Lock = field(default_factory=threading.Lock)

    def refresh(self, seconds: float) -> None:
        """Ask Slurm, unless the list is younger; while another thread asks, the old list is good enough."""
        if self._is_fresh(seconds) or not self.lock.acquire(blocking=not self.is_known):
            return
        try:
            if self._is_fresh(seconds):  # another thread asked meanwhile
                return
            try:
                self.jobs, self.is_known = list_jobs(), True
            except SlurmError:
                self.is_known = False
            self.asked = time.monotonic()
        finally:
            self.lock.release()

    def _is_fresh(self, seconds: float) -> bool:
        return time.monotonic() - self.asked < (seconds if self.is_known else _UNREACHABLE_SECONDS)


_table = _JobTable()


def forget_jobs() -> None:
    """Ask Slurm again when a job is looked up next: something was submitted or cancelled."""
    global _table  # noqa: PLW0603 - a new lock as well: a thread may be asking
    _table = _JobTable()


def job_of(run: RunDirectory) -> Job | None:
    """The Slurm job of a run, as known here; None if it has none.

    Its state is "GONE" if Slurm has forgotten it and it isn't recorded how it ended, and "UNKNOWN" if Slurm can't be
    asked from here, or the job is another user's.
    """
    launcher = read_launcher(run)
    if launcher.kind != KIND_SLURM:
        return None
    try:
        request = run.request.stat()
    except OSError:
        return None
    if request.st_uid != os.getuid():
        return Job(launcher.job, _UNKNOWN, "another user's job")
    table = _table
    found = _look_up(table, launcher, is_new=abs(time.time() - request.st_mtime) < _NEW_SECONDS)
    if found is not None:
        if found.is_over:
            record_end(run, EndedJob(job=found.id, state=found.state, reason=found.reason, node=found.node))
        return found
    if ended := read_end(run, launcher.job):
        return Job(ended.job, ended.state, ended.reason, ended.node, launcher.name)
    return Job(launcher.job, *((_GONE,) if table.is_known else (_UNKNOWN, "Slurm doesn't answer")))


def jobs_named(name: str, marker: Path) -> list[Job]:
    """All jobs of a name that Slurm still knows, such as the tasks of an array; ended ones, too.

    There is one of the state "UNKNOWN" instead if Slurm can't be asked from here, or they are another user's.

    Args:
        name: Their name.
        marker: A file that their user has written just before they were submitted; without it there are none.
    """
    try:
        written = marker.stat()
    except OSError:
        return []
    if written.st_uid != os.getuid():
        return [Job("", _UNKNOWN, "another user's job")]
    table = _table
    table.refresh(_SECONDS)
    found = [job for job in table.jobs.values() if job.name == name]
    if not found and table.is_known and abs(time.time() - written.st_mtime) < _NEW_SECONDS:
        table.refresh(_AGAIN_SECONDS)
        found = [job for job in table.jobs.values() if job.name == name]
    return found if table.is_known else [Job("", _UNKNOWN, "Slurm doesn't answer")]


def _look_up(table: _JobTable, launcher: Launcher, *, is_new: bool) -> Job | None:
    """The job in the list; where it is missing, and may have been submitted since, in a newer list."""
    table.refresh(_SECONDS)
    if (found := _find(table, launcher)) is None and table.is_known and is_new:
        table.refresh(_AGAIN_SECONDS)
        found = _find(table, launcher)
    return found


def _find(table: _JobTable, launcher: Launcher) -> Job | None:
    """The launcher's job; by its name while its number isn't known, of several with the name the newest."""
    if launcher.job:
        job = table.jobs.get(launcher.job)
        return job if job is not None and launcher.name in ("", job.name) else None
    suffix = f"_{launcher.task}" if launcher.task >= 0 else ""
    named = [
        job for job in table.jobs.values() if launcher.name and job.name == launcher.name and job.id.endswith(suffix)
    ]
    return max(named, key=lambda job: int(job.id.partition("_")[0]), default=None)


def may_start(job: Job, *, announced: bool) -> bool:
    """Whether a trainer of the job will still come.

    Args:
        job: The job.
        announced: Whether the run's log says that it waits for one; believed where Slurm can't be asked.
    """
    if job.state == _UNKNOWN:
        return announced
    return not job.is_over and job.state != _GONE


def waiting_text(job: Job) -> str:
    """Why a job has no trainer yet: "Priority", "starting on node1"."""
    if job.is_waiting or job.state == _UNKNOWN:
        return job.reason
    return f"starting on {job.node}" if job.node else job.state.lower()


def end_text(job: Job, run_id: str) -> str:
    """How a job ended that left its run without a trainer, with advice."""
    if job.state == _UNKNOWN:
        return f"Slurm job {job.id}: {job.reason}"
    if not job.id and job.state == _GONE:
        return f"no job was submitted; submit one with: fmnist-tui resume {run_id}"
    return f"{what_ended(job)}; resume it with: fmnist-tui resume {run_id}"


def what_ended(job: Job) -> str:
    """How a job ended: "Slurm job 123 was cancelled"."""
    what = _ENDS.get(job.state, f"ended ({job.state})")
    reason = f" ({job.reason})" if job.reason and job.state in ("FAILED", "CANCELLED") else ""
    return f"Slurm job {job.id} {what}{reason}"


def why_job_ended(run: RunDirectory) -> str:
    """How the Slurm job ended that left a run without a trainer, with advice; "" if the run has none."""
    job = job_of(run)
    return "" if job is None or may_start(job, announced=True) else end_text(job, run.run_id)


def job_text(job: Job, run_id: str, *, is_running: bool) -> str:
    """A job as `show` prints it: "123: Priority", "123 on node1"."""
    number = job.id or "?"
    if is_running:
        return f"{number} on {job.node}" if job.node else number
    if job.state == _UNKNOWN:
        return f"{number} ({job.reason})"
    if may_start(job, announced=True):
        return f"{number}: {waiting_text(job)}"
    return end_text(job, run_id)
