"""What a trainer tells: a closed set of small facts, numbers and strings only, each with a JSON form.

A number that is not finite (a diverged loss) is null in JSON, and NaN when read back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from fmnist_tui.files import finite
from fmnist_tui.text import safe

Reason = Literal["completed", "stopped", "diverged", "failed"]
How = Literal["after-epoch", "now"]


@dataclass(frozen=True)
class RunStarted:
    """The engine is ready; the first step follows."""

    version: str
    total_steps: int
    steps_per_epoch: int
    epochs: int
    parameters: int
    pid: int


@dataclass(frozen=True)
class Stage:
    """What the trainer is busy with outside the steps: "importing PyTorch", "validating"."""

    name: str


@dataclass(frozen=True)
class Step:
    """A window of steps ended. Loss (in the version's own terms) and accuracy are means over its images."""

    step: int
    epoch: int
    loss: float
    accuracy: float
    learning_rate: float
    images_per_second: float


@dataclass(frozen=True)
class Epoch:
    """An epoch and its validation ended.

    The training figures are means over the epoch as it ran: with weights that changed, dropout and augmentation.
    `validation_nll` is the negative log-likelihood of normalised probabilities, comparable between all versions.
    """

    epoch: int
    step: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    validation_nll: float
    seconds: float
    validation_seconds: float
    is_best: bool
    layers: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckpointSaved:
    """A checkpoint lies whole on the disk."""

    step: int


@dataclass(frozen=True)
class Alert:
    """Something a person should see.

    `kind` is a stable word: "non_finite", "spike", "plateau", "overfitting", "checkpoint_failed", "no_checkpoint",
    "no_room", "gpu_left_out".
    """

    kind: str
    message: str


@dataclass(frozen=True)
class Paused:
    """No step runs until a `Continued`."""

    step: int


@dataclass(frozen=True)
class Continued:
    """The steps go on after a pause."""

    step: int


@dataclass(frozen=True)
class StopRequested:
    """Somebody asked the run to end."""

    how: How


@dataclass(frozen=True)
class Resumed:
    """A new trainer goes on from the checkpoint at `step`; readers drop what the log says of later steps."""

    step: int
    pid: int


@dataclass(frozen=True)
class RunFinished:
    """The trainer ended by itself.

    `scored`: the test images were scored. `resumable`: there is something left to do, and a checkpoint to go on from
    (or the start, where none was reached).
    """

    reason: Reason
    scored: bool = False
    resumable: bool = False
    message: str = ""


Event = (
    RunStarted
    | Stage
    | Step
    | Epoch
    | CheckpointSaved
    | Alert
    | Paused
    | Continued
    | StopRequested
    | Resumed
    | RunFinished
)

VALIDATING = "validating"
SCORING = "scoring test images"
"""Stages, by their names, between whose batches a trainer hears what people wish."""

_TYPES: dict[str, type[Event]] = {
    "run_started": RunStarted,
    "stage": Stage,
    "step": Step,
    "epoch": Epoch,
    "checkpoint_saved": CheckpointSaved,
    "alert": Alert,
    "paused": Paused,
    "continued": Continued,
    "stop_requested": StopRequested,
    "resumed": Resumed,
    "run_finished": RunFinished,
}
_LARGEST = 2**53
_NAMES = {kind: name for name, kind in _TYPES.items()}
_FIELDS = {kind: {item.name: str(item.type) for item in fields(kind)} for kind in _TYPES.values()}


def name_in_log(kind: type[Event]) -> str:
    """What stands under "event" for this kind."""
    return _NAMES[kind]


def to_json(event: Event) -> dict[str, Any]:
    """The event as a JSON object: its name under "event", then its fields."""
    values = {name: finite(getattr(event, name)) for name in _FIELDS[type(event)]}
    return {"event": _NAMES[type(event)], **values}


def from_json(record: Mapping[str, Any]) -> Event | None:
    """The event of a JSON object, or None where this program doesn't know it or a key is missing or of another type.

    Keys that the event doesn't have (a later version's, "time", "seq") are passed over. Text is made safe to show here,
    once for all who read a log.
    """
    kind = _TYPES.get(str(record.get("event")))
    if kind is None:
        return None
    known = _FIELDS[kind]
    values: dict[str, Any] = {name: record[name] for name in known if name in record}
    if not all(_fits(value, known[name]) for name, value in values.items()):
        return None
    try:
        return kind(**{name: _as_read(value) for name, value in values.items()})
    except TypeError:
        return None


def _fits(value: Any, annotation: str) -> bool:
    """Whether a JSON value can stand in a field of that type; a log may have been edited by hand."""
    if annotation == "float":
        return value is None or isinstance(value, float) or (isinstance(value, int) and abs(value) < _LARGEST)
    if annotation == "int":
        return isinstance(value, int) and abs(value) < _LARGEST
    if annotation == "bool":
        return isinstance(value, bool)
    return isinstance(value, dict if annotation.startswith("dict") else str)


def _as_read(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else math.nan
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, dict):
        return {safe(key): _as_read(item) for key, item in value.items()}
    return math.nan if value is None else value
