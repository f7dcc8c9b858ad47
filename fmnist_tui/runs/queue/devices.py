"""Which devices a run may train on, and which of them is free. Asks the GPUs' driver, never PyTorch."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from fmnist_tui.host.gpu import Gpu
from fmnist_tui.host.gpus import query_gpus
from fmnist_tui.runs.queue.claims import Claim
from fmnist_tui.runs.queue.store import Entry
from fmnist_tui.training.config import TrainingConfig

if TYPE_CHECKING:
    from fmnist_tui.runs.conditions import Conditions

MPS = "mps"


def visible_gpus(configs: Iterable[TrainingConfig], environ: Mapping[str, str] = os.environ) -> tuple[Gpu, ...]:
    """The GPUs that a process with this environment may use; () where none of the configurations could use one."""
    if all(_is_cpu_only(config) or (config.device == MPS and _is_mac()) for config in configs):
        return ()
    return query_gpus(environ)


def needed_device(config: TrainingConfig, *, has_gpus: bool) -> str:
    """The device that a training will use, as a configuration names it: "cpu", "cuda", "cuda:1", "mps"."""
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
    """Keys and indices of the GPUs of which any one will do; () for the CPU.

    A GPU that can't be seen here is listed by its index: the trainer says why it is missing. Not so for a run
    that was started on another GPU or machine: it resumes on what is here.

    Args:
        config: What is trained.
        gpus: Those that are visible.
        start: Under which the run was begun; None for a new one.
        asked: The device that was asked for then.
    """
    if start is not None and not _is_cpu_only(config):
        return _candidates_again(gpus, start, asked)
    needed = needed_device(config, has_gpus=bool(gpus))
    if needed == "cpu":
        return ()
    if needed == MPS:
        return ((MPS, 0),)
    fastest_first = sorted(gpus, key=lambda gpu: -(gpu.speed or 0))
    seen = tuple((gpu.key, gpu.index) for gpu in fastest_first)
    if needed == "cuda":
        return seen or (("cuda:0", 0),)
    index = int(needed.partition(":")[2] or "0")
    return tuple(one for one in seen if one[1] == index) or ((needed, index),)


def title_of(devices: Sequence[tuple[str, int]]) -> str:
    """A run's candidates as people read them: "cpu", "mps", "cuda:1", or "cuda" where there are several."""
    if not devices:
        return "cpu"
    if devices[0][0] == MPS:
        return MPS
    return f"cuda:{devices[0][1]}" if len(devices) == 1 else "cuda"


def _candidates_again(gpus: Sequence[Gpu], start: Conditions, asked: str) -> tuple[tuple[str, int], ...]:
    """The GPU that the run was begun on, and those of the same name, if any is here; else any."""
    if not gpus:
        return ((MPS, 0),) if _is_mac() else ()
    fastest_first = sorted(gpus, key=lambda gpu: (gpu.key != start.device_id, -(gpu.speed or 0)))
    same = [gpu for gpu in fastest_first if gpu.key == start.device_id]
    alike = [gpu for gpu in fastest_first if gpu in same or (gpu.name and gpu.name == start.device_name)]
    if asked.startswith("cuda:"):
        alike = same or [gpu for gpu in fastest_first if f"cuda:{gpu.index}" == asked]
    return tuple((gpu.key, gpu.index) for gpu in alike or fastest_first)


def free_device(
    entry: Entry, claims: Iterable[Claim], waiting: Sequence[Entry], busy: Mapping[str, bool]
) -> Claim | None:
    """The device on which the run can start now, or None.

    Args:
        entry: The waiting run.
        claims: What is in use.
        waiting: The runs before it that still wait: what they may take is reserved for them.
        busy: Keys of GPUs that processes of others use; they are taken last.
    """
    claims = list(claims)
    if entry.gpus:
        taken = {claim.gpu for claim in claims} | {key for other in waiting for key, _ in other.gpus}
        free = [one for one in entry.gpus if one[0] not in taken]
        if not free:
            return None
        key, index = min(free, key=lambda one: busy.get(one[0], False))
        return Claim(run=entry.run, gpu=key, index=index)
    users = [*((claim.cpus, claim.threads) for claim in claims), *((other.cpus, other.threads) for other in waiting)]
    mine = set(entry.cpus)
    used = sum(min(threads, len(mine.intersection(cpus))) for cpus, threads in users)
    if used + entry.threads > min(entry.cpu_count, len(mine)):
        return None
    return Claim(run=entry.run, cpus=entry.cpus, threads=entry.threads)


def _is_mac() -> bool:
    """Whether Apple's GPU is here."""
    return platform.system() == "Darwin" and platform.machine() == "arm64"


def _is_cpu_only(config: TrainingConfig) -> bool:
    return not config.model.needs_torch or config.device == "cpu"
