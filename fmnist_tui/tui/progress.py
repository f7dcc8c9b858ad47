"""How far a run is, in shares and words."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from fmnist_tui.models.catalogue import VERSIONS
from fmnist_tui.runs.eta import seconds_left
from fmnist_tui.runs.snapshot import Snapshot
from fmnist_tui.runs.status import Status
from fmnist_tui.runs.usage import Usage
from fmnist_tui.text import megabytes
from fmnist_tui.tui.curves import Reading


@dataclass(frozen=True)
class Progress:
    """What stands beside the bars; shares are 0 to 1."""

    epoch_share: float
    epoch_words: str
    total_share: float
    total_words: str
    numbers: str
    alerts: tuple[str, ...]


def progress_of(snapshot: Snapshot, usage: Usage | None = None) -> Progress:
    """The run's progress in this snapshot, and what its trainer takes of the machine."""
    alerts = tuple(alert.message for alert in snapshot.alerts)
    lines = (_end_words(snapshot), _numbers(snapshot), _usage_words(usage))
    numbers = "\n".join(filter(None, lines))
    if snapshot.started is None:
        return Progress(0.0, snapshot.stage or "starting", 0.0, "", numbers, alerts)
    per_epoch, total = max(1, snapshot.started.steps_per_epoch), max(1, snapshot.started.total_steps)
    in_epoch = snapshot.step - (snapshot.epoch - 1) * per_epoch
    left = seconds_left(snapshot)
    return Progress(
        in_epoch / per_epoch,
        f"epoch {snapshot.epoch} of {snapshot.started.epochs}, step {in_epoch} of {per_epoch}",
        snapshot.step / total,
        f"step {snapshot.step} of {total}" + (f", {in_words(left)} left" if left is not None else ""),
        numbers,
        alerts,
    )


def headline(snapshot: Snapshot, status: Status) -> Text:
    """Which run, and what it is doing: nobody looks at an empty chart without being told why."""
    version = snapshot.run_id.partition("-")[0]
    title = next((known.title for known in VERSIONS if known.name == version), "")
    doing = snapshot.stage if status is Status.LIVE and snapshot.stage else str(status)
    if snapshot.stopping and status.has_trainer:
        doing = f"{doing}, stopping ({snapshot.stopping})"
    return Text.assemble((f"{version} {title}", "bold"), f"  {snapshot.run_id}  ", (doing, "reverse"))


def reading_words(reading: Reading | None) -> str:
    """The values at the cursor."""
    if reading is None:
        return ""
    return (
        f"cursor: step {reading.step}, epoch {reading.epoch}  loss {reading.loss:.4f}  "
        f"accuracy {reading.accuracy:.2%}  lr {reading.learning_rate:.2g}"
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
    if snapshot.saved_step is not None and snapshot.finished is None:
        parts.append(f"saved at step {snapshot.saved_step}")
    return "  ".join(parts)


def _end_words(snapshot: Snapshot) -> str:
    if snapshot.finished is None:
        return ""
    end = snapshot.finished
    words = "saved, to be resumed with r" if end.reason == "stopped" and end.resumable else end.message
    scored = "test images scored: press 4 for the results" if end.scored else ""
    return "  ".join(filter(None, [f"ended: {end.reason}", words, scored]))


def _usage_words(usage: Usage | None) -> str:
    if usage is None:
        return ""
    own = f"trainer {usage.cpu:.1f} CPUs, {megabytes(usage.memory)}"
    machine = f"machine: CPU {usage.machine_cpu:.0%}, memory {usage.machine_memory:.0%}"
    gpus = [f"GPU {number} {gpu.busy}% busy" for number, gpu in enumerate(usage.gpus) if gpu.busy is not None]
    return "  ".join([own, machine, *gpus])
