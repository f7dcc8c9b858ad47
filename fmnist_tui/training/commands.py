"""The commands that a trainer accepts while it runs."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Command(StrEnum):
    """A command, with its value in the control file."""

    PAUSE = "pause"
    CONTINUE = "continue"
    STOP_AFTER_EPOCH = "stop-after-epoch"
    STOP_NOW = "stop-now"
    SAVE = "save"


Control = Callable[[], Command | None]
"""Returns the next command, or None. Polled after each log interval and between the batches of an evaluation; must not
block."""
