"""The probe as a process of its own, with a PyTorch that the test put together."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from fmnist_tui.doctor.packages import TORCH_PROBE
from fmnist_tui.host.processes import RunningCommand

PATIENCE = 60.0

FAKE = """
print("noise")

class Anything:
    def __init__(self, **parts):
        self.__dict__.update(parts)

class Ones:
    def add(self, _): return self
    def item(self):
        {item}
        return 2.0

__version__ = "2.13.0"
version = Anything(cuda={cuda!r}, hip={hip!r})
backends = Anything(mps=Anything(is_available=lambda: {mps}))
cuda = Anything(get_device_name=lambda _: "NVIDIA H100")
def ones(_, device): return Ones()
"""


@pytest.fixture
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the probe reports of a fake PyTorch."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def run(cuda: str | None = None, hip: str | None = None, *, mps: bool = False, item: str = "pass") -> Any:
        (tmp_path / "torch.py").write_text(FAKE.format(cuda=cuda, hip=hip, mps=mps, item=item))
        process = RunningCommand(TORCH_PROBE)
        try:
            return process.result(PATIENCE).report()
        finally:
            process.close()

    return run


def test_a_cpu_build_has_no_gpu_to_try(probe: Any) -> None:
    assert probe() == {"version": "2.13.0", "build": "", "gpu": "", "why_not": ""}


def test_a_gpu_is_tried_before_it_is_named(probe: Any) -> None:
    assert probe("12.6")["gpu"] == "cuda:0 NVIDIA H100"
    report = probe("12.6", item="raise RuntimeError('CUDA error: no kernel image')")
    assert (report["build"], report["gpu"], report["why_not"]) == ("CUDA 12.6", "", "CUDA error: no kernel image")


def test_other_makers_count(probe: Any) -> None:
    assert probe(hip="6.2")["build"] == "ROCm 6.2"
    assert probe(mps=True)["gpu"] == "mps"


def test_a_crash_leaves_no_report(probe: Any) -> None:
    assert probe("12.6", item="import os; os.abort()") is None


def test_it_is_asked_with_our_own_python() -> None:
    assert TORCH_PROBE[0] == sys.executable
