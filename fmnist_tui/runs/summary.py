"""One line about a run, from the ends of its files: quick enough for a list of hundreds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fmnist_tui.files import read_json
from fmnist_tui.runs.directory import RunDirectory, name_of, version_in
from fmnist_tui.runs.event_log import read_tail
from fmnist_tui.runs.status import Status, status_of, stopped_words, without_strays
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
        bytes: On the disk.
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
    bytes: int

    @property
    def words(self) -> str:
        """What the run does, or how it ended, and how far it has come."""
        return progress_text(self.status, self.epoch, self.epochs, scored=self.test_accuracy is not None)


def progress_text(status: Status, epoch: int, epochs: int | None, *, scored: bool) -> str:
    """What a run does, or how it ended, and how far it has come: whole epochs of those that were asked for."""
    if status is Status.FINISHED and epochs and epoch < epochs:
        return stopped_words(epoch, epochs, scored=scored)
    if status.has_trainer and status is not Status.QUEUED and epochs:
        return f"{status}, epoch {min(epoch + 1, epochs)}/{epochs}"
    return f"{status} {epoch}/{epochs or '?'}"


def summarise(run: RunDirectory) -> Summary:
    """The run's summary now."""
    config = run.config()
    settings = config.get("hyperparameters")
    result = read_json(run.result) or {}
    accuracy = result.get("test_accuracy")
    return Summary(
        run=run.run_id,
        version=safe(config.get("version", version_in(run.run_id))),
        recipe=f"{safe(config.get('recipe', ''))}{'*' if config.get('modified') else ''}",
        seed=_whole(config.get("seed")),
        status=status_of(run),
        epoch=epochs_done(run),
        epochs=_whole(settings.get("epochs")) if isinstance(settings, dict) else None,
        test_accuracy=accuracy if isinstance(accuracy, float) and 0.0 <= accuracy <= 1.0 else None,
        label=name_of(run),
        bytes=run.size(),
    )


def has_steps(run: RunDirectory) -> bool:
    """Whether a trainer took steps, so that there is a curve, and something to go on from."""
    return any(isinstance(logged.event, events.Step | events.Epoch) for logged in read_tail(run.events))


def epochs_done(run: RunDirectory) -> int:
    """Whole epochs, by the last event that tells."""
    for event in reversed(without_strays(logged.event for logged in read_tail(run.events))):
        if isinstance(event, events.Epoch):
            return event.epoch
        if isinstance(event, events.Step):
            return event.epoch - 1
    return 0


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
