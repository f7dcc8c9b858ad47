"""What a trainer reports: a closed set of small structs of numbers and text, each with a JSON form.

A number that is not finite (a diverged loss) is null in JSON, and NaN when read back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import msgspec
from msgspec.structs import fields

from fmnist_tui.files import finite
from fmnist_tui.text import safe

if TYPE_CHECKING:
    Reason = Literal["completed", "stopped", "diverged", "failed"]
    How = Literal["after-epoch", "now"]
else:  # what a later version writes is read too
    Reason = How = str

Whole = Annotated[int, msgspec.Meta(gt=-(2**53), lt=2**53)]
"""An integer that every reader of JSON represents exactly."""


class _Event(msgspec.Struct, frozen=True, gc=False, tag_field="event"):
    """What all events have in common."""


class Queued(_Event, frozen=True, gc=False, tag="queued"):
    """The run waits for its device; nobody trains it yet.

    Attributes:
        device: As it was asked for: "cpu", "cuda", "cuda:1".
        host: Whose device.
        user: Whose queue.
        queue: The path of the queue's folder.
    """

    device: str
    host: str = ""
    user: str = ""
    queue: str = ""


class RunStarted(_Event, frozen=True, gc=False, tag="run_started"):
    """The engine is ready; the first step follows. A run that was killed before its first checkpoint has several.

    `host`, `device`, `threads` and `exact` are as in `Resumed`.
    """

    version: str
    total_steps: Whole
    steps_per_epoch: Whole
    epochs: Whole
    parameters: Whole
    pid: Whole
    host: str = ""
    device: str = ""
    threads: Whole = 0
    exact: bool = True


class Stage(_Event, frozen=True, gc=False, tag="stage"):
    """What the trainer is busy with outside the steps: "importing PyTorch", "validating"."""

    name: str


class Step(_Event, frozen=True, gc=False, tag="step"):
    """A window of steps ended. Loss (in the version's own terms) and accuracy are means over its images."""

    step: Whole
    epoch: Whole
    loss: float
    accuracy: float
    learning_rate: float
    images_per_second: float


class Epoch(_Event, frozen=True, gc=False, tag="epoch"):
    """An epoch and its validation ended.

    The training figures are means over the epoch as it ran: with weights that changed, dropout and augmentation.
    `validation_nll` is the negative log-likelihood of normalised probabilities, comparable between all versions.
    """

    epoch: Whole
    step: Whole
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    validation_nll: float
    seconds: float
    validation_seconds: float
    is_best: bool


class CheckpointSaved(_Event, frozen=True, gc=False, tag="checkpoint_saved"):
    """A checkpoint lies whole on the disk."""

    step: Whole


class Alert(_Event, frozen=True, gc=False, tag="alert"):
    """Something a person should see.

    `kind` is a stable word: "non_finite", "spike", "plateau", "overfitting", "checkpoint_failed", "no_checkpoint",
    "no_room", "gpu_left_out", "gpu_shared", "too_many_threads", "resume_inexact" (the run goes on, but what it was
    begun with isn't here: not bit for bit).
    """

    kind: str
    message: str


class Paused(_Event, frozen=True, gc=False, tag="paused"):
    """No step runs until a `Continued`."""

    step: Whole


class Continued(_Event, frozen=True, gc=False, tag="continued"):
    """The steps go on after a pause."""

    step: Whole


class StopRequested(_Event, frozen=True, gc=False, tag="stop_requested"):
    """Somebody asked the run to end."""

    how: How


class Resumed(_Event, frozen=True, gc=False, tag="resumed"):
    """A new trainer resumes from the checkpoint at `step`; readers drop what the log says of later steps.

    Attributes:
        step: Steps taken so far.
        pid: The trainer's.
        host: Where it runs, or "" if unknown.
        device: What it trains on, or "" if unknown.
        threads: CPU threads that it computes with, or 0 if unknown.
        exact: Whether the run resumes bit for bit, as if it had not been interrupted on the machine that it began on.
    """

    step: Whole
    pid: Whole
    host: str = ""
    device: str = ""
    threads: Whole = 0
    exact: bool = True


class RunFinished(_Event, frozen=True, gc=False, tag="run_finished"):
    """The trainer ended by itself.

    `scored`: the test images were scored. `resumable`: there is something left to do, and a checkpoint to go on from
    (or the start, where none was reached).
    """

    reason: Reason
    scored: bool = False
    resumable: bool = False
    message: str = ""


Event = (
    Queued
    | RunStarted
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

QUEUED_STAGE = "waiting for "
"""How the stage of a queued run begins; its device follows."""
LOADING_STAGE = "loading data"
VALIDATING = "validating"
SCORING = "scoring test images"
"""Stages, by their names, between whose batches a trainer hears what people wish."""

_KINDS: tuple[type[Event], ...] = get_args(Event)
_DECODER = msgspec.json.Decoder(Event)


def name_in_log(kind: type[Event]) -> str:
    """What stands under "event" for this kind."""
    return str(kind.__struct_config__.tag)


_BY_NAME = {name_in_log(kind): kind for kind in _KINDS}
_NUMBERS = {kind: [item.name for item in fields(kind) if item.type is float] for kind in _KINDS}
_TEXTS = {kind: [item.name for item in fields(kind) if item.type is str] for kind in _KINDS}


def to_json(event: Event) -> dict[str, Any]:
    """The event as a JSON object: its name under "event", then its fields."""
    record: dict[str, Any] = finite(msgspec.to_builtins(event))
    return record


def from_json(record: Mapping[str, Any]) -> Event | None:
    """The event of a JSON object, or None where it is unknown, or a key is missing or of another type.

    Keys that the event doesn't have (a later version's, "time", "seq") are ignored. Text is made safe to show here,
    once for all who read a log.
    """
    kind = _BY_NAME.get(str(record.get("event")))
    if kind is None:
        return None
    values = dict(record)
    values |= {name: math.nan for name in _NUMBERS[kind] if name in values and _is_no_number(values[name])}
    try:
        return _safe(msgspec.convert(values, kind))
    except msgspec.ValidationError:
        return None


def decode(line: bytes) -> Event:
    """The event of a line of a log, ten times as fast as `from_json`, which accepts more.

    Raises:
        ValueError: It is no strict JSON, or `from_json` would return None, or a number is null.
        RecursionError: It is nested too deeply.
    """
    return _safe(_DECODER.decode(line))


def _is_no_number(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def _safe(event: Event) -> Event:
    names = _TEXTS[type(event)]
    if not names:
        return event
    changes = {name: safe(value) for name in names if not (value := getattr(event, name)).isprintable()}
    return msgspec.structs.replace(event, **changes) if changes else event
