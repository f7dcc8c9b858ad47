"""What a trainer takes of its machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fmnist_tui.files import read_json
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.gpu_probe import GpuProbe
from fmnist_tui.runs.lock import beats_here
from fmnist_tui.runs.machine.nvml import Gpu

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
        gpus: Those of the machine, where the trainer uses one; empty where there is none, or it doesn't answer.
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
        self._gpus = GpuProbe()

    def look(self) -> Usage | None:
        """The usage now; None where the trainer is on another machine or gone."""
        import psutil

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
        on_gpu = str(self._run.config().get("device")).startswith("cuda")
        return Usage(cpu, memory, *machine, self._gpus.look() if on_gpu else ())
