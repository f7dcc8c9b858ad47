"""What a trainer uses of its machine: measured, logged, and read again."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from fmnist_tui.host.gpu_sources import GpuLoad
from fmnist_tui.runs import resources
from fmnist_tui.runs.curve import ResourceCurve
from fmnist_tui.runs.event_log import Logged
from fmnist_tui.runs.fold import SnapshotFold
from fmnist_tui.runs.in_app import InAppRun
from fmnist_tui.runs.resources import ResourceMeter
from fmnist_tui.runs.run import read_run
from fmnist_tui.training.events import Event, Resources, Resumed, RunStarted
from fmnist_tui.training.recipes import configure

from .logs import STARTED, step
from .trainers import request


def test_a_meter_measures_the_process_and_the_machine_since_it_was_asked_last(monkeypatch: pytest.MonkeyPatch) -> None:
    meter = ResourceMeter()
    assert meter.sample() is None, "it isn't due"
    monkeypatch.setattr(resources, "RESOURCE_SECONDS", 0.05)
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    first = meter.sample()
    assert first
    assert 0 < first.process_cpus < 64
    assert 0 <= first.machine_cpu <= 1
    assert first.process_memory > 1_000_000
    assert (first.gpu, first.gpu_memory, first.gpu_memory_total) == (None, None, None)
    assert meter.sample() is None
    time.sleep(0.3)
    idle = meter.sample()
    assert idle
    assert idle.process_cpus < first.process_cpus


def test_on_a_gpu_its_load_is_measured_too(monkeypatch: pytest.MonkeyPatch) -> None:
    class Meter:
        def __init__(self, key: str) -> None:
            assert key == "GPU-1"

        def read(self) -> GpuLoad:
            return GpuLoad(87, 2_000, 10_000)

        def close(self) -> None:
            closed.append(True)

    closed: list[bool] = []
    monkeypatch.setattr(resources, "GpuMeter", Meter)
    monkeypatch.setattr(resources, "RESOURCE_SECONDS", 0.0)
    meter = ResourceMeter()
    meter.watch_gpu("GPU-1")
    used = meter.sample()
    assert used
    assert (used.gpu, used.gpu_memory, used.gpu_memory_total) == (0.87, 2_000, 10_000)
    meter.close()
    assert closed == [True]


def test_without_proc_psutil_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "RESOURCE_SECONDS", 0.0)
    monkeypatch.setattr(resources, "cpu_ticks", lambda: None)
    monkeypatch.setattr(resources, "resident_memory", lambda: None)
    used = ResourceMeter().sample()
    assert used
    assert used.process_memory > 1_000_000
    assert 0 <= used.machine_cpu <= 1


def test_a_trainer_logs_it_and_the_result_is_the_same(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = configure("v0", "tuned", {"epochs": 1}, limit=200, threads=1)
    plain = request(runs, tiny)
    InAppRun(plain).train()
    assert len(read_run(plain).curves.resources) == 0, "a run of a second has none"
    monkeypatch.setattr(resources, "RESOURCE_SECONDS", 0.0)
    measured = request(runs, tiny)
    InAppRun(measured).train()
    curve = read_run(measured).curves.resources
    assert len(curve) > 3
    assert (curve.process_memory > 0).all()
    assert math.isnan(curve.gpu[0])
    assert read_run(measured).status == "finished"
    assert plain.model.read_bytes() == measured.model.read_bytes()


def test_samples_stay_when_a_run_is_resumed_and_say_nothing_about_what_it_does() -> None:
    used = Resources(1.9, 400, 0.5)
    fold = SnapshotFold("v0-20260101-120000-00ff")
    log: list[Event] = [STARTED, step(5), used, step(10), used, Resumed(5, 4712)]
    for number, event in enumerate(log):
        fold.add(Logged(event, 1000.0 + number, number))
        assert not isinstance(fold.activity and fold.activity.event, Resources)
    assert fold.snapshot().resources == ((1002.0, used), (1004.0, used))
    assert isinstance(fold.snapshot().started, RunStarted)
    curve = ResourceCurve.of(fold.snapshot().resources)
    assert (curve.time.tolist(), curve.process_cpus.tolist()) == ([1002.0, 1004.0], [1.9, 1.9])
    assert len(ResourceCurve.of(())) == 0
