from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fmnist_tui.host.gpus import GpuReport, read_gpus

from .fake_nvml import FakeNvml

Use = Callable[[FakeNvml], Any]
See = Callable[..., GpuReport]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Puts a driver into this machine."""
    return lambda nvml: monkeypatch.setitem(sys.modules, "pynvml", nvml)


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """The folder that stands for /dev."""
    folder = tmp_path / "dev"
    folder.mkdir()
    return folder


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """The folder that stands for /proc."""
    folder = tmp_path / "proc"
    folder.mkdir()
    return folder


@pytest.fixture
def see(devices: Path, proc: Path) -> See:
    """What is reported of the GPUs of a machine, to a process with these settings of CUDA."""
    return lambda **environ: read_gpus(environ, devices, proc)
