"""What a job runs on its node, in place of its batch script: a trainer, or a command that trains.

Shortly before its time limit a job gets SIGUSR1, as it does on preemption where the cluster is set up so; SIGTERM comes
with the limit itself, on preemption, and if the job is cancelled. In each case everything is saved at once. The job is
then put back into the queue, unless it was cancelled, or Slurm does that itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from types import FrameType

from fmnist_tui.errors import RunError
from fmnist_tui.host.processes import python_command
from fmnist_tui.runs.cluster.launcher import KIND_SLURM, Launcher, read_launcher, write_launcher
from fmnist_tui.runs.cluster.slurm import SlurmError, find_job, own_job, requeue_job
from fmnist_tui.runs.control import Inbox, control_end, stop_requested_since
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.fold import read_tail_fold
from fmnist_tui.runs.launch import LaunchSettings, launch
from fmnist_tui.runs.lock import acquire, check_attempt, new_attempt
from fmnist_tui.runs.log_order import current_tail
from fmnist_tui.training import events
from fmnist_tui.training.events import Command

_PATIENCE = 30.0
"""Seconds: a trainer on another node may have died a moment ago, with a heartbeat that is still fresh."""
_MORE_TRIES, _BETWEEN_TRIES = 3, 0.5


class Warnings:
    """The signals that say that the job ends soon.

    Attributes:
        received: Their numbers.
    """

    def __init__(self, on_signal: Callable[[], object]) -> None:
        self.received: list[int] = []
        self._on_signal = on_signal
        for number in (signal.SIGUSR1, signal.SIGTERM):
            signal.signal(number, self._receive)

    def _receive(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.received.append(number)
        self._on_signal()


def main(arguments: list[str]) -> int:
    """Train the run in that folder, or run the command line after --command; return the exit status."""
    if arguments[:1] == ["--command"]:
        return run_command_line(arguments[1:])
    return train_run(RunDirectory(Path(arguments[0])))


def train_run(run: RunDirectory) -> int:
    """Train a run in this process, and requeue the job if it has to make way; return the exit status."""
    job, offset = own_job(), control_end(run)
    inbox = Inbox(run, offset)
    warnings = Warnings(partial(inbox.put, Command.STOP_NOW))
    lock = _acquire_patiently(run)
    if why := _unwanted(run, job):
        os.close(lock)
        _print(why)
        return 0
    try:
        with suppress(RunError):  # it is for readers
            _settle(run, job)
        attempt = new_attempt(run, lock)
    except BaseException:
        os.close(lock)
        raise
    requeues = False

    def after(finished: events.RunFinished) -> None:
        nonlocal requeues
        is_saved = finished.reason == "stopped" and finished.resumable
        if is_saved and warnings.received and not _stays_stopped(run, offset):
            requeues = True
            _log_waiting(run, attempt)

    from fmnist_tui.runs.trainer_process import exit_status, train_locked

    device, key = own_device(run)
    finished = train_locked(run, lock, attempt, inbox, device=device, device_id=key, after=after)
    if requeues and (fault := requeue(job)):
        _log_stopped(run, fault)
        return 1
    return exit_status(finished)


def run_command_line(arguments: Sequence[str]) -> int:
    """Run a command of this program; if the job has to make way, end it with SIGTERM and requeue the job."""
    commands: list[subprocess.Popen[bytes]] = []

    def stop() -> None:
        for command in commands:
            command.send_signal(signal.SIGTERM)

    warnings = Warnings(stop)
    commands.append(subprocess.Popen(python_command("fmnist_tui", *arguments)))
    if warnings.received:  # before it was started
        stop()
    status = commands[0].wait()
    if warnings.received and status and (fault := requeue(own_job())):  # otherwise nothing is left to do
        _print(fault)
    return status


def requeue(job: str) -> str:
    """Put this job back into the queue, unless it was cancelled or Slurm does it; return why that failed, or "".

    What asks Slurm is a process of this job, which Slurm may end like all others: then it is asked again.
    """
    fault = _requeued(job)
    for _ in range(_MORE_TRIES):
        if not fault:
            break
        time.sleep(_BETWEEN_TRIES)
        fault = _requeued(job)
    return f"saved, but Slurm job {job} can't be requeued ({fault})" if fault else ""


def _requeued(job: str) -> str:
    try:
        now = find_job(job)
        if now is not None and (now.state == "PENDING" or (now.state == "COMPLETING" and now.reason != "TimeLimit")):
            return ""  # cancelled, or preempted, in which case it is in the queue already
        requeue_job(job)
    except SlurmError as error:
        return "" if "pending" in str(error).lower() else str(error)  # it already is in the queue
    return ""


def own_device(run: RunDirectory) -> tuple[str, str]:
    """The device that Slurm gave to this job for the run, as in a configuration, and its key; "", "" for no GPU.

    A GPU is named by its UUID from here on: each job on a node may see its own as number 0.
    """
    from fmnist_tui.runs.conditions import conditions_at_start
    from fmnist_tui.runs.queue.devices import MPS, candidates, visible_gpus
    from fmnist_tui.runs.request import read_request, settled_config

    try:
        request = read_request(run)
    except RunError:  # the trainer reports it
        return "", ""
    config = settled_config(run, request)
    keys = candidates(config, visible_gpus([config]), conditions_at_start(run), request.config.device)
    if not keys or keys[0][0] == MPS:
        return "", ""
    key, index = keys[0]
    if key.startswith(("GPU-", "MIG-")):
        os.environ["CUDA_VISIBLE_DEVICES"] = key
        return "cuda:0", key
    return f"cuda:{index}", key


def launch_here(run: RunDirectory) -> subprocess.Popen[bytes]:
    """Start a trainer process on the device that Slurm gave to this job: no queue, since nobody else may use it.

    Raises:
        RunError: The run already has a trainer, or the process can't be started.
    """
    device, key = own_device(run)
    return launch(run, settings=LaunchSettings(device=device, device_id=key))


def _acquire_patiently(run: RunDirectory) -> int:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            return acquire(run)
        except RunError:
            if time.monotonic() > until:
                raise
        time.sleep(1.0)


def _unwanted(run: RunDirectory, job: str) -> str:
    """Why the run should not be trained by this job, or ""."""
    launcher, last = read_launcher(run), read_tail_fold(run).last
    if launcher.kind != KIND_SLURM or (launcher.job and launcher.job != job):
        return f"{run.run_id} was started elsewhere since: job {job} ends"
    if last is not None and isinstance(last.event, events.RunFinished):
        return f"{run.run_id} was stopped while job {job} waited: it ends"
    return ""


def _settle(run: RunDirectory, job: str) -> None:
    """Write this job's number, if the process that submitted it was killed before it could."""
    launcher = read_launcher(run)
    if not launcher.job:
        write_launcher(run, Launcher(kind=KIND_SLURM, job=job, name=launcher.name, task=launcher.task))


def _stays_stopped(run: RunDirectory, offset: int) -> bool:
    """Whether somebody stopped or paused the run, which the end of its job must not undo."""
    if stop_requested_since(run, offset):
        return True
    turns = (events.Paused, events.Continued, events.RunStarted, events.Resumed)
    last = next((one.event for one in reversed(current_tail(run.events)) if isinstance(one.event, turns)), None)
    return isinstance(last, events.Paused)


def _log_waiting(run: RunDirectory, attempt: int) -> None:
    """Log that the run waits for Slurm again, while its lock is still held: it never appears to be stopped."""
    from fmnist_tui.runs.event_log import EventLog
    from fmnist_tui.runs.queue.dispatch import waits_for

    with (
        suppress(OSError, RunError),
        closing(EventLog(run.events, attempt, partial(check_attempt, run, attempt))) as log,
    ):
        log.append(waits_for("Slurm"))
        log.sync()


def _log_stopped(run: RunDirectory, message: str) -> None:
    from fmnist_tui.runs.queue.dispatch import write_end

    write_end(run, events.RunFinished("stopped", resumable=True, message=message))


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except RunError as error:
        _print(f"error: {error}")
        sys.exit(1)
