"""A stand-in for the module pynvml: any number of GPUs, MIG, processes, and a driver's faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pynvml

Processes = Mapping[int, int | None]


def uuid(number: int) -> str:
    """A GPU's UUID: its first digits are its number twice, so that GPU 0 and GPU 1 differ from the first digit on."""
    return f"GPU-{number}{number}000000-1111-2222-3333-444444444444"


def mig_uuid(number: int) -> str:
    return f"MIG-{number}{number}000000-aaaa-bbbb-cccc-dddddddddddd"


@dataclass
class FakeGpu:
    """A GPU or a MIG instance; a function in `refused` raises NVMLError_NotSupported, as some GPUs do."""

    uuid: str
    name: str = "NVIDIA H200"
    minor: int = 0
    total: int = 141_000_000_000
    used: int = 0
    reserved: int = 1_000_000_000
    busy: int = 0
    compute: Processes = field(default_factory=dict)
    graphics: Processes = field(default_factory=dict)
    instances: Sequence[FakeGpu | None] | None = None
    ids: tuple[int, int] = (0, 0)
    cores: int = 16_896
    refused: Sequence[str] = ()


def gpus(count: int, **differing: Any) -> list[FakeGpu]:
    """GPUs of one kind, their device files numbered as they are."""
    return [FakeGpu(uuid(number), minor=number, **differing) for number in range(count)]


class FakeNvml:
    """The functions that are used; `refused` are missing from this driver, `init` is what nvmlInit raises."""

    NVMLError = pynvml.NVMLError
    NVML_CLOCK_SM = 1
    nvmlMemory_v2 = pynvml.nvmlMemory_v2  # noqa: N815

    def __init__(
        self, gpus: Sequence[FakeGpu | Exception] = (), *, init: Exception | None = None, refused: Sequence[str] = ()
    ) -> None:
        self.gpus, self.init, self.refused, self.open = gpus, init, refused, 0

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("nvmlDevice") and name in self.refused:
            raise pynvml.NVMLError_FunctionNotFound
        return super().__getattribute__(name)

    def nvmlInit(self) -> None:  # noqa: N802
        if self.init:
            raise self.init
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open -= 1

    def nvmlSystemGetDriverVersion(self) -> str:  # noqa: N802
        return "570.86"

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> FakeGpu:  # noqa: N802
        gpu = self.gpus[index]
        if isinstance(gpu, Exception):
            raise gpu
        return gpu

    def nvmlDeviceGetHandleByUUID(self, key: str) -> FakeGpu:  # noqa: N802
        found = [gpu for gpu in self.gpus if isinstance(gpu, FakeGpu) and gpu.uuid == key]
        if not found:
            raise pynvml.NVMLError_NotFound
        return found[0]

    def nvmlDeviceGetUUID(self, gpu: FakeGpu) -> str:  # noqa: N802
        return gpu.uuid

    def nvmlDeviceGetName(self, gpu: FakeGpu) -> str:  # noqa: N802
        return gpu.name

    def nvmlDeviceGetMinorNumber(self, gpu: FakeGpu) -> int:  # noqa: N802
        return gpu.minor

    def nvmlDeviceGetMemoryInfo(self, gpu: FakeGpu, version: int | None = None) -> Any:  # noqa: N802
        _check(gpu, "memory")
        if version and "memory v2" in self.refused:
            raise pynvml.NVMLError_FunctionNotFound
        used = gpu.used if version else gpu.used + gpu.reserved
        return SimpleNamespace(total=gpu.total, free=gpu.total - gpu.used - gpu.reserved, used=used)

    def nvmlDeviceGetUtilizationRates(self, gpu: FakeGpu) -> Any:  # noqa: N802
        _check(gpu, "busy")
        return SimpleNamespace(gpu=gpu.busy, memory=0)

    def nvmlDeviceGetComputeRunningProcesses_v3(self, gpu: FakeGpu) -> list[Any]:  # noqa: N802
        _check(gpu, "processes")
        return _processes(gpu.compute)

    nvmlDeviceGetComputeRunningProcesses_v2 = nvmlDeviceGetComputeRunningProcesses_v3  # noqa: N815

    def nvmlDeviceGetGraphicsRunningProcesses_v3(self, gpu: FakeGpu) -> list[Any]:  # noqa: N802
        _check(gpu, "processes")
        return _processes(gpu.graphics)

    nvmlDeviceGetGraphicsRunningProcesses_v2 = nvmlDeviceGetGraphicsRunningProcesses_v3  # noqa: N815

    def nvmlDeviceGetMigMode(self, gpu: FakeGpu) -> list[int]:  # noqa: N802
        _check(gpu, "mig")
        return [int(gpu.instances is not None)] * 2

    def nvmlDeviceGetMaxMigDeviceCount(self, gpu: FakeGpu) -> int:  # noqa: N802
        return len(gpu.instances or ())

    def nvmlDeviceGetMigDeviceHandleByIndex(self, gpu: FakeGpu, index: int) -> FakeGpu:  # noqa: N802
        instance = (gpu.instances or ())[index]
        if instance is None:
            raise pynvml.NVMLError_NotFound
        return instance

    def nvmlDeviceGetGpuInstanceId(self, instance: FakeGpu) -> int:  # noqa: N802
        return instance.ids[0]

    def nvmlDeviceGetComputeInstanceId(self, instance: FakeGpu) -> int:  # noqa: N802
        return instance.ids[1]

    def nvmlDeviceGetNumGpuCores(self, gpu: FakeGpu) -> int:  # noqa: N802
        _check(gpu, "cores")
        return gpu.cores

    def nvmlDeviceGetMaxClockInfo(self, gpu: FakeGpu, _kind: int) -> int:  # noqa: N802
        return 1980


def _check(gpu: FakeGpu, what: str) -> None:
    if what in gpu.refused:
        raise pynvml.NVMLError_NotSupported


def _processes(processes: Processes) -> list[Any]:
    return [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in processes.items()]
