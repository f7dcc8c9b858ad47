"""What a run looks like at one moment: the log folded into something that screens and tables can show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import singledispatchmethod

from fmnist_tui.runs.curve import Curve, GrowingCurve
from fmnist_tui.runs.event_log import Logged
from fmnist_tui.runs.status import FIRST_STAGES, begins_anew, stopped_words
from fmnist_tui.training import events

_ALERTS_KEPT = 200


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One moment of a run, immutable.

    Attributes:
        run_id: Whose.
        curve: All windows from the first step on.
        epochs: All epochs that ended.
        alerts: What a person should see, oldest first.
        started: The first trainer's `RunStarted`, or None before it.
        started_at: When that was (unix seconds).
        stage: What the trainer does outside the steps; "" while it trains.
        paused: Whether it waits for a `continue`.
        stopping: How it was asked to stop, or "".
        finished: The last word, or None while there is more to come.
        saved_step: The step of the last checkpoint, or None.
        resumed_at_step: Where the current trainer went on from, 0 for the first.
    """

    run_id: str
    curve: Curve
    epochs: tuple[events.Epoch, ...] = ()
    alerts: tuple[events.Alert, ...] = ()
    started: events.RunStarted | None = None
    started_at: float = 0.0
    stage: str = ""
    paused: bool = False
    stopping: str = ""
    finished: events.RunFinished | None = None
    saved_step: int | None = None
    resumed_at_step: int = 0

    @property
    def step(self) -> int:
        """Steps taken, as far as the log tells."""
        return int(self.curve.step[-1]) if len(self.curve) else self.resumed_at_step

    @property
    def epoch(self) -> int:
        """The epoch in progress, from 1; the last one when all are done, or the run was ended after it."""
        if self.started is None:
            return 0
        validated = self.epochs[-1].epoch if self.epochs else 0
        ended = self.finished and self.finished.reason == "stopped" and not self.finished.resumable
        return min(validated + (not ended), self.started.epochs)

    @property
    def best_epoch(self) -> events.Epoch | None:
        """The epoch with the best validation accuracy, the first of equals."""
        return max(self.epochs, key=lambda epoch: epoch.validation_accuracy, default=None)

    @property
    def ending(self) -> str:
        """How the run ended, in words; "" while it goes on."""
        end = self.finished
        if end is None:
            return ""
        if end.reason != "stopped":
            return "  ".join(filter(None, [f"{end.reason}{', scored' if end.scored else ''}", end.message]))
        if not end.resumable and self.started and self.epochs:
            return stopped_words(self.epochs[-1].epoch, self.started.epochs, scored=end.scored)
        if end.message:
            return f"stopped, {end.message}"
        if self.saved_step is not None:
            return f"stopped, saved at step {self.saved_step}"
        return "stopped, nothing is saved" if self.started else "stopped before it began"


class SnapshotFold:
    """Folds events into snapshots."""

    def __init__(self, run_id: str) -> None:
        self._curve = GrowingCurve()
        self._now = Snapshot(run_id, self._curve.view())

    def add(self, logged: Logged) -> None:
        """Takes in one event; what follows the end is passed over until another trainer begins."""
        if self._now.finished is None or begins_anew(logged.event):
            self._take(logged.event, logged.time)

    def snapshot(self) -> Snapshot:
        """The moment after the last event."""
        return replace(self._now, curve=self._curve.view())

    def _change(self, **changes: object) -> None:
        self._now = replace(self._now, **changes)  # type: ignore[arg-type]

    @singledispatchmethod
    def _take(self, event: events.Event, time: float) -> None:  # noqa: ARG002
        raise TypeError(f"no fold for {type(event).__name__}")

    @_take.register
    def _(self, event: events.RunStarted, time: float) -> None:
        """A run that begins, or begins again because it was killed before its first checkpoint."""
        self._curve.drop_after(0)
        alerts = self._now.alerts
        self._now = Snapshot(self._now.run_id, self._curve.view(), alerts=alerts, started=event, started_at=time)

    @_take.register
    def _(self, event: events.Stage, time: float) -> None:  # noqa: ARG002
        if event.name.startswith(FIRST_STAGES):  # whoever was asked to stop is gone
            self._change(stopping="")
        self._change(stage=event.name, paused=False, finished=None)

    @_take.register
    def _(self, event: events.Step, time: float) -> None:
        self._curve.append(event, time)
        if self._now.stage or self._now.paused:
            self._change(stage="", paused=False)

    @_take.register
    def _(self, event: events.Epoch, time: float) -> None:  # noqa: ARG002
        earlier = tuple(epoch for epoch in self._now.epochs if epoch.epoch < event.epoch)
        self._change(epochs=(*earlier, event), stage="")

    @_take.register
    def _(self, event: events.CheckpointSaved, time: float) -> None:  # noqa: ARG002
        self._change(saved_step=event.step)

    @_take.register
    def _(self, event: events.Alert, time: float) -> None:  # noqa: ARG002
        self._change(alerts=(*self._now.alerts, event)[-_ALERTS_KEPT:])

    @_take.register
    def _(self, event: events.Paused, time: float) -> None:  # noqa: ARG002
        self._change(paused=True)

    @_take.register
    def _(self, event: events.Continued, time: float) -> None:  # noqa: ARG002
        self._change(paused=False)

    @_take.register
    def _(self, event: events.StopRequested, time: float) -> None:  # noqa: ARG002
        self._change(stopping=event.how)

    @_take.register
    def _(self, event: events.Resumed, time: float) -> None:  # noqa: ARG002
        self._curve.drop_after(event.step)
        kept = tuple(epoch for epoch in self._now.epochs if epoch.step <= event.step)
        self._change(epochs=kept, stage="", paused=False, stopping="", finished=None, resumed_at_step=event.step)

    @_take.register
    def _(self, event: events.RunFinished, time: float) -> None:  # noqa: ARG002
        self._change(finished=event, stage="", paused=False, stopping="")
