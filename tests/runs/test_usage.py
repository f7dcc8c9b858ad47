from __future__ import annotations

import pytest
from fmnist_tui.runs.gpu_probe import GpuProbe
from fmnist_tui.runs.machine.nvml import Gpu

from fmnist_tui.files import write_json
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.lock import beat_once
from fmnist_tui.runs.usage import UsageProbe

from .trainers import change

GPU = Gpu("H200", 140_000_000_000, 100_000_000_000, 93)


@pytest.mark.parametrize(("device", "gpus"), [("cuda:0", (GPU,)), ("cpu", ())])
def test_of_a_trainer_on_this_machine_its_memory_is_known_and_the_gpu_if_it_uses_one(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, device: str, gpus: tuple[Gpu, ...]
) -> None:
    monkeypatch.setattr(GpuProbe, "look", lambda probe: (GPU,))
    write_json(run.run_json, {"device": device})
    beat_once(run)
    usage = UsageProbe(run).look()
    assert usage
    assert usage.memory > 1_000_000
    assert usage.gpus == gpus


def test_of_a_trainer_on_another_machine_nothing_is_known(run: RunDirectory) -> None:
    beat_once(run)
    change(run.heartbeat, lambda beat: beat.update(host="another"))
    assert UsageProbe(run).look() is None


def test_of_a_run_without_a_trainer_nothing_is_known(run: RunDirectory) -> None:
    assert UsageProbe(run).look() is None
