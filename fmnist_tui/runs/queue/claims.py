"""Devices in use: a small locked file for each run that has one, free when its trainer ends, however it ends."""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from fmnist_tui.errors import RunError
from fmnist_tui.runs.queue.store import Queue, decoded, encoded

_LARGEST = 65_536


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A device, or CPUs, that a run has.

    Attributes:
        run: The run's folder.
        gpu: The device's key, "" for the CPU.
        index: The number by which PyTorch calls the GPU.
        cpus: The CPUs that the run may use; empty where the system doesn't report them.
        threads: How many of them it keeps busy; 0 for a run on a GPU.
    """

    run: str
    gpu: str = ""
    index: int = 0
    cpus: tuple[int, ...] = ()
    threads: int = 0

    @property
    def device(self) -> str:
        """As a configuration names it."""
        if not self.gpu:
            return "cpu"
        return "mps" if self.gpu == "mps" else f"cuda:{self.index}"


@dataclass(frozen=True)
class HeldClaim:
    """A claim of which this process holds the lock; a trainer process inherits the descriptor."""

    claim: Claim
    path: Path
    handle: int

    def release(self) -> None:
        """Gives the device back, unless another process has inherited it."""
        with suppress(OSError):
            os.close(self.handle)


def take_claim(queue: Queue, claim: Claim) -> HeldClaim:
    """Writes the claim and locks it; the caller holds the queue's lock, and has seen that the device is free.

    Raises:
        RunError: The folder can't be written.
    """
    path = queue.claims_folder / f"{Path(claim.run).name}-{hashlib.sha256(os.fsencode(claim.run)).hexdigest()[:8]}.json"
    handle = -1
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(handle, encoded(claim))
    except OSError as error:
        if handle >= 0:
            os.close(handle)
        raise RunError(f"can't write {path} ({error.strerror}); see to that, or export XDG_STATE_HOME") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # held by others only for the instant of a look
    except OSError as error:
        os.close(handle)
        raise RunError(f"can't lock {path} ({error.strerror}); export XDG_STATE_HOME to a local folder") from None
    return HeldClaim(claim, path, handle)


def prune_claims(queue: Queue) -> dict[Path, Claim]:
    """The claims whose trainers live; files of dead ones are removed. The caller holds the queue's lock."""
    claims = {}
    for path in _claim_files(queue):
        if is_free(path):
            with suppress(OSError):
                path.unlink()
        elif (claim := _read(path)) is not None:
            claims[path] = claim
    return claims


def claims_in_use(queue: Queue) -> dict[Path, Claim]:
    """The same for those who only look: nothing is removed, no lock is needed."""
    return {path: claim for path in _claim_files(queue) if not is_free(path) and (claim := _read(path)) is not None}


def wait_until_free(path: Path) -> None:
    """Blocks until the claim's trainer has ended."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH)
        finally:
            os.close(handle)


def _claim_files(queue: Queue) -> list[Path]:
    try:
        return sorted(path for path in queue.claims_folder.iterdir() if path.suffix == ".json")
    except OSError:
        return []


def is_free(path: Path) -> bool:
    """Whether nobody holds the lock of a claim, or of anything else at `path`."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(handle)


def _read(path: Path) -> Claim | None:
    try:
        with path.open("rb") as file:
            return decoded(file.read(_LARGEST), Claim)
    except (OSError, ValueError):
        return None
