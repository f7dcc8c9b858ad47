"""The same engines under the whole trainer: events, log, alerts, control file, checkpoints."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.contestants.ours import images_of, read_config
from benchmarks.spec import Spec
from fmnist_tui.runs.control import Inbox
from fmnist_tui.runs.event_log import EventLog
from fmnist_tui.runs.request import request_run
from fmnist_tui.runs.run_writer import RunWriter
from fmnist_tui.training.alerts import LossMonitor
from fmnist_tui.training.events import StepMetrics
from fmnist_tui.training.task import make_engine, make_task
from fmnist_tui.training.trainer import train


class Kept:
    """A training that is written down. One image is validated: validation is nothing that a bare loop lacks."""

    def __init__(self, spec: Spec) -> None:
        folder = tempfile.TemporaryDirectory(prefix="kept-", dir=Path(spec.data).parent)
        weakref.finalize(self, folder.cleanup)
        config = read_config(spec)
        run = request_run(Path(folder.name), config, spec.data)
        task = make_task(config, images_of(spec))
        task = replace(task, validation_indices=task.validation_indices[:1])
        keeper = RunWriter(run, config)
        self._events = train(make_engine(task), task, Inbox(run, 0), keeper)
        self._log = EventLog(run.events)
        self._watch = LossMonitor()
        self._steps = self._written()
        self._done = 0

    def turn(self, amount: int) -> None:
        """At least so many steps, to a window's end; steps past `amount` count for the next turn."""
        until = self._done + amount
        step = 0
        while step < until:
            step = next(self._steps)
        self._done = until

    def _written(self) -> Iterator[int]:
        """As `drive` writes events down; yields the step after each window."""
        for event in self._events:
            self._log.append(event)
            for alert in self._watch.observe(event):
                self._log.append(alert)
            if isinstance(event, StepMetrics):
                yield event.step
