"""GPUs asked for in a process of its own: a driver may hang, crash, or print."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from fmnist_tui.host.gpu import Gpu
from fmnist_tui.host.gpus import GpuReport, query, query_gpus, report_of
from fmnist_tui.host.processes import CommandResult

PATIENCE = 30.0

NO_REPORTS = [
    "",
    "no JSON",
    "[1]",
    '{"visible": 3}',
    '{"visible": [{"key": 1}]}',
    pytest.param("[" * 50_000, id="deep"),
]

DRIVER = """
import os, time
class NVMLError(Exception): pass
def nvmlInit(): {init}
def nvmlShutdown(): pass
def nvmlDeviceGetCount(): return 2
def nvmlDeviceGetHandleByIndex(index): return index
def nvmlDeviceGetUUID(index): return f"GPU-{{index}}"
def nvmlDeviceGetName(index): return "NVIDIA H200"
"""


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where to write the module that stands for the driver's."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tmp_path / "pynvml.py"


def test_the_process_sees_what_this_one_would(driver: Path) -> None:
    driver.write_text(DRIVER.format(init="print('noise')"))
    assert [(gpu.index, gpu.key, gpu.name) for gpu in query_gpus({}, PATIENCE)] == [
        (0, "GPU-0", "NVIDIA H200"),
        (1, "GPU-1", "NVIDIA H200"),
    ]


def test_it_is_asked_about_the_given_environment_alone(driver: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver.write_text(DRIVER.format(init="pass"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert [gpu.key for gpu in query_gpus({"CUDA_VISIBLE_DEVICES": "GPU-1"}, PATIENCE)] == ["GPU-1"]
    assert len(query_gpus({}, PATIENCE)) == 2
    assert [gpu.key for gpu in query_gpus(seconds=PATIENCE)] == ["GPU-0"]


def test_a_driver_that_hangs_is_given_up(driver: Path) -> None:
    driver.write_text(DRIVER.format(init="time.sleep(60)"))
    before = time.monotonic()
    report = query({}, seconds=1.0)
    assert time.monotonic() - before < PATIENCE
    assert (report.fault, report.driver) == ("no answer within 1 s", "")


def test_a_driver_that_crashes_takes_nobody_along(driver: Path) -> None:
    driver.write_text(DRIVER.format(init="os.abort()"))
    assert query({}, PATIENCE).fault == "NVML crashes its process (status -6)"


def test_of_a_driver_that_hangs_the_device_files_are_known() -> None:
    known = json.dumps(asdict(GpuReport((Gpu("GPU-5", 0, ""),))))
    report = report_of(CommandResult(None, f'{known}\n{{"visible": [{{"ke', "no answer within 5 s"), {})
    assert ([gpu.key for gpu in report.visible], report.fault) == (["GPU-5"], "no answer within 5 s")


@pytest.mark.parametrize(
    "output",
    ["", "no JSON", "[1]", '{"visible": 3}', '{"visible": [{"key": 1}]}', pytest.param("[" * 50_000, id="deep")],
)
def test_what_is_no_report_is_none(output: str) -> None:
    report = report_of(CommandResult(1, output, "Traceback\nImportError: broken\n"), {})
    assert (report.driver, report.fault) == ("", "ImportError: broken")
