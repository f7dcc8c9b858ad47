"""Waiting for other processes and threads, instead of sleeping."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 100.0
"""Timeout in seconds for a command or a trainer, generous because the machine may be busy."""


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait until `condition` is true; fail with `what` after `PATIENCE` seconds."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, f"timed out waiting until {what}"
        time.sleep(0.01)
