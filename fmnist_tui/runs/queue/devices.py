"""Which devices a run may train on, and which are in use. Asks the GPUs' driver, never PyTorch.

A device in use has a claim: a small locked file for the run that has it, free when its trainer ends, however it ends.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from fmnist_tui.errors import RunError
from fmnist_tui.host.gpu import Gpu
from fmnist_tui.host.gpus import query_gpus
from fmnist_tui.runs.queue.store import Queue, decoded, encoded
from fmnist_tui.training.config import TrainingConfig

if TYPE_CHECKING:
    from fmnist_tui.runs.conditions import Conditions

MPS = "mps"
_LARGEST = 65_536


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A device, or CPUs, acquired for a run.

    Attributes:
        run: The run's folder.
        gpu: The device's key, "" for the CPU.
        index: The GPU's index in PyTorch.
        cpus: The CPUs that the run may use; empty if the system doesn't report them.
        threads: How many of them it keeps busy; 0 for a run on a GPU.
        per_gpu: How many runs may share the GPU, itself included; `AUTO` for as many as measurements allow.
        alone: Whether it was requeued to have the GPU for itself.
        cpu_slots: How many runs may share the CPUs; 0 for as many as there are CPUs for their threads.
        since: When it was acquired (unix seconds), 0 if unknown.
        model: As in the queue's entry, like all that follows.
    """

    run: str
    gpu: str = ""
    index: int = 0
    cpus: tuple[int, ...] = ()
    threads: int = 0
    per_gpu: int = 1
    alone: bool = False
    cpu_slots: int = 0
    since: float = 0.0
    model: str = ""
    priority: int = 0
    avoid_busy: bool = False

    @property
    def device(self) -> str:
        """The device as in a configuration."""
        if not self.gpu:
            return "cpu"
        return "mps" if self.gpu == "mps" else f"cuda:{self.index}"


@dataclass(frozen=True)
class HeldClaim:
    """A claim whose lock this process holds; a trainer process inherits the descriptor."""

    claim: Claim
    path: Path
    handle: int

    def release(self) -> None:
        """Release the device, unless another process has inherited it."""
        with suppress(OSError):
            os.close(self.handle)


def visible_gpus(configs: Iterable[TrainingConfig], environ: Mapping[str, str] = os.environ) -> tuple[Gpu, ...]:
    """The GPUs that a process with this environment may use; () if none of the configurations could use one."""
    if all(_is_cpu_only(config) or (config.device == MPS and _is_mac()) for config in configs):
        return ()
    return query_gpus(environ)


def needed_device(config: TrainingConfig, *, has_gpus: bool) -> str:
    """The device that a training will use, as in a configuration: "cpu", "cuda", "cuda:1", "mps"."""
    if _is_cpu_only(config):
        return "cpu"
    if config.device != "auto":
        return config.device
    if has_gpus:
        return "cuda"
    return MPS if _is_mac() else "cpu"


def candidates(
    config: TrainingConfig, gpus: Sequence[Gpu], start: Conditions | None = None, asked: str = "auto"
) -> tuple[tuple[str, int], ...]:
    """Keys and indices of the GPUs any of which will do; () for the CPU.

    A GPU that isn't visible here is listed by its index: the trainer reports why it is missing. A run that was started
    on another GPU or machine, however, resumes on what is available here.

    Args:
        config: What is trained.
        gpus: The visible GPUs.
        start: The conditions under which the run began; None for a new one.
        asked: The device that was requested then.
    """
    if start is not None and not _is_cpu_only(config):
        return _candidates_again(gpus, start, asked)
    needed = needed_device(config, has_gpus=bool(gpus))
    if needed == "cpu":
        return ()
    if needed == MPS:
        return ((MPS, 0),)
    fastest_first = sorted(gpus, key=lambda gpu: -(gpu.speed or 0))
    visible = tuple((gpu.key, gpu.index) for gpu in fastest_first)
    if needed == "cuda":
        return visible or (("cuda:0", 0),)
    index = int(needed.partition(":")[2] or "0")
    return tuple(one for one in visible if one[1] == index) or ((needed, index),)


def title_of(devices: Sequence[tuple[str, int]]) -> str:
    """A run's candidates as text: "cpu", "mps", "cuda:1", or "cuda" if there are several."""
    if not devices:
        return "cpu"
    if devices[0][0] == MPS:
        return MPS
    return f"cuda:{devices[0][1]}" if len(devices) == 1 else "cuda"


def _candidates_again(gpus: Sequence[Gpu], start: Conditions, asked: str) -> tuple[tuple[str, int], ...]:
    """The GPU that the run began on, and those with the same name, if there are any here; else all."""
    if not gpus:
        return ((MPS, 0),) if _is_mac() else ()
    fastest_first = sorted(gpus, key=lambda gpu: (gpu.key != start.device_id, -(gpu.speed or 0)))
    same = [gpu for gpu in fastest_first if gpu.key == start.device_id]
    alike = [gpu for gpu in fastest_first if gpu in same or (gpu.name and gpu.name == start.device_name)]
    if asked.startswith("cuda:"):
        alike = same or [gpu for gpu in fastest_first if f"cuda:{gpu.index}" == asked]
    return tuple((gpu.key, gpu.index) for gpu in alike or fastest_first)


def _is_mac() -> bool:
    """Whether this machine has Apple's GPU."""
    return platform.system() == "Darwin" and platform.machine() == "arm64"


def _is_cpu_only(config: TrainingConfig) -> bool:
    return not config.model.needs_torch or config.device == "cpu"


def take_claim(queue: Queue, claim: Claim) -> HeldClaim:
    """Write the claim and lock it; the caller holds the queue's lock, and has checked that the device is free.

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
        raise RunError(f"can't write {path} ({error.strerror}); fix that, or export XDG_STATE_HOME") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # readers hold it only for an instant
    except OSError as error:
        os.close(handle)
        raise RunError(f"can't lock {path} ({error.strerror}); export XDG_STATE_HOME to a local folder") from None
    return HeldClaim(claim, path, handle)


def prune_claims(queue: Queue) -> dict[Path, Claim]:
    """The claims in use, by file; files of trainers that ended are removed. The caller holds the queue's lock."""
    claims = {}
    for path in _claim_files(queue):
        if is_free(path):
            with suppress(OSError):
                path.unlink()
        elif (claim := _read(path)) is not None:
            claims[path] = claim
    return claims


def claims_in_use(queue: Queue) -> dict[Path, Claim]:
    """The claims in use, by file; nothing is removed, and no lock is needed."""
    return {path: claim for path in _claim_files(queue) if not is_free(path) and (claim := _read(path)) is not None}


def wait_until_free(path: Path) -> None:
    """Block until the claim's trainer has ended."""
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
    """Whether no process holds the lock of the file at `path`."""
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
