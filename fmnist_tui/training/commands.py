"""What a person may ask of a trainer."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Command(StrEnum):
    """A wish, as it stands in the control file."""

    PAUSE = "pause"
    CONTINUE = "continue"
    STOP_AFTER_EPOCH = "stop-after-epoch"
    STOP_NOW = "stop-now"
    SAVE = "save"


Control = Callable[[], Command | None]
"""The next wish, or None. Called at windows' ends and between batches of an evaluation, so it must never wait."""
