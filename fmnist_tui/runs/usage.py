"""What a trainer uses of its machine, and how long the run will still take."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fmnist_tui.host.gpu import Gpu
from fmnist_tui.host.gpus import GpuProbe
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.fold import Snapshot
from fmnist_tui.runs.heartbeat import read_heartbeat
from fmnist_tui.runs.manifest import read_manifest

if TYPE_CHECKING:
    import psutil


@dataclass(frozen=True)
class Usage:
    """The usage at one moment.

    Attributes:
        cpu: CPUs that the trainer keeps busy: 2.0 for two.
        memory: Bytes of resident memory of the trainer.
        machine_cpu: Fraction of all CPUs that is busy, 0 to 1.
        machine_memory: Fraction of the memory that is in use, 0 to 1.
        gpu: The GPU that the trainer uses; None if it uses none, or that can't be determined.
    """

    cpu: float
    memory: int
    machine_cpu: float
    machine_memory: float
    gpu: Gpu | None = None


class UsageProbe:
    """Measures what one run's trainer uses, each time since the measurement before."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._process: psutil.Process | None = None
        self._environ: Mapping[str, str] | None = None
        self._gpus = GpuProbe()

    def look(self) -> Usage | None:
        """The usage now; None if the trainer is on another machine or gone."""
        import psutil

        beat = read_heartbeat(self._run)
        if beat is None or not beat.is_from_here or not beat.pid:
            return None
        pid = beat.pid
        try:
            if self._process is None or self._process.pid != pid:
                self._process = psutil.Process(pid)
                self._environ = _environment(self._process)
            cpu = self._process.cpu_percent() / 100
            memory = self._process.memory_info().rss
        except (psutil.Error, ValueError):
            return None
        machine = psutil.cpu_percent() / 100, psutil.virtual_memory().percent / 100
        return Usage(cpu, memory, *machine, self._gpu(pid, read_manifest(self._run).device))

    def _gpu(self, pid: int, device: str) -> Gpu | None:
        """The GPU that the process computes on: by the driver's list, else by what `cuda:N` means in that process."""
        kind, _, index = device.partition(":")
        if kind != "cuda":
            return None
        report = self._gpus.latest(os.environ if self._environ is None else self._environ)
        everything = (*report.visible, *report.hidden)
        listed = [gpu for gpu in everything if pid in {process.pid for process in gpu.processes}]
        if listed or self._environ is None:
            return listed[0] if listed else None
        position = int(index) if index.isdecimal() else 0
        return report.visible[position] if position < len(report.visible) else None


def _environment(process: psutil.Process) -> Mapping[str, str] | None:
    """The environment that a process was started with, or None if it may not be read (another user's)."""
    import psutil

    if process.pid == os.getpid():
        return os.environ
    try:
        environ: Mapping[str, str] = process.environ()
    except (psutil.Error, OSError):
        return None
    return environ


_WARM_UP = 3
"""Log intervals left out after each start of a trainer: caches and threads are cold."""
_RECENT = 100


def seconds_left(snapshot: Snapshot) -> float | None:
    """Seconds until the last epoch, or the last one before a stop, is validated; None where that isn't known.

    Remaining steps times the median time of recent steps, plus the mean time of a validation for each remaining epoch.
    The final scoring (the time of a few validations) is left out.
    """
    if snapshot.started is None or snapshot.finished is not None:
        return None
    seconds_per_step = _seconds_per_step(snapshot)
    if seconds_per_step is None:
        return None
    validations = [epoch.validation_seconds for epoch in snapshot.epochs]
    validation = sum(validations) / len(validations) if validations else 0.0
    per_epoch = max(1, snapshot.started.steps_per_epoch)
    last = math.ceil(snapshot.step / per_epoch) if snapshot.stopping else snapshot.started.epochs
    steps = max(0, last * per_epoch - snapshot.step)
    return steps * seconds_per_step + max(0, last - len(snapshot.epochs)) * validation


def _seconds_per_step(snapshot: Snapshot) -> float | None:
    """The median over recent log intervals, so that a pause or a validation between two of them has no effect."""
    curve = snapshot.curve
    first = int(np.searchsorted(curve.step, snapshot.resumed_at_step, side="right")) + _WARM_UP
    times, steps = curve.time[first:][-_RECENT:], curve.step[first:][-_RECENT:]
    if len(times) < 2:
        return None
    apart = max(1, len(times) // 10)  # the log's clock is too coarse for neighbours
    return float(np.median((times[apart:] - times[:-apart]) / (steps[apart:] - steps[:-apart])))
