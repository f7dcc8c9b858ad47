"""What the GPUs do right now, for a screen that must not wait for a driver that is slow, absent, or hangs."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Mapping

from fmnist_tui.host.gpus import GpuReport, query

_SECONDS = 4.0
"""Between two queries: each starts a process."""
_STALE_SECONDS = 20.0
"""An older report is not shown any more."""


class GpuProbe:
    """Queries the driver every few seconds, in a thread that waits for the query's process."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._queried = -math.inf
        self._newest: tuple[float, GpuReport] = (-math.inf, GpuReport())

    def look(self, environ: Mapping[str, str] = os.environ) -> GpuReport:
        """The newest report, empty where there is none; starts a query where it isn't new.

        Args:
            environ: The environment of the process whose GPUs are numbered.
        """
        now = time.monotonic()
        if now - self._queried >= _SECONDS and not (self._thread and self._thread.is_alive()):
            self._queried = now
            self._thread = threading.Thread(target=self._query, args=(dict(environ),), name="gpu query", daemon=True)
            self._thread.start()
        reported, report = self._newest
        return report if now - reported < _STALE_SECONDS else GpuReport()

    def _query(self, environ: Mapping[str, str]) -> None:
        report = query(environ)
        self._newest = (time.monotonic(), report)
