"""Starting runs whose device is free, and the process that waits for the others; taking runs out of the queue."""

from __future__ import annotations

import getpass
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec

from fmnist_tui.errors import RunError
from fmnist_tui.host.node import host_name
from fmnist_tui.host.processes import python_command, python_environment
from fmnist_tui.runs.access import refused
from fmnist_tui.runs.directory import RunDirectory
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
from fmnist_tui.runs.queue.devices import (
    Claim,
    HeldClaim,
    claims_in_use,
    is_free,
    prune_claims,
    take_claim,
)
from fmnist_tui.runs.queue.measured import read_measured
from fmnist_tui.runs.queue.slots import Machine, Refusal, Slots
from fmnist_tui.runs.queue.store import AUTO, Entry, Queue, existing_queues
from fmnist_tui.runs.status import waits_in
from fmnist_tui.training import events

DISPATCHER = "fmnist_tui.runs.queue.dispatcher"
_REPLACED_SECONDS = 2.0
_LOOK_SECONDS = 0.02


@dataclass
class Dispatched:
    """The outcome of a look at the queue.

    Attributes:
        started: The runs that were started.
        failed: Why others could not be started.
        look_again: Whether something that a run waits for is announced by nothing: it has to be looked at again.
        warning: A line on GPUs that are left to other people, or "".
    """

    started: dict[RunDirectory, subprocess.Popen[bytes]] = field(default_factory=dict)
    failed: dict[RunDirectory, str] = field(default_factory=dict)
    look_again: bool = False
    warning: str = ""


def start_ready(queue: Queue, only: set[str] | None = None) -> Dispatched:
    """Start every queued run whose device is free, in the queue's order; the caller holds the queue's lock.

    Args:
        queue: The queue.
        only: Start only these runs, with this process's environment; None starts all, each with the environment it was
            queued with.
    """
    outcome = Dispatched()
    entries = queue.read()
    slots = slots_of(queue, entries)
    left: list[Entry] = []
    for entry in entries:
        if entry.in_app and is_free(Path(entry.in_app)):  # its process died
            continue
        is_ours = only is None or entry.run in only
        placed = slots.place(entry)
        if isinstance(placed, Refusal):
            slots.wait(entry, placed)
            left.append(_updated(entry, placed))
            outcome.look_again |= placed.is_measured and not left[-1].held
            if placed.is_left_to_others and is_ours:
                outcome.warning = f"{entry.run_id} waits: {placed.reason}; --use-busy starts it anyway"
        elif entry.in_app or not is_ours:  # another process is about to start it
            slots.take(placed)
            left.append(entry)
        elif not _start(queue, entry, placed, slots, outcome, as_this_process=only is not None):
            left.append(entry)
    queue.write(left)
    return outcome


def _start(
    queue: Queue, entry: Entry, placed: Claim, slots: Slots, outcome: Dispatched, *, as_this_process: bool
) -> bool:
    """Start a run on its device; return whether it leaves the queue."""
    run = RunDirectory(Path(entry.run))
    if not as_this_process and not waits_in(run, queue):  # stopped, deleted, or queued or started elsewhere meanwhile
        return True
    slots.take(placed)
    try:
        claim = take_claim(queue, placed)
    except RunError as error:
        outcome.failed[run] = str(error)
        return False
    try:
        outcome.started[run] = _launch(queue, run, claim, entry, as_this_process=as_this_process)
    except NotWanted:
        slots.give_back(placed)
    except RunError as error:
        slots.give_back(placed)
        outcome.failed[run] = str(error)
        if not as_this_process:
            write_failed(run, str(error))
    finally:
        claim.release()
    return True


def slots_of(queue: Queue, entries: Sequence[Entry]) -> Slots:
    """The devices that are left; the caller holds the queue's lock."""
    needs_memory = any(entry.per_gpu == AUTO for entry in entries)
    memory = {model: one.memory for model, one in read_measured(queue).items()} if needs_memory else {}
    return Slots(all_claims(queue).values(), Machine(memory=memory))


def _updated(entry: Entry, refusal: Refusal) -> Entry:
    """The entry: held where the run that it waits for will not succeed, and free of it where it has."""
    if entry.held or not entry.after:
        return entry
    if not refusal.is_for_run:
        return msgspec.structs.replace(entry, after="")
    return msgspec.structs.replace(entry, held=f"held: {refusal.reason}") if refusal.is_final else entry


def _launch(
    queue: Queue, run: RunDirectory, claim: HeldClaim, entry: Entry, *, as_this_process: bool
) -> subprocess.Popen[bytes]:
    """Start a run with the environment it was queued with, if it is still queued; else with this process's own."""
    if as_this_process:
        part = claim.claim.cpus if claim.claim.cpus != entry.cpus else ()
        return launch(run, claim, queue.folder, LaunchSettings(cpus=part))
    environ = queue.read_environment(entry.environment)
    cpus = claim.claim.cpus or entry.cpus
    settings = LaunchSettings(entry.python, environ, entry.umask, entry.nice, cpus)
    return launch(run, claim, queue.folder, settings, partial(waits_in, queue=queue))


def all_claims(queue: Queue) -> dict[Path, Claim]:
    """The claims in use, by the files to wait for; the caller holds the queue's lock."""
    claims = prune_claims(queue)
    for other in existing_queues():
        if other != queue:
            claims |= claims_in_use(other)
    return claims


def cancel_queued(run: RunDirectory) -> None:
    """Take a run out of the queue; it can be resumed.

    Raises:
        RunError: It has just been started, or its folder can't be written.
    """
    log_stop(run)
    with suppress(RunError):  # a dispatcher that finds it there checks the run first
        for queue in existing_queues():
            if queue.holds(run.path.absolute()):
                with queue.locked():
                    queue.write([entry for entry in queue.read() if entry.run != str(run.path.absolute())])


def log_stop(run: RunDirectory) -> None:
    """Log that a run without a trainer was stopped.

    This takes an attempt number as a trainer does, so that of a stop and a start on two hosts one comes first,
    whichever locks are visible: a later start finds the stop in the log, and a later stop fails.

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


def write_queued(run: RunDirectory, queue: Queue, needs: str) -> None:
    """Log that the run waits, and in which queue.

    Raises:
        RunError: A trainer holds the run, or its folder can't be written.
    """
    with _log_of(run) as log:
        log.append(events.Queued(needs, host=host_name(), user=user(), queue=str(queue.folder)))
        log.sync()


def write_waiting(run: RunDirectory, system: str) -> None:
    """Log that the run waits for a batch system.

    Raises:
        RunError: A trainer holds the run, or its folder can't be written.
    """
    with _log_of(run) as log:
        log.append(waits_for(system))
        log.sync()


def waits_for(system: str) -> events.Queued:
    """The event of a run that waits for a batch system, not in a queue of this program: it names no queue."""
    return events.Queued(system, user=user())


def ensure_dispatcher(queue: Queue) -> None:
    """Wake the dispatcher, or start one.

    One with a lower priority than this process is replaced, because the trainers it starts could not have a higher one.

    Raises:
        OSError: It can't be started.
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
    """Make the dispatcher check the queue again."""
    with suppress(OSError):  # there is no dispatcher
        handle = os.open(queue.wake_pipe, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(handle, b"!")
        finally:
            os.close(handle)


def revive(queue: Queue) -> None:
    """Start a dispatcher if runs are queued and there is none, for example after a reboot.

    Costs one `stat` if no run is queued; never fails.
    """
    with suppress(OSError):
        if queue.has_entries and is_free(queue.dispatcher_lock):
            ensure_dispatcher(queue)


def dispatcher_in(handle: int) -> tuple[int, int]:
    """The pid and priority of the dispatcher that holds the lock; zeros if it hasn't written them yet."""
    try:
        pid, nice = os.pread(handle, 64, 0).split()
        return int(pid), int(nice)
    except ValueError:
        return 0, 0


def _becomes_free(handle: int) -> bool:
    """Take the dispatcher's lock, if there is none, or after ending one with a lower priority."""
    if _takes(handle, _LOOK_SECONDS):  # readers hold the lock for an instant
        return True
    pid, nice = dispatcher_in(handle)
    if not pid or nice <= os.nice(0) or not _is_dispatcher(pid):
        return False
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGTERM)
    return _takes(handle, _REPLACED_SECONDS)


def _is_dispatcher(pid: int) -> bool:
    """Whether the process is a dispatcher: one that was killed leaves its pid, which may be another process's now."""
    import psutil

    try:
        return DISPATCHER in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False


def _takes(handle: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not try_exclusive(handle):
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


@contextmanager
def _log_of(run: RunDirectory) -> Iterator[EventLog]:
    """Lock a run without a trainer, to append to its log.

    Raises:
        RunError: A trainer holds the run, or its folder can't be written.
    """
    try:
        with holding(acquire(run)), closing(EventLog(run.events, _newest_attempt(run))) as log:
            yield log
    except OSError as error:
        raise refused(f"write {run.events}", run.events, error) from None


def _newest_attempt(run: RunDirectory) -> int:
    """The newest trainer's number; the lock file with the number may have been removed."""
    return max(current_attempt(run), latest_attempt(run.events))


def write_failed(run: RunDirectory, message: str) -> None:
    """Log that the run couldn't be started, unless another process trains it."""
    write_end(run, events.RunFinished("failed", resumable=True, message=message))


def write_end(run: RunDirectory, end: events.RunFinished) -> None:
    """Log how a run without a trainer ended, unless another process trains it."""
    with suppress(RunError), _log_of(run) as log:
        log.append(end)


def user() -> str:
    """The name of this process's user, or the number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
