from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fmnist_tui.doctor.devices import cpu_check, device_names, expects_gpu, gpu_check, query_gpus_of
from fmnist_tui.host.gpu import Gpu, GpuProcess
from fmnist_tui.host.gpu_sources import LIBRARY
from fmnist_tui.host.gpus import GpuReport
from fmnist_tui.host.machine import Check, CheckState
from fmnist_tui.host.processes import CommandResult

from .conftest import Make
from .machines import gpus_reported


def test_the_cpus_are_counted_and_named(make: Make) -> None:
    assert cpu_check(make()) == Check("cpu", CheckState.OK, "2 CPUs, AMD EPYC")
    assert cpu_check(make(cpus=(1, 1))).message == "1 CPU, AMD EPYC"


def test_cpus_that_may_not_be_used_are_reported(make: Make) -> None:
    assert cpu_check(make(cpus=(4, 64))).message == "4 of 64 CPUs available, AMD EPYC"


def test_a_processor_without_a_name_is_named_by_its_kind(make: Make) -> None:
    assert cpu_check(make(files={"proc/cpuinfo": "CPU implementer\t: 0x41\n"})).message == "2 CPUs, x86_64"


def test_a_mac_is_asked_for_its_processor(make: Make) -> None:
    answers = {"sysctl": CommandResult(0, "Apple M3\n")}
    assert cpu_check(make(system="Darwin", answers=answers)).message == "2 CPUs, Apple M3"
    assert cpu_check(make(system="Darwin")).message == "2 CPUs, x86_64"


def gpu(number: int = 0, **differing: Any) -> Gpu:
    key = f"GPU-{number}f3a9c01-7d1e-4c43-b4a1-4a7f6c1d0a11"
    return replace(Gpu(key, number, "NVIDIA H100", 85_000_000_000, 80_500_000_000, 0), **differing)


FULL = {"free": 400_000_000, "busy": 99}
ALICE = GpuProcess(41, "alice", "python", 12_300_000_000)


def test_gpus_are_listed_with_their_uuid_and_memory() -> None:
    report = GpuReport((gpu(0), gpu(1, busy=None)), driver="550.54")
    assert gpu_check(report) == Check(
        "gpu",
        CheckState.OK,
        "2 GPUs, driver 550.54; cuda:0 NVIDIA H100 GPU-0f3a9c01 (80.5 GB of 85.0 GB free, 0% busy); "
        "cuda:1 NVIDIA H100 GPU-1f3a9c01 (80.5 GB of 85.0 GB free)",
    )
    assert expects_gpu(report)


def test_who_else_uses_a_gpu_is_shown_and_a_note_where_all_are_used() -> None:
    used = gpu(0, processes=(ALICE,))
    row = gpu_check(GpuReport((used, gpu(1)), driver="550"))
    assert row.state is CheckState.OK
    assert (
        "cuda:0 NVIDIA H100 GPU-0f3a9c01 (80.5 GB of 85.0 GB free, 0% busy, used by alice: python (12.3 GB))"
        in row.message
    )
    assert gpu_check(GpuReport((used,), driver="550")).state is CheckState.NOTE


def test_instances_are_listed_as_devices() -> None:
    instance = gpu(0, key="MIG-5f3a9c01-7d1e-4c43-b4a1-4a7f6c1d0a11", name="NVIDIA H100 MIG 1g.10gb", busy=None)
    row = gpu_check(GpuReport((instance,), driver="550"))
    assert "cuda:0 NVIDIA H100 MIG 1g.10gb MIG-5f3a9c01 (80.5 GB" in row.message


def test_what_the_environment_hides_is_shown() -> None:
    row = gpu_check(GpuReport((gpu(1, index=0),), (gpu(0),), "550"), "1")
    assert row.state is CheckState.OK
    assert row.message.endswith("; CUDA_VISIBLE_DEVICES=1 hides NVIDIA H100 GPU-0f3a9c01")
    report = GpuReport((), (gpu(0), gpu(1)), "550")
    row = gpu_check(report, "-1")
    assert row.state is CheckState.NOTE
    assert row.message.startswith("0 GPUs, driver 550; CUDA_VISIBLE_DEVICES=-1 hides NVIDIA H100 GPU-0f3a9c01, NVIDIA")
    assert not expects_gpu(report)


def test_gpus_whose_memory_is_in_use_are_a_note_unless_one_is_free() -> None:
    full = gpu_check(GpuReport((gpu(0, **FULL), gpu(1, **FULL)), driver="1"))
    assert full.state is CheckState.NOTE
    assert "--device cpu" in full.advice
    assert gpu_check(GpuReport((gpu(0, **FULL), gpu(1)), driver="1")).state is CheckState.OK


def test_memory_that_the_driver_does_not_report_is_not_called_full() -> None:
    row = gpu_check(GpuReport((gpu(total=0, free=0, busy=None),), driver="1"))
    assert (row.state, row.message) == (CheckState.OK, "1 GPU, driver 1; cuda:0 NVIDIA H100 GPU-0f3a9c01")


def test_a_driver_that_was_updated_while_in_use_asks_for_a_reboot() -> None:
    report = GpuReport(fault="RM has detected an NVML/RM version mismatch.")
    row = gpu_check(report)
    assert (row.state, row.message) == (
        CheckState.PROBLEM,
        "NVIDIA's driver doesn't work: RM has detected an NVML/RM version mismatch.",
    )
    assert "reboot" in row.advice
    assert expects_gpu(report)


def test_a_library_without_a_driver_is_no_problem() -> None:
    report = GpuReport(fault="Driver Not Loaded")
    assert gpu_check(report).state is CheckState.NOTE
    assert not expects_gpu(report)
    assert not expects_gpu(GpuReport(driver="1"))


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (CommandResult(None, errors="no answer within 5 s"), "no answer within 5 s"),
        (CommandResult(-11), "NVML crashes its process (status -11)"),
        (CommandResult(1, "", "Traceback\nOSError: libnvidia-ml.so.1: wrong ELF class\n"), "wrong ELF class"),
    ],
)
def test_a_driver_that_hangs_or_crashes_is_one_line(make: Make, result: CommandResult, why: str) -> None:
    report = query_gpus_of(make(libraries=[LIBRARY], answers={"host.gpus": result}))
    row = gpu_check(report)
    assert row.state is CheckState.PROBLEM
    assert row.message.endswith(why)
    assert "\n" not in row.message + row.advice
    assert expects_gpu(report)


def test_devices_are_called_by_the_names_that_a_process_here_gives_them(make: Make) -> None:
    report = gpus_reported(visible=(gpu(3, index=0), gpu(1, name="")), hidden=(gpu(0),), driver="550")
    machine = make(libraries=[LIBRARY], answers={"host.gpus": report})
    assert device_names(machine) == {"cpu": "2 CPUs, AMD EPYC", "cuda:0": "NVIDIA H100", "cuda:1": gpu(1).key}
    assert device_names(make()) == {"cpu": "2 CPUs, AMD EPYC"}
