"""The events of a training run, a closed set of small structs of numbers and text, and the commands that it accepts.

Each event has a JSON form, in which a number that is not finite (a diverged loss) is null; it is NaN when read back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import msgspec
from msgspec.structs import fields

from fmnist_tui.files import finite
from fmnist_tui.text import safe

if TYPE_CHECKING:
    Reason = Literal["completed", "stopped", "diverged", "failed"]
    How = Literal["after-epoch", "now"]
else:  # values written by later versions are accepted
    Reason = How = str

Whole = Annotated[int, msgspec.Meta(gt=-(2**53), lt=2**53)]
"""An integer that every reader of JSON represents exactly."""


class StageKind(StrEnum):
    """What a trainer is busy with outside the steps; the values are how the names of stages begin in a log."""

    WAITING = "waiting for "
    """For its device, whose name follows. Written by 0.1.0; since 0.2.0 a run that waits logs `Queued`."""
    LOADING_DATA = "loading data"
    IMPORTING_PYTORCH = "importing PyTorch"
    READING_CHECKPOINT = "reading checkpoint"
    BUILDING_NETWORK = "building network"
    VALIDATING = "validating"
    SCORING = "scoring test images"
    OTHER = ""
    """Anything else: how the settings were completed from the data, or a stage of a later version."""

    @property
    def begins_trainer(self) -> bool:
        """Whether it is the first stage that a trainer logs."""
        return self in (StageKind.WAITING, StageKind.LOADING_DATA)

    @property
    def reads_commands(self) -> bool:
        """Whether a trainer reads commands during this stage; in all others, before the first step, they wait."""
        return self in (StageKind.WAITING, StageKind.VALIDATING, StageKind.SCORING)


class Command(StrEnum):
    """A command that a trainer accepts while it runs, with its value in the control file."""

    PAUSE = "pause"
    CONTINUE = "continue"
    STOP_AFTER_EPOCH = "stop-after-epoch"
    STOP_NOW = "stop-now"
    SAVE = "save"


Control = Callable[[], Command | None]
"""Returns the next command, or None. Polled after each log interval and between the batches of an evaluation; must not
block."""


class _Event(msgspec.Struct, frozen=True, gc=False, tag_field="event"):
    """The base of all events."""


class Queued(_Event, frozen=True, gc=False, tag="queued"):
    """The run waits for its device and has no trainer yet.

    Attributes:
        device: As requested: "cpu", "cuda", "cuda:1".
        host: The host whose device it waits for.
        user: The user whose queue it is in.
        queue: The path of the queue's folder.
    """

    device: str
    host: str = ""
    user: str = ""
    queue: str = ""

    @property
    def text(self) -> str:
        """What the run is doing: "waiting for cuda"."""
        return f"{StageKind.WAITING}{self.device}"


class RunStarted(_Event, frozen=True, gc=False, tag="run_started"):
    """The engine is ready; the first step follows. A run killed before its first checkpoint has several of these.

    `pid`, `host`, `device`, `threads` and `exact` are as in `Resumed`.
    """

    version: str
    total_steps: Whole
    steps_per_epoch: Whole
    epochs: Whole
    parameters: Whole
    pid: Whole = 0
    host: str = ""
    device: str = ""
    threads: Whole = 0
    exact: bool = True


class Stage(_Event, frozen=True, gc=False, tag="stage"):
    """What the trainer is busy with outside the steps.

    Attributes:
        name: A `StageKind`, or text for people: "limit: the first 1,000 of 60,000 training images".
    """

    name: str

    @property
    def kind(self) -> StageKind:
        """Which of the known stages it is; OTHER for free text."""
        return next((kind for kind in _KNOWN_STAGES if self.name.startswith(kind)), StageKind.OTHER)


class StepMetrics(_Event, frozen=True, gc=False, tag="step"):
    """The metrics of a log interval that ended.

    Attributes:
        step: Steps taken so far.
        epoch: The epoch in progress, from 1.
        loss: The mean of the model's own loss over the interval's images.
        accuracy: The mean over the interval's images, 0 to 1.
        learning_rate: Of the interval's last step.
        images_per_second: The mean over the interval.
    """

    step: Whole
    epoch: Whole
    loss: float
    accuracy: float
    learning_rate: float
    images_per_second: float


class Epoch(_Event, frozen=True, gc=False, tag="epoch"):
    """An epoch and its validation ended.

    The training metrics are means over the epoch as it ran: with changing weights, dropout and augmentation.
    `validation_nll` is the negative log-likelihood of normalised probabilities, comparable between all models.
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


class LayerDynamics(msgspec.Struct, frozen=True, gc=False):
    """How one layer learned in an epoch; see `training.dynamics` for the formulas.

    Attributes:
        name: The layer's, with which its weights' names begin.
        gradient_norm: The mean over the epoch's measured steps; None where it isn't finite.
        update_ratio: Likewise, of the step's update divided by the weights; None also where all weights are zero.
        dead_fraction: Of its units, 0 to 1, at the end of the epoch; None where no ReLU follows.
    """

    name: str
    gradient_norm: float | None = None
    update_ratio: float | None = None
    dead_fraction: float | None = None


class Dynamics(_Event, frozen=True, gc=False, tag="dynamics"):
    """How each layer learned in an epoch that ended: follows its `Epoch`.

    Attributes:
        epoch: The epoch.
        step: Steps taken so far.
        layers: Those with trained parameters, in the network's order.
    """

    epoch: Whole
    step: Whole
    layers: tuple[LayerDynamics, ...]


class Resources(_Event, frozen=True, gc=False, tag="resources"):
    """What the trainer uses of its machine; about every ten seconds while it takes steps.

    Attributes:
        process_cpus: CPUs that its process kept busy since the event before: 2.0 for two.
        process_memory: Bytes of resident memory of its process.
        machine_cpu: Fraction of all CPUs of the machine that was busy since the event before, 0 to 1.
        gpu: Recent utilisation of the GPU that it trains on, 0 to 1; None without one, or if the driver doesn't say.
        gpu_memory: Bytes of that GPU's memory that are in use, by any process.
        gpu_memory_total: Bytes of memory that it has.
    """

    process_cpus: float
    process_memory: Whole
    machine_cpu: float
    gpu: float | None = None
    gpu_memory: Whole | None = None
    gpu_memory_total: Whole | None = None


class CheckpointSaved(_Event, frozen=True, gc=False, tag="checkpoint_saved"):
    """A complete checkpoint is on disk."""

    step: Whole


class Alert(_Event, frozen=True, gc=False, tag="alert"):
    """Something the user should know.

    `kind` is a stable identifier: "non_finite", "spike", "plateau", "overfitting", "dead_units", "exploding",
    "checkpoint_failed", "out_of_memory", "no_checkpoint", "no_room", "gpu_left_out", "gpu_shared", "too_many_threads",
    "fewer_threads" (beside other processes, as many as there are CPUs were slower), "no_exact_resume" (a custom model
    failed the check at its run's start), "resume_inexact" (training continues under conditions that differ from those
    at its start, so not bit for bit).
    """

    kind: str
    message: str


class Sharing(_Event, frozen=True, gc=False, tag="sharing"):
    """From now on so many runs of this user share the device, this one included; 1 at a trainer's start."""

    runs: Whole


class Paused(_Event, frozen=True, gc=False, tag="paused"):
    """No step is taken until a `Continued`."""

    step: Whole


class Continued(_Event, frozen=True, gc=False, tag="continued"):
    """Training continues after a pause."""

    step: Whole


class StopRequested(_Event, frozen=True, gc=False, tag="stop_requested"):
    """A command to stop was received."""

    how: How


class Resumed(_Event, frozen=True, gc=False, tag="resumed"):
    """A new trainer resumes from the checkpoint at `step`; readers drop `step`, `epoch` and `dynamics` events past it.

    Attributes:
        step: Steps taken so far.
        pid: The trainer's; 0 in a log without it, such as a published one.
        host: Where it runs, or "" if unknown.
        device: What it trains on, or "" if unknown.
        threads: CPU threads that it computes with, or 0 if unknown.
        exact: Whether the run resumes bit for bit, as if it had never been interrupted on the machine it began on.
    """

    step: Whole
    pid: Whole = 0
    host: str = ""
    device: str = ""
    threads: Whole = 0
    exact: bool = True


class RunFinished(_Event, frozen=True, gc=False, tag="run_finished"):
    """The trainer's last event, unless it was killed.

    Attributes:
        reason: Why it ended.
        scored: Whether the test images were scored.
        resumable: Whether training is incomplete and can be resumed, from a checkpoint or from the start.
        message: Details for people, or "".
    """

    reason: Reason
    scored: bool = False
    resumable: bool = False
    message: str = ""


Event = (
    Queued
    | RunStarted
    | Stage
    | StepMetrics
    | Epoch
    | Dynamics
    | Resources
    | CheckpointSaved
    | Alert
    | Sharing
    | Paused
    | Continued
    | StopRequested
    | Resumed
    | RunFinished
)

_KNOWN_STAGES = tuple(kind for kind in StageKind if kind is not StageKind.OTHER)

_KINDS: tuple[type[Event], ...] = get_args(Event)
_DECODER = msgspec.json.Decoder(Event)


def name_in_log(kind: type[Event]) -> str:
    """The value of "event" for this type."""
    return str(kind.__struct_config__.tag)


def begins_trainer(event: Event) -> bool:
    """Whether a trainer begins with such an event, so that the previous trainer has written its last one."""
    if isinstance(event, Stage):
        return event.kind.begins_trainer
    return isinstance(event, Queued | RunStarted | Resumed)


def rewound_to(event: Event) -> int | None:
    """The step to which an event takes the run back, or None.

    Readers of a log drop the `step`, `epoch` and `dynamics` events past that step. It is 0 for `RunStarted`: a run
    killed before its first checkpoint starts from scratch.
    """
    match event:
        case RunStarted():
            return 0
        case Resumed(step=step):
            return step
    return None


_BY_NAME = {name_in_log(kind): kind for kind in _KINDS}
_FIELDS = {kind: fields(kind) for kind in _KINDS}
_NUMBERS = {kind: [item.name for item in items if item.type is float] for kind, items in _FIELDS.items()}
_TEXTS = {kind: [item.name for item in items if item.type is str] for kind, items in _FIELDS.items()}


def to_json(event: Event) -> dict[str, Any]:
    """The event as a JSON object: its name under "event", then its fields."""
    record: dict[str, Any] = finite(msgspec.to_builtins(event))
    return record


def from_json(record: Mapping[str, Any]) -> Event | None:
    """The event of a JSON object, or None where it is unknown, or a key is missing or of another type.

    Unknown keys (a later version's, "time", "seq") are ignored. Text is made safe to display here, once for all
    readers of a log.
    """
    kind = _BY_NAME.get(str(record.get("event")))
    if kind is None:
        return None
    values = dict(record)
    values |= {name: math.nan for name in _NUMBERS[kind] if name in values and _is_no_number(values[name])}
    try:
        return displayable(msgspec.convert(values, kind))
    except (msgspec.ValidationError, UnicodeEncodeError):  # the latter for a lone surrogate in place of a list
        return None


def decode(line: bytes) -> Event:
    """The event of a line of a log: ten times as fast as `from_json`, but stricter.

    Raises:
        ValueError: It is no strict JSON, or `from_json` would return None, or a number is null.
        RecursionError: It is nested too deeply.
    """
    return displayable(_DECODER.decode(line))


def _is_no_number(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def displayable(event: Event) -> Event:
    """The event with text that is safe to display."""
    names = _TEXTS[type(event)]
    if isinstance(event, Dynamics):
        layers = (msgspec.structs.replace(layer, name=safe(layer.name)) for layer in event.layers)
        return msgspec.structs.replace(event, layers=tuple(layers))
    if not names:
        return event
    changes = {name: safe(value) for name in names if not (value := getattr(event, name)).isprintable()}
    return msgspec.structs.replace(event, **changes) if changes else event
