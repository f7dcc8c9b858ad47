"""What a trainer takes of its machine."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache

import psutil

from fmnist_tui.files import read_json
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.lock import beats_here
from fmnist_tui.runs.machine.nvml import LIBRARY, Gpu, GpuError, read_gpus


@dataclass(frozen=True)
class Usage:
    """One look.

    Attributes:
        cpu: CPUs that the trainer keeps busy: 2.0 is two whole ones.
        memory: Bytes that the trainer holds (resident).
        machine_cpu: Share of all CPUs that is busy, 0 to 1.
        machine_memory: Share of the memory that is taken, 0 to 1.
        gpus: Those of the machine; empty where there is none.
    """

    cpu: float
    memory: int
    machine_cpu: float
    machine_memory: float
    gpus: tuple[Gpu, ...] = ()


class UsageProbe:
    """Looks at one run's trainer; each look tells of the time since the one before."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._process: psutil.Process | None = None

    def look(self) -> Usage | None:
        """The usage now; None where the trainer is on another machine or gone."""
        pid = (read_json(self._run.heartbeat) or {}).get("pid")
        if not beats_here(self._run) or not isinstance(pid, int):
            return None
        try:
            if self._process is None or self._process.pid != pid:
                self._process = psutil.Process(pid)
            cpu = self._process.cpu_percent() / 100
            memory = self._process.memory_info().rss
        except (psutil.Error, ValueError):
            return None
        machine = psutil.cpu_percent() / 100, psutil.virtual_memory().percent / 100
        return Usage(cpu, memory, *machine, _gpus())


@cache
def _nvml() -> ctypes.CDLL | None:
    """The driver's library, or None where there is no NVIDIA driver."""
    try:
        return ctypes.CDLL(LIBRARY)
    except OSError:
        return None


def _gpus() -> tuple[Gpu, ...]:
    """Absent, or a driver that doesn't answer: no news."""
    library = _nvml()
    if library is None:
        return ()
    try:
        return tuple(read_gpus(library)[1])
    except (GpuError, AttributeError):
        return ()
