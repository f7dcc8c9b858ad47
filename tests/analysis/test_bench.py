from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import pytest

from fmnist_tui.analysis import bench as module
from fmnist_tui.analysis import bench as turns
from fmnist_tui.analysis.bench import InterleavedTask, bench, chosen_devices, devices_here, measure_rates
from fmnist_tui.analysis.gpu_busy import busy_seconds
from fmnist_tui.analysis.speed import Quartiles, Speed
from fmnist_tui.models.layers import layer_table
from fmnist_tui.models.registry import get_model
from fmnist_tui.training.config import ConfigError
from fmnist_tui.training.engine import Engine, GraphUse
from fmnist_tui.training.task import Task, make_engine


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CPU_SIDE", 64)
    monkeypatch.setattr(module, "BUILT_IN", ("v0", "v1"))
    monkeypatch.setattr(module, "COMMON_BATCH", 8)
    monkeypatch.setattr(turns, "ROUNDS", 2)


def test_each_version_is_measured_at_its_own_batch_size_and_the_common_one() -> None:
    reported: list[tuple[float, str]] = []
    found = bench(["cpu"], 1, 0.05, lambda *news: reported.append(news), {"cpu": "a CPU"}, images=40)
    assert [(speed.version, speed.device, speed.batch_size) for speed in found.speeds] == [
        ("v0", "cpu", 64),
        ("v0", "cpu", 8),
        ("v1", "cpu", 128),
        ("v1", "cpu", 8),
    ]
    assert [peak.device for peak in found.peaks] == ["cpu"]
    assert (found.machine, found.threads, found.data) == ({"cpu": "a CPU"}, 1, "40 random images")
    for speed in found.speeds:
        check(speed)
    fractions = [fraction for fraction, _ in reported]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0 < fractions[-1] < 1
    assert "v1 on cpu, batch 128" in {text for _, text in reported}


def test_a_gpu_is_measured_with_a_graph_and_without_and_how_busy_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine on the CPU stands for one on a GPU; a graph is possible for one of the batch sizes."""
    made: list[tuple[int, bool]] = []

    def pretend(task: Task, *, graph: bool = True) -> Engine:
        size = task.config.hyperparameters.batch_size
        made.append((size, graph))
        config = replace(task.config, device="cpu")
        engine = make_engine(replace(task, config=config))
        engine.graph = GraphUse(used=graph and size == 8, reason="too large")  # type: ignore[misc]
        return engine

    monkeypatch.setattr(module, "BUILT_IN", ("v1",))
    monkeypatch.setattr(module, "make_engine", pretend)
    monkeypatch.setattr(module, "_sizes", lambda _: [16, 8])
    monkeypatch.setattr(module, "products", lambda *_: lambda times: time.sleep(1e-4 * times))
    monkeypatch.setattr(module, "busy_seconds", lambda run: run(3) or 1e-4)
    found = bench(["cuda:0"], 1, 0.05, lambda *_: None, {}, images=40)
    assert [(speed.batch_size, speed.graph) for speed in found.speeds] == [(16, False), (8, False), (8, True)]
    assert found.skipped == {"CUDA graph of v1, batch 16,": "too large"}
    for speed in found.speeds:
        assert speed.busy_fraction == pytest.approx(0.1 / speed.milliseconds_per_step)
    assert made == [(128, False), (16, True), (8, True)]
    without = bench(["cuda:0"], 1, 0.05, lambda *_: None, {}, images=40, graph=False)
    assert [speed.graph for speed in without.speeds] == [False, False]


def test_a_gpu_is_busy_while_anything_runs_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert busy_seconds(lambda _: None) is None, "there is none"
    found = [profiled("CUDA", 5000, 7000), profiled("CUDA", 0, 2000), profiled("CUDA", 1000, 3000)]
    found += [profiled("CPU", 0, 90_000), profiled("CUDA", 0, 90_000, is_user_annotation=True)]
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.profiler.profile", lambda **_: nullcontext(SimpleNamespace(events=lambda: found)))
    steps: list[int] = []
    assert busy_seconds(steps.append) == pytest.approx(5e-3 / steps[0])
    found.clear()
    assert busy_seconds(steps.append) is None, "the profiler may not see the GPU"


def profiled(device: str, start: float, end: float, *, is_user_annotation: bool = False) -> SimpleNamespace:
    """An event of PyTorch's profiler, in microseconds."""
    kind, times = SimpleNamespace(name=device), SimpleNamespace(start=start, end=end)
    return SimpleNamespace(device_type=kind, time_range=times, is_user_annotation=is_user_annotation)


def check(speed: Speed) -> None:
    """Its figures are those of one measurement."""
    images = speed.images_per_second
    assert images.n == 2
    assert 0 < images.low <= images.median <= images.high
    assert speed.milliseconds_per_step == pytest.approx(1000 * speed.batch_size / images.median)
    assert speed.fraction_of_peak > 0


def test_without_pytorch_v0_alone_is_measured_and_the_others_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert devices_here() == ["cpu"]
    found = bench(devices_here(), 1, 0.01, lambda *news: None, {}, images=40)
    assert {speed.version for speed in found.speeds} == {"v0"}
    assert list(found.skipped) == ["v1"]
    assert found.skipped["v1"].startswith("PyTorch isn't installed; install it: pip install torch")
    with pytest.raises(ConfigError, match=r"PyTorch isn't installed; .* only --device cpu can be measured"):
        chosen_devices(["cuda"])
    assert chosen_devices(["cpu"]) == ["cpu"]


def test_devices_are_seen_to_be_there_before_anything_is_measured() -> None:
    assert chosen_devices(["cpu", "cpu"]) == ["cpu"]
    with pytest.raises(ConfigError, match="device cuda:77 is not available here"):
        chosen_devices(["cpu", "cuda:77"])
    with pytest.raises(ConfigError, match="invalid device 'tpu'"):
        chosen_devices(["tpu"])


def test_the_order_turns_from_round_to_round() -> None:
    done: list[str] = []
    tasks = [InterleavedTask(name, lambda _, name=name: done.append(name)) for name in "ab"]  # type: ignore[misc]
    found = measure_rates(tasks, 1e-9, lambda *news: None)
    in_rounds = "".join(done)[-8:]  # each twice: warmed up again, then counted
    assert in_rounds == "aabbbbaa"
    assert [len(of_one) for of_one in found] == [2, 2]


def test_a_spread_has_the_quartiles() -> None:
    assert Quartiles.of([5.0, 1.0, 2.0, 4.0, 3.0]) == Quartiles(3.0, 2.0, 4.0, 5)


def test_training_takes_three_forward_passes_but_for_the_gradients_of_the_pixels() -> None:
    v0, v3 = (layer_table(get_model(name)) for name in ("v0", "v3"))
    assert v0.training_macs == 2 * 266_200 + 31_000
    assert v3.training_macs == 3 * v3.macs - 64 * 28 * 28 * 9
