"""What a trainer uses of its machine over time, measured by the trainer itself between two events, without a thread."""

from __future__ import annotations

import time
from typing import cast

from fmnist_tui.host.gpu_sources import GpuMeter
from fmnist_tui.host.load import cpu_ticks, resident_memory
from fmnist_tui.training.events import Resources

RESOURCE_SECONDS = 10.0
"""Between two measurements, each of which takes less than a millisecond."""


class ResourceMeter:
    """Measures this process, its machine and its GPU when asked, at most once in `RESOURCE_SECONDS`."""

    def __init__(self) -> None:
        """Begins the first interval."""
        self._gpu: GpuMeter | None = None
        self._begin()

    def watch_gpu(self, key: str) -> None:
        """Measures this GPU as well, from now on; see `GpuMeter` for when that is safe."""
        self.close()
        self._gpu = GpuMeter(key)

    def sample(self) -> Resources | None:
        """The use since the measurement before; None while the next one isn't due, which costs next to nothing."""
        now = time.monotonic()
        if now - self._began < RESOURCE_SECONDS:
            return None
        cpus = (time.process_time() - self._busy) / (now - self._began)
        machine = _fraction(self._ticks, _ticks())
        load = self._gpu.read() if self._gpu else None
        self._begin()
        return Resources(
            process_cpus=round(cpus, 2),
            process_memory=_memory(),
            machine_cpu=round(machine, 3),
            gpu=load.busy / 100 if load and load.busy is not None else None,
            gpu_memory=load.used if load and load.total else None,
            gpu_memory_total=load.total if load and load.total else None,
        )

    def close(self) -> None:
        """Measures no GPU any more."""
        if self._gpu is not None:
            self._gpu.close()
        self._gpu = None

    def _begin(self) -> None:
        self._began, self._busy, self._ticks = time.monotonic(), time.process_time(), _ticks()


def _fraction(before: tuple[float, float], after: tuple[float, float]) -> float:
    busy, total = (new - old for old, new in zip(before, after, strict=True))
    return min(1.0, max(0.0, busy / total)) if total > 0 else 0.0


def _ticks() -> tuple[float, float]:
    """Time in which the machine's CPUs were busy, and all time, in any unit."""
    if (ticks := cpu_ticks()) is not None:
        return ticks
    import psutil  # macOS

    times = psutil.cpu_times()
    return sum(times) - times.idle, sum(times)


def _memory() -> int:
    if (memory := resident_memory()) is not None:
        return memory
    import psutil

    return cast("int", psutil.Process().memory_info().rss)
