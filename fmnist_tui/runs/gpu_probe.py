"""What the GPUs do, asked of a driver that may be slow, absent, or hang."""

from __future__ import annotations

import ctypes
import math
import threading
import time
from functools import cache

from fmnist_tui.runs.machine.nvml import LIBRARY, Gpu, GpuError, read_gpus

_SECONDS = 4.0
"""Between two questions: each takes the driver a while."""
_STALE_SECONDS = 20.0
"""An answer that is older says nothing any more."""


class GpuProbe:
    """Asks NVIDIA's driver every few seconds, each time in a thread of its own: one that hangs holds nobody up."""

    def __init__(self) -> None:
        self._asking: threading.Thread | None = None
        self._asked = -math.inf
        self._answer: tuple[float, tuple[Gpu, ...]] = (-math.inf, ())

    def look(self) -> tuple[Gpu, ...]:
        """The newest answer; asks anew where it isn't new."""
        now = time.monotonic()
        if now - self._asked >= _SECONDS and not (self._asking and self._asking.is_alive()):
            self._asked = now
            self._asking = threading.Thread(target=self._ask, name="nvml", daemon=True)
            self._asking.start()
        answered, gpus = self._answer
        return gpus if now - answered < _STALE_SECONDS else ()

    def _ask(self) -> None:
        gpus = _read_gpus()
        self._answer = (time.monotonic(), gpus)


def _read_gpus() -> tuple[Gpu, ...]:
    """Absent, or a driver that doesn't answer: no news."""
    library = _nvml()
    if library is None:
        return ()
    try:
        return tuple(read_gpus(library)[1])
    except (GpuError, AttributeError):
        return ()


@cache
def _nvml() -> ctypes.CDLL | None:
    """The driver's library, or None where there is no NVIDIA driver."""
    try:
        return ctypes.CDLL(LIBRARY)
    except OSError:
        return None
