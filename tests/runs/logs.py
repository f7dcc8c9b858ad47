"""Events made up by hand."""

from __future__ import annotations

import json
import os
import time
from contextlib import closing
from pathlib import Path

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import EventLog, Logged, LogReader
from fmnist_tui.training.events import (
    Alert,
    CheckpointSaved,
    Continued,
    Dynamics,
    Epoch,
    Event,
    LayerDynamics,
    Paused,
    Queued,
    Resources,
    Resumed,
    RunFinished,
    RunStarted,
    Sharing,
    Stage,
    StepMetrics,
    StopRequested,
)

STARTED = RunStarted("v0", total_steps=30, steps_per_epoch=10, epochs=3, parameters=266_610, pid=4711)


def step(number: int, loss: float = 0.5) -> StepMetrics:
    """The window that ended at this step of a run with ten steps an epoch."""
    return StepMetrics(number, (number - 1) // 10 + 1, loss, 0.75, 0.1, 1000.0)


def epoch(number: int, accuracy: float = 0.8) -> Epoch:
    """The end of an epoch of ten steps."""
    return Epoch(number, 10 * number, 0.5, 0.75, 0.4, accuracy, 0.3, 2.0, 0.5, is_best=True)


EVERY_EVENT: list[Event] = [
    Queued("cpu", "box", "ada", "/run/queue"),
    STARTED,
    Stage("validating"),
    step(5),
    epoch(1),
    Dynamics(1, 10, (LayerDynamics("layers.0", 0.5, 1e-3, 0.25), LayerDynamics("layers.1", 0.5))),
    Sharing(2),
    Resources(1.9, 400_000_000, 0.5, 0.87, 2_000_000_000, 141_000_000_000),
    CheckpointSaved(5),
    Alert("non_finite", "the loss became nan"),
    Paused(5),
    Continued(5),
    StopRequested("after-epoch"),
    Resumed(5, 4712, "box", "cuda:0", 4, exact=False),
    RunFinished("completed", scored=True),
]


def beat(run: RunDirectory, age: float, **changes: object) -> None:
    """A heartbeat that was written so many seconds ago."""
    run.heartbeat.write_text(json.dumps({"pid": 1, "time": time.time() - age, **changes}))
    os.utime(run.heartbeat, (time.time() - age, time.time() - age))


def write_log(run: RunDirectory, *events: Event) -> None:
    """Appends the events to the run's log."""
    with closing(EventLog(run.events)) as log:
        for event in events:
            log.append(event)


def write(path: Path, *new: Event) -> list[Logged]:
    """Appends these events to the log; returns all that it holds."""
    with closing(EventLog(path)) as log:
        for event in new:
            log.append(event)
    return LogReader(path).read()


def read(path: Path) -> list[Event]:
    """All events of the log."""
    return [logged.event for logged in LogReader(path).read()]
