"""The event log folded into the state of its run: the one place that knows what a log means after crashes and resumes.

Two rules decide which events count. Those of a trainer that had been replaced when it wrote them are dropped
(`LogOrder`), and what a resumed run had done past its checkpoint is dropped as well (`events.rewound_to`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged, LogReader
from fmnist_tui.runs.log_order import LogOrder, current_tail
from fmnist_tui.training import events
from fmnist_tui.training.events import Event, begins_trainer, rewound_to

if TYPE_CHECKING:  # needs NumPy, which the status of a run doesn't
    from fmnist_tui.runs.curve import Curve, GrowingCurve

_MAX_ALERTS = 200
_ASIDE = events.CheckpointSaved | events.Alert | events.Dynamics | events.Resources | events.Sharing
"""Types of events that change nothing about what the trainer is doing."""


Sample = tuple[float, events.Resources]
"""What a trainer used, and when that was logged (unix seconds)."""


class RunState(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """What the log says about the run as a whole; each field is that of the newest event that sets it.

    Attributes:
        started: The first trainer's `RunStarted`, or None before it.
        started_at: When that was (unix seconds).
        stage: What the trainer does outside the steps; "" while it takes steps.
        paused: Whether it waits for a `continue`.
        stopping: How it was asked to stop, or "".
        finished: The trainer's last event, or None while more will follow.
        saved_step: The step of the last checkpoint, or None.
        resumed_at_step: The step at which the current trainer resumed, 0 for the first trainer.
        resumed: The newest trainer's `Resumed`, or None where nothing was resumed since `started`.
    """

    started: events.RunStarted | None = None
    started_at: float = 0.0
    stage: str = ""
    paused: bool = False
    stopping: str = ""
    finished: events.RunFinished | None = None
    saved_step: int | None = None
    resumed_at_step: int = 0
    resumed: events.Resumed | None = None


class Snapshot(RunState, frozen=True, eq=False, kw_only=True):
    """A run at one moment, immutable: what screens and tables show.

    Attributes:
        run_id: The run's id.
        curve: All log intervals from the first step on.
        epochs: All epochs that ended.
        alerts: Alerts, oldest first.
        dynamics: How the layers learned in these epochs; none in runs of earlier versions.
        resources: What the trainers used of their machines; likewise.
    """

    run_id: str
    curve: Curve
    epochs: tuple[events.Epoch, ...] = ()
    alerts: tuple[events.Alert, ...] = ()
    dynamics: tuple[events.Dynamics, ...] = ()
    resources: tuple[Sample, ...] = ()

    @property
    def step(self) -> int:
        """Steps taken, as far as the log shows."""
        return int(self.curve.step[-1]) if len(self.curve) else self.resumed_at_step

    @property
    def epoch(self) -> int:
        """The epoch in progress, from 1; the last one when all are done, or the run was ended after it."""
        if self.started is None:
            return 0
        validated = self.epochs[-1].epoch if self.epochs else 0
        ended = self.finished and self.finished.reason == "stopped" and not self.finished.resumable
        return min(validated + (not ended and not self.early_stopped), self.started.epochs)

    @property
    def early_stopped(self) -> bool:
        """Whether it was completed before its last epoch, because validation accuracy no longer rose."""
        if self.finished is None or self.finished.reason != "completed" or self.started is None:
            return False
        return bool(self.epochs) and self.epochs[-1].epoch < self.started.epochs

    @property
    def best_epoch(self) -> events.Epoch | None:
        """The epoch with the best validation accuracy, the first of equals."""
        return max(self.epochs, key=lambda epoch: epoch.validation_accuracy, default=None)

    @property
    def ending(self) -> str:
        """How the run ended, as text; "" while it is not over."""
        end = self.finished
        if end is None:
            return ""
        early = self.early_stopped
        if end.reason != "stopped" and not early:
            return "  ".join(filter(None, [f"{end.reason}{', scored' if end.scored else ''}", end.message]))
        if not end.resumable and self.started and self.epochs:
            return stopped_text(self.epochs[-1].epoch, self.started.epochs, scored=end.scored, early=early)
        if end.message:
            return f"stopped, {end.message}"
        if self.saved_step is not None:
            return f"stopped, saved at step {self.saved_step}"
        return "stopped, nothing is saved" if self.started else "stopped before it began"


def stopped_text(epoch: int, epochs: int, *, scored: bool, early: bool = False) -> str:
    """A description of a run that was stopped after an epoch: "stopped after epoch 3 of 10, scored".

    `early` says that it stopped by itself.
    """
    return f"stopped{' early' if early else ''} after epoch {epoch} of {epochs}{', scored' if scored else ''}"


class _Steps(Protocol):
    """Where a fold puts log intervals."""

    def append(self, step: events.StepMetrics, time: float) -> None:
        """Add an interval."""

    def drop_after(self, step: int) -> None:
        """Forget the intervals past `step`."""


class LogFold:
    """Folds the events of a log, or of its tail, into a `RunState`, in time that grows with their number alone.

    Attributes:
        state: The state after the last event.
        epochs: The epochs that ended.
        alerts: The newest alerts, oldest first.
        dynamics: How the layers learned in these epochs.
        resources: What the trainers used of their machines, also in steps that were taken again.
        last: The last event, or None before the first.
        activity: The last event that isn't an alert or a saved checkpoint: what the trainer is doing.
    """

    def __init__(self, steps: _Steps | None = None) -> None:
        self.state = RunState()
        self.epochs: list[events.Epoch] = []
        self.alerts: deque[events.Alert] = deque(maxlen=_MAX_ALERTS)
        self.dynamics: list[events.Dynamics] = []
        self.resources: list[Sample] = []
        self.last: Logged | None = None
        self.activity: Logged | None = None
        self._order = LogOrder()
        self._steps = steps

    def add(self, logged: Logged) -> None:
        """Take in one event, unless it is not the current trainer's."""
        if type(logged.event) is events.StepMetrics and self._order.goes_on(logged):  # by far the most frequent
            self.last = self.activity = logged
            self._take_step(logged.event, logged.time)
            return
        attempt = self._order.attempt
        if not self._order.accepts(logged):
            return
        event = logged.event
        self.last = logged
        if self._order.attempt > attempt or isinstance(event, events.RunFinished) or begins_trainer(event):
            self._set(stage="", paused=False, stopping="", finished=None)  # of the trainer before
        if isinstance(event, events.StepMetrics):
            self.activity = logged
            self._take_step(event, logged.time)
            return
        if not isinstance(event, _ASIDE):
            self.activity = logged
        if (step := rewound_to(event)) is not None:
            self._rewind(step)
        self._take(event, logged.time)

    def _take_step(self, step: events.StepMetrics, time: float) -> None:
        if self.state.stage or self.state.paused:
            self._set(stage="", paused=False)
        if self._steps is not None:
            self._steps.append(step, time)

    def _take(self, event: Event, time: float) -> None:
        match event:
            case events.RunStarted():
                self.state = RunState(started=event, started_at=time)
            case events.Resumed():
                self._set(resumed_at_step=event.step, resumed=event)
            case events.Queued():
                self._set(stage=event.text)
            case events.Stage():
                self._set(stage=str(event.name), paused=False, finished=None)
            case events.CheckpointSaved():
                self._set(saved_step=event.step)
            case events.Resources():
                self.resources.append((time, event))
            case events.Epoch() | events.Dynamics() | events.Alert():
                self._take_report(event)
            case _:
                self._take_command(event)

    def _take_report(self, event: events.Epoch | events.Dynamics | events.Alert) -> None:
        match event:
            case events.Epoch():
                _append(self.epochs, event)
                self._set(stage="")
            case events.Dynamics():
                _append(self.dynamics, event)
            case events.Alert():
                self.alerts.append(event)

    def _take_command(self, event: Event) -> None:
        """Take in an event that follows a command, or ends the run."""
        match event:
            case events.Paused() | events.Continued():
                self._set(paused=isinstance(event, events.Paused))
            case events.StopRequested():
                self._set(stopping=event.how)
            case events.RunFinished():
                self._set(finished=event)

    def _set(self, **changes: Any) -> None:
        self.state = msgspec.structs.replace(self.state, **changes)

    def _rewind(self, step: int) -> None:
        if self._steps is not None:
            self._steps.drop_after(step)
        while self.epochs and self.epochs[-1].step > step:
            self.epochs.pop()
        while self.dynamics and self.dynamics[-1].step > step:
            self.dynamics.pop()


_OfEpoch = TypeVar("_OfEpoch", events.Epoch, events.Dynamics)


def _append(epochs: list[_OfEpoch], event: _OfEpoch) -> None:
    """Add an event of an epoch, in place of an earlier one of it."""
    while epochs and epochs[-1].epoch >= event.epoch:
        epochs.pop()
    epochs.append(event)


class SnapshotFold(LogFold):
    """A fold that keeps the learning curve as well."""

    def __init__(self, run_id: str) -> None:
        from fmnist_tui.runs.curve import GrowingCurve

        self._run_id = run_id
        self._curve: GrowingCurve = GrowingCurve()
        super().__init__(self._curve)

    def snapshot(self) -> Snapshot:
        """The run after the last event."""
        return Snapshot(
            run_id=self._run_id,
            curve=self._curve.view(),
            epochs=tuple(self.epochs),
            alerts=tuple(self.alerts),
            dynamics=tuple(self.dynamics),
            resources=tuple(self.resources),
            **msgspec.structs.asdict(self.state),
        )


class TailFold(LogFold):
    """A fold of the newest events of a log: enough for the status of its run, whatever the log's length."""

    def __init__(self, tail: Sequence[Logged] = ()) -> None:
        self._intervals = _Intervals()
        super().__init__(self._intervals)
        self._from_start = not tail or tail[0].seq == 0
        for logged in tail:
            self.add(logged)

    @property
    def epochs_done(self) -> int | None:
        """Whole epochs trained; None where the tail doesn't show it."""
        interval = self._intervals[-1] if self._intervals else None
        epoch = self.epochs[-1] if self.epochs else None
        if epoch is not None and (interval is None or epoch.step >= interval.step):
            return epoch.epoch
        if interval is not None:
            return interval.epoch - 1
        return 0 if self._from_start or self.state.started is not None else None


class _Intervals(list[events.StepMetrics]):
    """A few intervals, without NumPy."""

    def append(self, step: events.StepMetrics, time: float = 0.0) -> None:  # noqa: ARG002
        super().append(step)

    def drop_after(self, step: int) -> None:
        while self and self[-1].step > step:
            self.pop()


def read_tail_fold(run: RunDirectory) -> TailFold:
    """The fold of the newest current events of a run's log."""
    return TailFold(current_tail(run.events))


def read_snapshot(run: RunDirectory) -> Snapshot:
    """The snapshot of a run as it is now."""
    fold = SnapshotFold(run.run_id)
    for logged in LogReader(run.events):
        fold.add(logged)
    return fold.snapshot()


def read_epochs(run: RunDirectory) -> tuple[events.Epoch, ...]:
    """The epochs in a run's log, without those that a resume dropped; ten times as fast as a snapshot."""
    fold = LogFold()
    for logged in LogReader(run.events, steps=False):
        fold.add(logged)
    return tuple(fold.epochs)
