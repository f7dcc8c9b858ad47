"""Putting runs into the queue, starting those whose device is free, and taking them out again."""

from __future__ import annotations

import getpass
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from fmnist_tui.host.cpus import available_cpus, cpu_set
from fmnist_tui.host.gpu import Gpu, others_on
from fmnist_tui.host.gpus import query_gpus
from fmnist_tui.host.identity import host_name
from fmnist_tui.host.python import python_command, python_environment
from fmnist_tui.runs.access import refused
from fmnist_tui.runs.directory import RunDirectory, RunError
from fmnist_tui.runs.event_log import EventLog, latest_attempt
from fmnist_tui.runs.launch import LaunchSettings, NotWanted, launch
from fmnist_tui.runs.lock import (
    abandon_attempt,
    acquire,
    check_attempt,
    current_attempt,
    holding,
    new_attempt,
    try_exclusive,
)
from fmnist_tui.runs.places import private_temporary_folder, state_folder
from fmnist_tui.runs.queue.claims import Claim, HeldClaim, claims_in_use, is_free, live_claims, take_claim
from fmnist_tui.runs.queue.devices import candidates, free_device, needed_device, visible_gpus
from fmnist_tui.runs.queue.store import Entry, Queue, existing_queues, this_queue
from fmnist_tui.runs.request import read_request, settled_config
from fmnist_tui.runs.status import waits_in
from fmnist_tui.training import events
from fmnist_tui.training.config import TrainingConfig

DISPATCHER = "fmnist_tui.runs.queue.dispatcher"
_REPLACED_SECONDS = 2.0
_LOOK_SECONDS = 0.02


@dataclass
class Submitted:
    """What became of runs that were submitted.

    Attributes:
        started: The runs that train now, with their processes.
        queued: The runs that wait.
        failed: Why others could not be started, a line each.
        warning: A line on a queue that had to be kept somewhere else; "" where it is in its place.
    """

    started: dict[RunDirectory, subprocess.Popen[bytes]] = field(default_factory=dict)
    queued: list[RunDirectory] = field(default_factory=list)
    failed: dict[RunDirectory, str] = field(default_factory=dict)
    warning: str = ""


def submit(runs: Sequence[RunDirectory]) -> Submitted:
    """Starts each run whose device is free, and queues the others; a dispatcher then waits for them.

    Raises:
        RunError: There is no folder in which a queue can be kept.
    """
    submitted = Submitted()
    wanted: list[tuple[RunDirectory, TrainingConfig, float]] = []
    for run in runs:
        try:
            request = read_request(run)
        except RunError as error:
            submitted.failed[run] = str(error)
        else:
            wanted.append((run, settled_config(run, request), request.created))
    gpus = visible_gpus([config for _, config, _ in wanted])
    queue, submitted.warning = usable_queue()
    with queue.locked():
        environment = queue.save_environment(python_environment())
        new = [new_entry(run, created, config, gpus, environment) for run, config, created in wanted]
        ours = {entry.run: entry for entry in new}
        queue.write([*(entry for entry in queue.read() if entry.run not in ours), *new])
        submitted.started, failed = start_ready(queue, only=set(ours))
        submitted.failed |= failed
        waiting = {entry.run for entry in queue.read()}
        submitted.queued = [run for run, _, _ in wanted if str(run.path.absolute()) in waiting]
        for run in list(submitted.queued):
            try:
                write_queued(run, queue, ours[str(run.path.absolute())].needs)
            except (RunError, OSError) as error:  # without it nobody could see that the run waits
                submitted.failed[run] = str(error)
                submitted.queued.remove(run)
                waiting.remove(str(run.path.absolute()))
        if submitted.failed:
            queue.write([entry for entry in queue.read() if entry.run in waiting])
        if waiting:
            try:
                ensure_dispatcher(queue)
            except OSError as error:
                why = f"no process that waits for the device can be started ({error.strerror})"
                submitted.warning = f"{why}; once that is mended, any fmnist-tui command goes on with the queue"
    return submitted


def new_entry(
    run: RunDirectory,
    created: float,
    config: TrainingConfig,
    gpus: Sequence[Gpu],
    environment: str = "",
    in_app: str = "",
) -> Entry:
    """The queue's record of a run that this process asks for."""
    keys, count = candidates(config, gpus), available_cpus()
    umask = os.umask(0o077)
    os.umask(umask)
    return Entry(
        run=str(run.path.absolute()),
        created=created,
        needs=needed_device(config, has_gpus=bool(gpus)),
        gpus=keys,
        cpus=cpu_set(),
        cpu_count=count,
        threads=0 if keys else min(config.threads or count, count),
        in_app=in_app,
        python=sys.executable,
        environment=environment,
        umask=umask,
        nice=os.nice(0),
    )


def start_ready(
    queue: Queue, only: set[str] | None = None
) -> tuple[dict[RunDirectory, subprocess.Popen[bytes]], dict[RunDirectory, str]]:
    """Starts every waiting run whose device is free, first come first served; the caller holds the queue's lock.

    Args:
        queue: The queue.
        only: Start only these runs, as this process would; None starts all as those who asked for them would.

    Returns:
        The runs that train now, and why others could not be started.
    """
    claims = all_claims(queue)
    busy = used_by_others(queue.read())
    started: dict[RunDirectory, subprocess.Popen[bytes]] = {}
    failed: dict[RunDirectory, str] = {}
    left: list[Entry] = []
    for entry in queue.read():
        run = RunDirectory(Path(entry.run))
        if entry.in_app and is_free(Path(entry.in_app)):  # its process died
            continue
        wanted = free_device(entry, claims.values(), left, busy)
        if wanted is None or entry.in_app or (only is not None and entry.run not in only):
            left.append(entry)
            continue
        if only is None and not waits_in(run, queue):  # stopped, deleted, or queued or trained elsewhere meanwhile
            continue
        try:
            claim = take_claim(queue, wanted)
        except RunError as error:
            failed[run] = str(error)
            left.append(entry)
            continue
        try:
            started[run] = _launch(queue, run, claim, entry if only is None else None)
            claims[claim.path] = claim.claim
        except NotWanted:
            continue
        except RunError as error:
            failed[run] = str(error)
            if only is None:
                _write_failed(run, str(error))
        finally:
            claim.release()
    queue.write(left)
    return started, failed


def _launch(queue: Queue, run: RunDirectory, claim: HeldClaim, entry: Entry | None) -> subprocess.Popen[bytes]:
    """Starts a run as whoever queued it would, if it still waits; or, where it isn't queued, as this process."""
    if entry is None:
        return launch(run, claim, queue.folder)
    return launch(run, claim, queue.folder, _settings(queue, entry), partial(waits_in, queue=queue))


def cancel_queued(run: RunDirectory) -> None:
    """Takes a waiting run out of the queue; it can be resumed.

    It takes an attempt number as a trainer does, so that of a stop and a start on two hosts one comes first, whatever
    their locks see: a start that comes later finds the stop in the log, and a stop that comes later fails.

    Raises:
        RunError: It has just been started, or its folder can't be written.
    """
    lock = acquire(run)
    with holding(lock):
        attempt = new_attempt(run, lock)
        try:
            with closing(EventLog(run.events, attempt, partial(check_attempt, run, attempt))) as log:
                log.append(events.StopRequested("now"))
                log.append(events.RunFinished("stopped", resumable=True))
                log.sync()
            check_attempt(run, attempt)
        except OSError as error:
            raise refused(f"write {run.events}", run.path, error) from None
        finally:
            abandon_attempt(run, attempt)
    with suppress(RunError):  # a dispatcher that finds it there asks the run first
        for queue in existing_queues():
            if queue.holds(run.path.absolute()):
                with queue.locked():
                    queue.write([entry for entry in queue.read() if entry.run != str(run.path.absolute())])


def write_queued(run: RunDirectory, queue: Queue, needs: str) -> None:
    """Says in the run's log that it waits, and where.

    Raises:
        RunError: A trainer holds the run, or its folder can't be written.
        OSError: The log can't be written.
    """
    with holding(acquire(run)), closing(_log_of(run)) as log:
        log.append(events.Queued(needs, host=host_name(), user=_user(), queue=str(queue.folder)))
        log.sync()


def ensure_dispatcher(queue: Queue) -> None:
    """Wakes the process that waits, or starts one.

    One that runs at a lower priority than this process is replaced: what it starts could not have a higher one.

    Raises:
        OSError: None can be started.
    """
    handle = os.open(queue.dispatcher_lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _becomes_free(handle):
            wake(queue)
            return
        subprocess.Popen(
            python_command(DISPATCHER, str(queue.folder), str(handle)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(handle,),
            cwd="/",
            env=python_environment(),
        )
    finally:
        os.close(handle)


def wake(queue: Queue) -> None:
    """Has the process that waits look again."""
    with suppress(OSError):  # nobody waits
        handle = os.open(queue.wake_pipe, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(handle, b"!")
        finally:
            os.close(handle)


def revive(queue: Queue) -> None:
    """Starts a dispatcher where runs wait and none lives, after a reboot for one.

    Costs a look at one file where no run waits; never fails.
    """
    with suppress(OSError):
        if queue.has_entries and is_free(queue.dispatcher_lock):
            ensure_dispatcher(queue)


def usable_queue() -> tuple[Queue, str]:
    """The queue, and, where its place can't be written, a line on that: it lies in a private temporary folder then.

    Raises:
        RunError: Neither can be written.
    """
    queue = this_queue(state_folder())
    try:
        with queue.locked():
            queue.write(queue.read())  # a full disk is found out before anything is started
    except RunError as error:
        return this_queue(private_temporary_folder()), f"{error}; until then it lies in a temporary folder"
    return queue, ""


def all_claims(queue: Queue) -> dict[Path, Claim]:
    """What is in use, by the files to wait for; the caller holds the queue's lock."""
    claims = live_claims(queue)
    for other in existing_queues():
        if other != queue:
            claims |= claims_in_use(other)
    return claims


def _becomes_free(handle: int) -> bool:
    """Takes the dispatcher's lock where none lives, or one that had a lower priority and was ended for that."""
    if _takes(handle, _LOOK_SECONDS):  # who only looks holds the lock for an instant
        return True
    pid, nice = dispatcher_in(handle)
    if not pid or nice <= os.nice(0):
        return False
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGTERM)
    return _takes(handle, _REPLACED_SECONDS)


def _takes(handle: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not try_exclusive(handle):
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


def dispatcher_in(handle: int) -> tuple[int, int]:
    """Process and priority of the dispatcher that holds the lock; zeros where it hasn't said so yet."""
    try:
        pid, nice = os.pread(handle, 64, 0).split()
        return int(pid), int(nice)
    except ValueError:
        return 0, 0


def _write_failed(run: RunDirectory, message: str) -> None:
    """Says in the run's log that it couldn't be started, unless somebody else trains it."""
    with suppress(RunError, OSError), holding(acquire(run)), closing(_log_of(run)) as log:
        log.append(events.RunFinished("failed", resumable=True, message=message))


def _log_of(run: RunDirectory) -> EventLog:
    """The run's log, for who isn't a trainer of it. The lock file, and its number, may have been removed."""
    return EventLog(run.events, max(current_attempt(run), latest_attempt(run.events)))


def _settings(queue: Queue, entry: Entry) -> LaunchSettings:
    environ = queue.read_environment(entry.environment)
    return LaunchSettings(entry.python, environ, entry.umask, entry.nice, entry.cpus)


def used_by_others(entries: Sequence[Entry]) -> Mapping[str, bool]:
    """Whether somebody uses a GPU already, by its key; asked only where some run can choose."""
    if not any(len(entry.gpus) > 1 for entry in entries):
        return {}
    return {gpu.key: bool(gpu.processes) or bool(others_on(gpu)) for gpu in query_gpus({})}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
