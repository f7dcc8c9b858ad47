"""How far a run is, its alerts, what its trainer uses, and its name with its status."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text
from textual.theme import Theme

from fmnist_tui.host.gpu import Gpu
from fmnist_tui.host.node import host_name
from fmnist_tui.models.registry import find_model
from fmnist_tui.runs.cluster import jobs
from fmnist_tui.runs.directory import version_in
from fmnist_tui.runs.fold import Snapshot
from fmnist_tui.runs.follower import Follower
from fmnist_tui.runs.queue.waiting import Waiting
from fmnist_tui.runs.run import Run
from fmnist_tui.runs.status import Status
from fmnist_tui.runs.usage import Usage
from fmnist_tui.text import counted, grouped, megabytes, percent, rough_duration, safe
from fmnist_tui.tui.themes import model_colour, status_colour, status_mark
from fmnist_tui.tui.training.curves import Reading

READING = "Reading the log ..."
DISK_FULL = "Disk full: training continues, events are buffered in memory. Free some space."
_BARS = "▁▂▃▄▅▆▇█"
_RECENT = 12
"""Samples of what the trainer used that are drawn in the line about its machine: two minutes."""
_STOPPING = {"after-epoch": "stopping after this epoch", "now": "stopping now"}


def empty_text(snapshot: Snapshot, status: Status | None) -> str:
    """What a chart without a point shows instead."""
    if status is Status.UNREADABLE:
        return "The run can't be read"
    return snapshot.stage or ("Ended before its first step" if snapshot.finished else "Waiting for the first step")


def progress_of(snapshot: Snapshot, status: Status | None = None) -> tuple[float, str]:
    """The fraction of all steps that is done, 0 to 1, and where the run is: "epoch 4 of 10, step 190 of 422"."""
    if snapshot.started is None:
        beginning = "not started" if snapshot.finished else "starting"
        return 0.0, "unknown" if status is Status.UNREADABLE else snapshot.stage or beginning
    per_epoch, total = max(1, snapshot.started.steps_per_epoch), max(1, snapshot.started.total_steps)
    in_epoch = snapshot.step - (snapshot.epoch - 1) * per_epoch
    where = f"epoch {snapshot.epoch} of {snapshot.started.epochs}"
    return snapshot.step / total, f"{where}, step {grouped(in_epoch)} of {grouped(per_epoch)}"


def waiting_text(waiting: Waiting) -> str:
    """What a queued run waits for: "waits for cpu, 2 runs ahead, behind v1-... (about 7 min left)"."""
    parts = [safe(waiting.reason) or f"waits for {waiting.needs}"]
    if waiting.ahead:
        parts.append(f"{counted(waiting.ahead, 'queued run')} ahead")
    if waiting.behind:
        left = f" (about {rough_duration(waiting.seconds)} left)" if waiting.seconds is not None else ""
        parts.append(f"behind {safe(waiting.behind)}{left}")
    return ", ".join(parts)


def waits_for(follower: Follower) -> str:
    """What a run without a trainer waits for: a device, or a node of a cluster; "" for any other."""
    if follower.waiting:
        return waiting_text(follower.waiting)
    if follower.job:
        return safe(f"Slurm job {follower.job.id or '?'}: {jobs.waiting_text(follower.job)}")
    return ""


def lost_job(run: Run | None, status: Status) -> str:
    """How the Slurm job of an interrupted run ended; "" for any other run."""
    return safe(jobs.end_text(run.job, run.run_id)) if run and run.job and status is Status.INTERRUPTED else ""


def alert_text(alerts: Sequence[str]) -> str:
    """The newest alert, and how many there are."""
    if len(alerts) < 2:
        return "".join(alerts)
    return f"{len(alerts)} alerts (l shows all), the newest: {alerts[-1]}"


def reading_text(reading: Reading | None) -> str:
    """The values at the cursor."""
    if reading is None:
        return ""
    return (
        f"step {grouped(reading.step)}, epoch {reading.epoch}: loss {reading.loss:.4f}, "
        f"accuracy {percent(reading.accuracy)}, lr {reading.learning_rate:.2g}"
    )


def sparkline(values: Sequence[float | None], highest: float | None = None) -> str:
    """A blank and a bar for each value, at least 0; "" for fewer than two.

    Args:
        values: None is drawn as a blank.
        highest: The value of a full bar; None for the largest value.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if len(known) < 2:
        return ""
    top = highest or max(known) or 1.0
    last = len(_BARS) - 1
    bars = (" " if value is None else _BARS[min(last, round(value / top * last))] for value in values)
    return f" {''.join(bars)}"


def trainer_host(snapshot: Snapshot, status: Status) -> str:
    """The other machine that the run is trained on now, or ""."""
    begun = snapshot.resumed or snapshot.started
    if begun is None or not status.has_trainer or status.waits or begun.host == host_name():
        return ""
    return begun.host


def machine_text(snapshot: Snapshot, usage: Usage | None, elsewhere: str = "") -> str:
    """What the trainer uses of its machine now and used in the last two minutes, and its newest checkpoint.

    Of a run elsewhere, or one that has ended, only what was logged is known.
    """
    parts = []
    recent = [sample for _, sample in snapshot.resources[-_RECENT:]]
    cpus, gpu = sparkline([one.process_cpus for one in recent]), sparkline([one.gpu for one in recent], 1.0)
    if usage is not None:
        parts.append(f"trainer {usage.cpu:.1f} CPUs{cpus}, {megabytes(usage.memory)}")
        parts.append(f"machine: CPU {percent(usage.machine_cpu, 0)}, memory {percent(usage.machine_memory, 0)}")
        parts.append(f"{_gpu_text(usage.gpu)}{gpu}" if usage.gpu else "")
    elif recent:
        newest = recent[-1]
        parts.append(f"trainer on {safe(elsewhere)}" if elsewhere else "")
        parts.append(f"trainer {newest.process_cpus:.1f} CPUs{cpus}, {megabytes(newest.process_memory)}")
        parts.append(f"GPU {percent(newest.gpu, 0)}{gpu}" if newest.gpu is not None else "")
    elif elsewhere:
        parts.append(f"trainer on {safe(elsewhere)}")
    if snapshot.saved_step is not None and snapshot.finished is None:
        parts.append(f"checkpoint at step {grouped(snapshot.saved_step)}")
    return " · ".join(filter(None, parts))


def _gpu_text(gpu: Gpu) -> str:
    """What the driver reports about the GPU that the run trains on."""
    busy = f"{gpu.busy}% busy" if gpu.busy is not None else ""
    memory = f"{(gpu.total - gpu.free) / 1e9:.1f} of {gpu.total / 1e9:.0f} GB" if gpu.total else ""
    title = safe(f"{gpu.name.removeprefix('NVIDIA ') or 'GPU'} ({gpu.short_key})")
    return f"{title} {', '.join(filter(None, [busy, memory]))}" if busy or memory else ""


def headline(snapshot: Snapshot, status: Status, run: Run | None, theme: Theme, width: int) -> Text:
    """The model in its colour, recipe, seed, device and id, then the status; what doesn't fit `width` is left out.

    The status also explains an empty chart, so it is never left out.
    """
    version = version_in(snapshot.run_id)
    known = (run.model if run else None) or find_model(version)
    status_text = Text(f"{status_mark(status)} {doing(snapshot, status)}", status_colour(status, theme) or "dim")
    name = Text(f"{version} {known.title}" if known else version, f"bold {model_colour(version, theme)}")
    facts = [run.marked_recipe, f"seed {run.seed}" if run.seed is not None else "", run.device] if run else []
    line = name
    for fact in filter(None, [*facts, snapshot.run_id]):
        longer = Text.assemble(line, (f" · {fact}", "not bold"))
        if longer.cell_len + 3 + status_text.cell_len <= width:
            line = longer
    whole = Text.assemble(line, " ─ ", status_text)
    return whole if whole.cell_len <= width else Text.assemble((version, name.style), " ", status_text)


def doing(snapshot: Snapshot, status: Status) -> str:
    """The status, or what a running run does: "running, stopping after this epoch"."""
    if status is Status.LOADING:
        return READING
    if status is Status.INTERRUPTED:
        return f"{status}: r resumes it"
    end = snapshot.finished
    if status is Status.FINISHED and end and (end.reason == "stopped" or snapshot.early_stopped):
        return snapshot.ending
    text = snapshot.stage if status is Status.RUNNING and snapshot.stage else str(status)
    stopping = _STOPPING.get(snapshot.stopping, "stopping") if snapshot.stopping and status.has_trainer else ""
    return ", ".join(filter(None, [text, stopping]))
