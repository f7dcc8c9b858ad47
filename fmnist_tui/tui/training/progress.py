"""How far a run is, as bars and text, and its headline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from fmnist_tui.host.gpu import Gpu
from fmnist_tui.models.registry import find_model
from fmnist_tui.runs.directory import version_in
from fmnist_tui.runs.fold import Snapshot
from fmnist_tui.runs.status import Status
from fmnist_tui.runs.usage import Usage, seconds_left
from fmnist_tui.text import duration, grouped, megabytes, percent, safe
from fmnist_tui.tui.cells import cells
from fmnist_tui.tui.training.curves import Reading

_GAP = "  "


@dataclass(frozen=True)
class RunProgress:
    """The fractions (0 to 1) and texts of the two bars, and the text below them."""

    epoch_fraction: float
    epoch_text: str
    total_fraction: float
    total_text: str
    numbers: str
    alerts: tuple[str, ...]


def empty_text(snapshot: Snapshot, status: Status | None) -> str:
    """What a chart without a point shows instead."""
    if status is Status.UNREADABLE:
        return "The run can't be read"
    return snapshot.stage or ("Ended before its first step" if snapshot.finished else "Waiting for the first step")


def progress_of(snapshot: Snapshot, usage: Usage | None = None, status: Status | None = None) -> RunProgress:
    """The run's progress in this snapshot, and what its trainer uses of the machine."""
    alerts = tuple(alert.message for alert in snapshot.alerts)
    lines = (_end_text(snapshot), _numbers(snapshot), _machine_text(snapshot, usage))
    numbers = "\n".join(filter(None, lines))
    if snapshot.started is None:
        beginning = "not started" if snapshot.finished else "starting"
        text = "unknown" if status is Status.UNREADABLE else snapshot.stage or beginning
        return RunProgress(0.0, text, 0.0, "", numbers, alerts)
    per_epoch, total = max(1, snapshot.started.steps_per_epoch), max(1, snapshot.started.total_steps)
    in_epoch = snapshot.step - (snapshot.epoch - 1) * per_epoch
    left = seconds_left(snapshot)
    return RunProgress(
        in_epoch / per_epoch,
        f"epoch {snapshot.epoch} of {snapshot.started.epochs}, step {grouped(in_epoch)} of {grouped(per_epoch)}",
        snapshot.step / total,
        f"step {grouped(snapshot.step)} of {grouped(total)}" + (f", {duration(left)} left" if left else ""),
        numbers,
        alerts,
    )


DISK_FULL = "Disk full: training continues, events are buffered in memory. Free some space."


def alert_text(alerts: Sequence[str]) -> str:
    """The newest alert, and how many there are."""
    if len(alerts) < 2:
        return "".join(alerts)
    return f"{len(alerts)} alerts (l shows all), the newest: {alerts[-1]}"


def wrapped(text: str, width: int) -> str:
    """Breaks lines of more than `width` cells at double spaces, so that each item stays in one piece."""
    lines = []
    for line in text.split("\n"):
        first, *parts = line.split(_GAP)
        lines.append(first)
        for part in parts:
            if cells(lines[-1]) + len(_GAP) + cells(part) <= width:
                lines[-1] += f"{_GAP}{part}"
            else:
                lines.append(part)
    return "\n".join(lines)


def reading_text(reading: Reading | None) -> str:
    """The values at the cursor."""
    if reading is None:
        return ""
    return (
        f"step {grouped(reading.step)}, epoch {reading.epoch}: loss {reading.loss:.4f}, "
        f"accuracy {percent(reading.accuracy)}, lr {reading.learning_rate:.2g}"
    )


def _numbers(snapshot: Snapshot) -> str:
    parts = []
    if len(snapshot.curve):
        curve = snapshot.curve
        parts.append(f"loss {curve.loss[-1]:.4f}  accuracy {percent(curve.accuracy[-1])}")
        parts.append(f"{grouped(curve.images_per_second[-1])} images/s  lr {curve.learning_rate[-1]:.2g}")
    if snapshot.epochs:
        last, best = snapshot.epochs[-1], snapshot.best_epoch
        parts.append(f"validation {last.validation_loss:.4f} {percent(last.validation_accuracy)}")
        parts.append(f"best {percent(best.validation_accuracy)} in epoch {best.epoch}" if best else "")
    return _GAP.join(parts)


def _end_text(snapshot: Snapshot) -> str:
    """How it ended, and the key for what comes next."""
    end = snapshot.finished
    if end is None:
        return ""
    text = f"ended: {snapshot.ending}"
    if end.reason == "stopped" and end.resumable:
        return f"{text}: r {'resumes' if snapshot.saved_step is not None else 'starts'} it"
    return f"{text}: press 4 for results" if end.scored else text


def _machine_text(snapshot: Snapshot, usage: Usage | None) -> str:
    parts = []
    if usage is not None:
        parts.append(f"trainer {usage.cpu:.1f} CPUs, {megabytes(usage.memory)}")
        parts.append(f"machine: CPU {percent(usage.machine_cpu, 0)}, memory {percent(usage.machine_memory, 0)}")
        parts.append(_gpu_text(usage.gpu) if usage.gpu else "")
    if snapshot.saved_step is not None and snapshot.finished is None:
        parts.append(f"checkpoint at step {grouped(snapshot.saved_step)}")
    return _GAP.join(filter(None, parts))


def _gpu_text(gpu: Gpu) -> str:
    """What the driver reports about the GPU that the run trains on."""
    busy = f"{gpu.busy}% busy" if gpu.busy is not None else ""
    memory = f"{(gpu.total - gpu.free) / 1e9:.1f} of {gpu.total / 1e9:.0f} GB" if gpu.total else ""
    title = safe(f"{gpu.name.removeprefix('NVIDIA ') or 'GPU'} ({gpu.short_key})")
    return f"{title} {', '.join(filter(None, [busy, memory]))}" if busy or memory else ""


def rows_of(text: Text, width: int) -> int:
    """How many rows of `width` cells the text takes."""
    return sum(max(1, -(-line.cell_len // width)) for line in text.split())


READING = "Reading the log ..."
_STOPPING = {"after-epoch": "stopping after this epoch", "now": "stopping now"}


def headline(snapshot: Snapshot, status: Status, width: int) -> Text:
    """Which run it is, and its status, which also explains an empty chart.

    The version's title is left out where the line is too narrow for it: the id begins with the version.
    """
    version = version_in(snapshot.run_id)
    known = find_model(version)
    run = Text.assemble(f"{snapshot.run_id}  ", (_doing(snapshot, status), "reverse"))
    whole = Text.assemble((f"{version} {known.title if known else ''}", "bold"), "  ", run)
    return whole if whole.cell_len <= width else run


def _doing(snapshot: Snapshot, status: Status) -> str:
    if status is Status.LOADING:
        return READING
    if status is Status.INTERRUPTED:
        return f"{status}: r resumes it"
    if status is Status.FINISHED and snapshot.finished and snapshot.finished.reason == "stopped":
        return snapshot.ending
    doing = snapshot.stage if status is Status.RUNNING and snapshot.stage else str(status)
    stopping = _STOPPING.get(snapshot.stopping, "stopping") if snapshot.stopping and status.has_trainer else ""
    return ", ".join(filter(None, [doing, stopping]))
