"""Which job trains a run: "launcher" in request.json, and, once the job has ended without saying why, job.json."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from fmnist_tui.files import read_json, write_json
from fmnist_tui.runs.access import refused
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.manifest import lenient

KIND_SLURM, KIND_SSH = "slurm", "ssh"


class Launcher(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What starts a run's trainer.

    Attributes:
        kind: "slurm" or "ssh"; "" for a process on a machine that shares the folder.
        job: The Slurm job, "123" or "123_4"; "" while it isn't known.
        name: The job's name, by which it is found if its number couldn't be written.
        task: The run's index in a job array; -1 for a job of its own.
        host: The host that was named in `--on ssh:HOST`.
    """

    kind: str = ""
    job: str = ""
    name: str = ""
    task: int = -1
    host: str = ""


class EndedJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job that Slurm has ended; Slurm itself forgets it after some minutes.

    Attributes:
        job: As in `Launcher`.
        state: Slurm's name for it: "TIMEOUT".
        reason: Slurm's reason, or "".
        node: Where it ran, or "".
    """

    job: str = ""
    state: str = ""
    reason: str = ""
    node: str = ""


def read_launcher(run: RunDirectory) -> Launcher:
    """What starts the run's trainer, as request.json has it."""
    return lenient((read_json(run.request) or {}).get("launcher"), Launcher)


def write_launcher(run: RunDirectory, launcher: Launcher) -> None:
    """Change request.json, atomically; an empty launcher is removed from it.

    Raises:
        RunError: It can't be written.
    """
    content = read_json(run.request)
    if content is None:  # the trainer reports it
        return
    new = {name: value for name, value in content.items() if name != "launcher"}
    if launcher != Launcher():
        new["launcher"] = msgspec.to_builtins(launcher)
    if new == content:
        return
    try:
        write_json(run.request, new)
    except OSError as error:
        raise refused(f"write {run.request}", run.path, error) from None


def read_end(run: RunDirectory, job: str) -> EndedJob | None:
    """How a job of the run ended, if that was recorded."""
    ended = lenient(read_json(run.job_json), EndedJob)
    return ended if job and ended.job == job else None


def record_end(run: RunDirectory, ended: EndedJob) -> None:
    """Record how the run's job ended, unless it is known or the folder can't be written."""
    if read_end(run, ended.job) != ended:
        with suppress(OSError):
            write_json(run.job_json, msgspec.to_builtins(ended))
