"""How runs are queued: what was asked for, or what the user's settings say."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fmnist_tui.host.gpu import Gpu, user_name
from fmnist_tui.runs.queue.slots import other_people_on
from fmnist_tui.runs.queue.store import AUTO
from fmnist_tui.user_settings import QueueSettings, read_user_settings


@dataclass(frozen=True)
class QueueOptions:
    """How to queue runs.

    Attributes:
        per_gpu: How many runs may share a GPU; `AUTO` for as many as measurements allow.
        avoid_busy: Whether to leave GPUs to other people who use them; None: only where the machine is shared.
        cpu_slots: How many runs share the CPUs; 0 for as many as there are CPUs for their threads.
        after: The folder of a run that must succeed first, or "".
    """

    per_gpu: int = 1
    avoid_busy: bool | None = None
    cpu_slots: int = 0
    after: str = ""


def queue_options(per_gpu: int | None = None, *, avoid_busy: bool | None = None, after: str = "") -> QueueOptions:
    """What was asked for, completed by the user's settings.

    Raises:
        SettingsError: The settings file can't be used.
    """
    settings: QueueSettings = read_user_settings().queue
    usual = AUTO if settings.per_gpu == "auto" else settings.per_gpu
    return QueueOptions(
        per_gpu=usual if per_gpu is None else per_gpu,
        avoid_busy=settings.avoid_busy if avoid_busy is None else avoid_busy,
        cpu_slots=settings.cpu_slots,
        after=after,
    )


def is_shared_machine(gpus: Sequence[Gpu]) -> bool:
    """Whether other people use this machine: they are logged in, or have processes on one of its GPUs."""
    import psutil

    me = user_name(os.getuid())
    return any(user.name != me for user in psutil.users()) or any(map(other_people_on, gpus))


def settled_options(options: QueueOptions, gpus: Sequence[Gpu]) -> QueueOptions:
    """The options with a decision on `avoid_busy`, for runs that may use these GPUs."""
    if options.avoid_busy is not None:
        return options
    return replace(options, avoid_busy=bool(gpus) and is_shared_machine(gpus))
