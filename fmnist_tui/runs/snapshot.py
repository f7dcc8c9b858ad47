"""What a run looks like at one moment: the log folded into something that screens and tables can show."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from fmnist_tui.runs.curve import Curve, GrowingCurve
from fmnist_tui.runs.event_log import Logged
from fmnist_tui.runs.log_order import LogOrder, begins
from fmnist_tui.runs.status import stopped_words
from fmnist_tui.training import events

_MAX_ALERTS = 200


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
        resumed: The newest trainer's `Resumed`, or None where nothing was resumed since `started`.
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
    resumed: events.Resumed | None = None

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


@dataclass
class _State:
    """What of a snapshot is replaced as a whole."""

    started: events.RunStarted | None = None
    started_at: float = 0.0
    stage: str = ""
    paused: bool = False
    stopping: str = ""
    finished: events.RunFinished | None = None
    saved_step: int | None = None
    resumed_at_step: int = 0
    resumed: events.Resumed | None = None


class SnapshotFold:
    """Folds events into snapshots, in time that grows with their number alone."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._order = LogOrder()
        self._curve = GrowingCurve()
        self._epochs: list[events.Epoch] = []
        self._alerts: deque[events.Alert] = deque(maxlen=_MAX_ALERTS)
        self._state = _State()

    def add(self, logged: Logged) -> None:
        """Takes in one event, unless it is not the current trainer's."""
        attempt = self._order.attempt
        if not self._order.accepts(logged):
            return
        if self._order.attempt > attempt:
            self._change_trainer()
        event = logged.event
        if isinstance(event, events.Step):  # by far the most frequent
            self._curve.append(event, logged.time)
            self._state.stage, self._state.paused = "", False
        else:
            self._take(event, logged.time)

    def snapshot(self) -> Snapshot:
        """The moment after the last event."""
        return Snapshot(self._run_id, self._curve.view(), tuple(self._epochs), tuple(self._alerts), **vars(self._state))

    def _take(self, event: events.Event, time: float) -> None:
        state = self._state
        match event:
            case events.RunStarted():  # or started again: it was killed before its first checkpoint
                self._curve.drop_after(0)
                self._epochs.clear()
                self._state = _State(started=event, started_at=time)
            case events.Queued():
                self._change_trainer()
                state.stage = f"{events.QUEUED_STAGE}{event.device}"
            case events.Stage():
                if begins(event):
                    self._change_trainer()
                state.stage, state.paused, state.finished = event.name, False, None
            case events.Epoch():
                self._drop_epochs(lambda epoch: epoch.epoch >= event.epoch)
                self._epochs.append(event)
                state.stage = ""
            case events.CheckpointSaved():
                state.saved_step = event.step
            case events.Alert():
                self._alerts.append(event)
            case events.Paused() | events.Continued():
                state.paused = isinstance(event, events.Paused)
            case _:
                self._turn(event)

    def _turn(self, event: events.Event) -> None:
        """Takes in what changes the run's course."""
        state = self._state
        match event:
            case events.StopRequested():
                state.stopping = event.how
            case events.Resumed():
                self._change_trainer()
                self._curve.drop_after(event.step)
                self._drop_epochs(lambda epoch: epoch.step > event.step)
                state.resumed_at_step = event.step
                state.resumed = event
            case events.RunFinished():
                self._change_trainer()
                state.finished = event

    def _change_trainer(self) -> None:
        """What the one before did, and was asked to do, is over."""
        state = self._state
        state.stage, state.paused, state.stopping, state.finished = "", False, "", None

    def _drop_epochs(self, is_late: Callable[[events.Epoch], bool]) -> None:
        while self._epochs and is_late(self._epochs[-1]):
            self._epochs.pop()
