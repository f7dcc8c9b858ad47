"""What runs of each model were measured to need: memory of a GPU, and their speed where they were alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import msgspec

from fmnist_tui.errors import RunError
from fmnist_tui.files import write_atomically
from fmnist_tui.runs.event_log import Logged
from fmnist_tui.runs.queue.store import Queue, decoded, encoded
from fmnist_tui.training import events

_LARGEST = 1_000_000
"""Bytes."""
_MOST = 500
"""Models; more than anybody trains."""
_WARM_UP = 3
"""Log intervals after a change that are left out."""
_INTERVALS = 200


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of a model's runs.

    Attributes:
        memory: Bytes of GPU memory, the most that a run needed; 0 if unknown.
        speeds: Training images per second where a run was alone, by device: a GPU's key, "cpu".
    """

    memory: int = 0
    speeds: dict[str, float] = {}


class _File(msgspec.Struct, kw_only=True):
    format: int = 1
    models: dict[str, Measured] = {}


def read_measured(queue: Queue) -> dict[str, Measured]:
    """What was measured, by model; nothing if there is no file, or a damaged one."""
    try:
        with _path(queue).open("rb") as file:
            return decoded(file.read(_LARGEST), _File).models
    except (OSError, ValueError):
        return {}


def add_measured(queue: Queue, model: str, device: str, memory: int, speed: float | None) -> None:
    """Add what a run that has ended was measured to need; a full disk is no error."""
    with suppress(RunError, OSError), queue.locked():
        models = read_measured(queue)
        before = models.pop(model, Measured())
        speeds = before.speeds if speed is None else {**before.speeds, device: round(speed, 1)}
        models[model] = Measured(memory=max(memory, before.memory), speeds=speeds)
        kept = dict(list(models.items())[-_MOST:])
        write_atomically(_path(queue), encoded(_File(models=kept)))


def _path(queue: Queue) -> Path:
    return queue.folder / "measured.json"


class SpeedFold:
    """How fast a run trains while it has its device for itself, and beside others, from the events of its log.

    Attributes:
        runs: How many runs share its device, itself included.
    """

    def __init__(self) -> None:
        self.runs = 1
        self._alone: deque[float] = deque(maxlen=_INTERVALS)
        self._now: deque[float] = deque(maxlen=_INTERVALS)
        self._cold = _WARM_UP

    def add(self, logged: Logged) -> None:
        """Take in one event."""
        event = logged.event
        if isinstance(event, events.StepMetrics):
            if self._cold:
                self._cold -= 1
            else:
                self._now.append(event.images_per_second)
                if self.runs == 1:
                    self._alone.append(event.images_per_second)
        elif isinstance(event, events.RunStarted | events.Resumed | events.Sharing):
            self.runs = event.runs if isinstance(event, events.Sharing) else 1
            self._now.clear()
            self._cold = _WARM_UP

    @property
    def now(self) -> float | None:
        """Images per second since the last change; None if unknown."""
        return _median(self._now)

    @property
    def alone(self) -> float | None:
        """Images per second while it had the device for itself; None if it never had."""
        return _median(self._alone)


def _median(values: Collection[float]) -> float | None:
    return sorted(values)[len(values) // 2] if values else None
