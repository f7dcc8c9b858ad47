"""Starting a trainer process that outlives the process that starts it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from fmnist_tui.errors import RunError
from fmnist_tui.files import open_append
from fmnist_tui.host.processes import python_command, python_environment
from fmnist_tui.runs.access import refused
from fmnist_tui.runs.control import control_end
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.lock import abandon_attempt, acquire, new_attempt
from fmnist_tui.runs.queue.devices import HeldClaim

EARLY_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
"""Signals that are blocked when a trainer process starts, and delivered once it has its handlers."""
TRAINER = "fmnist_tui.runs.trainer_process"


class NotWanted(RunError):
    """A queued run was stopped before its trainer could start."""


@dataclass(frozen=True)
class LaunchSettings:
    """How to start a trainer that another process requested earlier; the defaults are this process's own.

    Attributes:
        python: The interpreter, "" for this one.
        environ: Its environment.
        umask: Its file mode mask, -1 for this process's.
        nice: Its scheduling priority, or None.
        cpus: The CPUs that it may use; empty for those of this process.
        device: Where there is no claim: the device, which nobody else uses; "" for the one in the configuration.
        device_id: Its key, or "".
    """

    python: str = ""
    environ: Mapping[str, str] | None = None
    umask: int = -1
    nice: int | None = None
    cpus: tuple[int, ...] = ()
    device: str = ""
    device_id: str = ""


def launch(
    run: RunDirectory,
    claim: HeldClaim | None = None,
    queue: Path | None = None,
    settings: LaunchSettings | None = None,
    is_wanted: Callable[[RunDirectory], bool] = lambda _: True,
) -> subprocess.Popen[bytes]:
    """Start a trainer process that outlives this one, its terminal and its session.

    The child inherits the run's lock and the claim on its device, so both are held at all times.

    Args:
        run: The run.
        claim: The device to train on; None for one that needs no claim.
        queue: The folder of the queue that the trainer watches, to restart a dispatcher that was killed.
        settings: How to start it.
        is_wanted: Whether the run should still be trained; called once no other process can take it or dequeue it.

    Raises:
        NotWanted: It should not.
        RunError: The run already has a trainer, or the process can't be started.
    """
    settings = settings or LaunchSettings()
    offset = control_end(run)  # before the lock is taken: later commands are for its holder
    with ExitStack() as held:
        lock = acquire(run)
        held.callback(os.close, lock)
        attempt = new_attempt(run, lock)
        abandon = held.enter_context(ExitStack())
        abandon.callback(abandon_attempt, run, attempt)
        if not is_wanted(run):
            raise NotWanted(f"run {run.run_id} was stopped while it waited for its device")
        environ = settings.environ if settings.environ is not None else python_environment()
        command = _command(run, lock, attempt, offset, claim, queue, settings, environ)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, EARLY_SIGNALS)  # the child inherits it
        held.callback(signal.pthread_sigmask, signal.SIG_SETMASK, before)
        try:
            with open_append(run.train_log) as log:
                trainer = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    pass_fds=(lock, claim.handle) if claim else (lock,),
                    cwd="/",
                    env=_with_gpu(environ, claim),
                    umask=settings.umask,
                )
        except OSError as error:
            what = f"start a trainer for {run.run_id}"
            raise refused(what, run.path, error, f"fmnist-tui resume {run.run_id}") from None
        abandon.pop_all()
        return trainer


def _command(
    run: RunDirectory,
    lock: int,
    attempt: int,
    offset: int,
    claim: HeldClaim | None,
    queue: Path | None,
    settings: LaunchSettings,
    environ: Mapping[str, str],
) -> list[str]:
    command = python_command(TRAINER, str(run.path.absolute()), str(lock), str(offset))
    if settings.python:
        command[0] = settings.python
    command += ["--attempt", str(attempt)]
    if claim is not None:
        device = "cuda:0" if _is_shown_alone(claim, environ) else claim.claim.device
        command += ["--claim", str(claim.handle), "--device", device, "--device-id", claim.claim.gpu]
    elif settings.device:
        command += ["--device", settings.device, "--device-id", settings.device_id]
    if queue is not None:
        command += ["--queue", str(queue)]
    if settings.nice is not None:
        command += ["--nice", str(settings.nice)]
    if settings.cpus:
        command += ["--cpus", ",".join(map(str, settings.cpus))]
    return command


def _with_gpu(environ: Mapping[str, str], claim: HeldClaim | None) -> dict[str, str]:
    """GPUs are numbered as in `nvidia-smi`, unless the user has set another order."""
    changed = dict(environ)
    if claim is not None and claim.claim.gpu:
        changed.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
        if _is_shown_alone(claim, environ):
            changed["CUDA_VISIBLE_DEVICES"] = claim.claim.gpu
    return changed


def _is_shown_alone(claim: HeldClaim, environ: Mapping[str, str]) -> bool:
    """Whether CUDA needs the device's name: for a MIG instance, or if its indices differ from the driver's."""
    key = claim.claim.gpu
    other_order = environ.get("CUDA_DEVICE_ORDER") == "FASTEST_FIRST"
    return key.startswith("MIG-") or (key.startswith("GPU-") and other_order)
