"""What a trainer takes of its machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fmnist_tui.host.gpu import Gpu
from fmnist_tui.host.gpu_probe import GpuProbe
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.heartbeat import read_heartbeat

if TYPE_CHECKING:
    import psutil


@dataclass(frozen=True)
class Usage:
    """One look.

    Attributes:
        cpu: CPUs that the trainer keeps busy: 2.0 is two whole ones.
        memory: Bytes that the trainer holds (resident).
        machine_cpu: Share of all CPUs that is busy, 0 to 1.
        machine_memory: Share of the memory that is taken, 0 to 1.
        gpu: The one that the trainer uses; None where it uses none, or where that can't be found out.
    """

    cpu: float
    memory: int
    machine_cpu: float
    machine_memory: float
    gpu: Gpu | None = None


class UsageProbe:
    """Looks at one run's trainer; each look tells of the time since the one before."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._process: psutil.Process | None = None
        self._environ: Mapping[str, str] | None = None
        self._gpus = GpuProbe()

    def look(self) -> Usage | None:
        """The usage now; None where the trainer is on another machine or gone."""
        import psutil

        beat = read_heartbeat(self._run)
        if beat is None or not beat.is_from_here or not beat.pid:
            return None
        pid = beat.pid
        try:
            if self._process is None or self._process.pid != pid:
                self._process = psutil.Process(pid)
                self._environ = _environment(self._process)
            cpu = self._process.cpu_percent() / 100
            memory = self._process.memory_info().rss
        except (psutil.Error, ValueError):
            return None
        machine = psutil.cpu_percent() / 100, psutil.virtual_memory().percent / 100
        return Usage(cpu, memory, *machine, self._gpu(pid, str(self._run.config().get("device"))))

    def _gpu(self, pid: int, device: str) -> Gpu | None:
        """The GPU that the process computes on, by the driver's list, or else by what `cuda:N` means in it."""
        kind, _, index = device.partition(":")
        if kind != "cuda":
            return None
        report = self._gpus.look(os.environ if self._environ is None else self._environ)
        everything = (*report.visible, *report.hidden)
        listed = [gpu for gpu in everything if pid in {process.pid for process in gpu.processes}]
        if listed or self._environ is None:
            return listed[0] if listed else None
        position = int(index) if index.isdecimal() else 0
        return report.visible[position] if position < len(report.visible) else None


def _environment(process: psutil.Process) -> Mapping[str, str] | None:
    """The environment that a process was started with, or None where we may not read it (another user's)."""
    import psutil

    if process.pid == os.getpid():
        return os.environ
    try:
        environ: Mapping[str, str] = process.environ()
    except (psutil.Error, OSError):
        return None
    return environ
