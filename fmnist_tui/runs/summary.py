"""One line about a run, from the ends of its files: quick enough for a list of hundreds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from fmnist_tui.files import read_json
from fmnist_tui.runs.directory import RunDirectory, name_of, version_in
from fmnist_tui.runs.event_log import Logged, read_tail
from fmnist_tui.runs.status import Status, status_and_tail, stopped_words
from fmnist_tui.text import safe
from fmnist_tui.training import events


@dataclass(frozen=True)
class Summary:
    """What lists show of a run, its text safe to show; its fields are the keys of `runs --json`.

    Attributes:
        run: The run's id.
        version: "v0" to "v3".
        recipe: "tuned" or "origin", with a "*" where a hyper-parameter differs.
        seed: The seed.
        status: As `Status`.
        epoch: Whole epochs trained.
        epochs: Epochs asked for.
        test_accuracy: 0 to 1, or None where the test images were not scored.
        label: The name that a person gave, or "".
        reason: Why it can't be read ("permission denied"), or "".
    """

    run: str
    version: str
    recipe: str
    seed: int | None
    status: Status
    epoch: int
    epochs: int | None
    test_accuracy: float | None
    label: str
    reason: str = ""

    @property
    def words(self) -> str:
        """What the run does, or how it ended, and how far it has come."""
        if self.status is Status.UNREADABLE:
            return f"{self.status} ({self.reason})"
        return progress_text(self.status, self.epoch, self.epochs, scored=self.test_accuracy is not None)


def progress_text(status: Status, epoch: int, epochs: int | None, *, scored: bool) -> str:
    """What a run does, or how it ended, and how far it has come: whole epochs of those that were asked for."""
    if status is Status.FINISHED and epochs and epoch < epochs:
        return stopped_words(epoch, epochs, scored=scored)
    if status.has_trainer and status is not Status.QUEUED and epochs:
        return f"{status}, epoch {min(epoch + 1, epochs)}/{epochs}"
    return f"{status} {epoch}/{epochs or '?'}"


def summarise(run: RunDirectory) -> Summary:
    """The run's summary now; its size is not in it, since that takes a look at each of its files (`run.size()`)."""
    if reason := run.unreadable():
        return _unreadable(run, reason)
    status, tail = status_and_tail(run)  # first: a trainer writes the result before its last event
    config = run.config()
    settings = config.get("hyperparameters")
    accuracy = (read_json(run.result) or {}).get("test_accuracy")
    return Summary(
        run=run.run_id,
        version=safe(config.get("version", version_in(run.run_id))),
        recipe=f"{safe(config.get('recipe', ''))}{'*' if config.get('modified') else ''}",
        seed=_whole(config.get("seed")),
        status=status,
        epoch=epochs_done(run, tail),
        epochs=_whole(settings.get("epochs")) if isinstance(settings, dict) else None,
        test_accuracy=accuracy if isinstance(accuracy, float) and 0.0 <= accuracy <= 1.0 else None,
        label=name_of(run),
    )


def _unreadable(run: RunDirectory, reason: str) -> Summary:
    return Summary(
        run=run.run_id,
        version=version_in(run.run_id),
        recipe="",
        seed=None,
        status=Status.UNREADABLE,
        epoch=0,
        epochs=None,
        test_accuracy=None,
        label=name_of(run),
        reason=reason,
    )


def has_steps(run: RunDirectory) -> bool:
    """Whether a trainer took steps, so that there is a curve, and something to resume from."""
    return bool(read_tail(run.events, kinds=(events.Step, events.Epoch)))


def epochs_done(run: RunDirectory, tail: list[Logged]) -> int:
    """Whole epochs, by the last event of the log that shows it."""
    furthest: float = math.inf
    for logged in reversed(tail):
        match logged.event:
            case events.Epoch(epoch=epoch, step=step) if step <= furthest:
                return epoch
            case events.Step(epoch=epoch, step=step) if step <= furthest:
                return epoch - 1
            case events.Resumed(step=step):
                furthest = min(furthest, step)
            case events.RunStarted():
                return 0
    if not tail or tail[0].seq == 0:
        return 0
    from fmnist_tui.runs.follower import read_snapshot  # NumPy, which a list of runs seldom needs

    epochs = read_snapshot(run).epochs  # the end of the log holds nothing but alerts, say, or failed resumes
    return epochs[-1].epoch if epochs else 0


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
