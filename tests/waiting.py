"""Waiting for what others do, instead of sleeping."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 60.0
"""Seconds that a command or a trainer may take to do what it should; others use the machine too."""


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Waits until `condition` holds, or fails with `what`."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, f"waited in vain until {what}"
        time.sleep(0.01)
