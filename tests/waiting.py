"""Waiting for other processes and threads, instead of sleeping."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 100.0
"""Timeout in seconds for a command or a trainer, generous because the machine may be busy."""


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait until `condition` is true; fail with `what` after `PATIENCE` seconds.

    It looks less and less often: what is waited for needs the CPU, too.
    """
    until, pause = time.monotonic() + PATIENCE, 0.005
    while not condition():
        assert time.monotonic() < until, f"timed out waiting until {what}"
        time.sleep(pause)
        pause = min(1.3 * pause, 0.03)
