"""How far a run is, in shares and words."""

from __future__ import annotations

from dataclasses import dataclass

from fmnist_tui.runs.eta import seconds_left
from fmnist_tui.runs.snapshot import Snapshot


@dataclass(frozen=True)
class Progress:
    """What stands beside the bars; shares are 0 to 1."""

    epoch_share: float
    epoch_words: str
    total_share: float
    total_words: str
    numbers: str
    alerts: tuple[str, ...]


def progress_of(snapshot: Snapshot) -> Progress:
    """The run's progress in this snapshot."""
    alerts = tuple(alert.message for alert in snapshot.alerts)
    if snapshot.started is None:
        return Progress(0.0, snapshot.stage or "starting", 0.0, "", _end_words(snapshot), alerts)
    per_epoch, total = snapshot.started.steps_per_epoch, snapshot.started.total_steps
    in_epoch = snapshot.step - (snapshot.epoch - 1) * per_epoch
    left = seconds_left(snapshot)
    return Progress(
        in_epoch / per_epoch,
        f"epoch {snapshot.epoch} of {snapshot.started.epochs}, step {in_epoch} of {per_epoch}",
        snapshot.step / total,
        f"step {snapshot.step} of {total}" + (f", {in_words(left)} left" if left is not None else ""),
        "\n".join(filter(None, [_numbers(snapshot), _end_words(snapshot)])),
        alerts,
    )


def in_words(seconds: float) -> str:
    """12 s, 3:05, 1:02:03."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _numbers(snapshot: Snapshot) -> str:
    parts = []
    if len(snapshot.curve):
        curve = snapshot.curve
        parts.append(f"loss {curve.loss[-1]:.4f}  accuracy {curve.accuracy[-1]:.2%}")
        parts.append(f"{curve.images_per_second[-1]:,.0f} images/s  lr {curve.learning_rate[-1]:.2g}")
    if snapshot.epochs:
        last, best = snapshot.epochs[-1], snapshot.best_epoch
        parts.append(f"validation {last.validation_loss:.4f} {last.validation_accuracy:.2%}")
        parts.append(f"best {best.validation_accuracy:.2%} in epoch {best.epoch}" if best else "")
    return "  ".join(parts)


def _end_words(snapshot: Snapshot) -> str:
    if snapshot.finished is None:
        return ""
    end = snapshot.finished
    words = "saved, to be resumed with r" if end.reason == "stopped" and end.resumable else end.message
    scored = "test images scored: press 4 for the results" if end.scored else ""
    return "  ".join(filter(None, [f"ended: {end.reason}", words, scored]))
