"""What NVIDIA's driver reports of its GPUs, through its library NVML. A broken driver may hang."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fmnist_tui.host.cuda_visible import Card
from fmnist_tui.host.device_files import is_refused
from fmnist_tui.host.gpu import Gpu
from fmnist_tui.host.gpu_processes import gpu_process

LIBRARY = "libnvidia-ml.so.1"


class NvmlFault(Exception):
    """NVML can't be used; the text is its own word for why."""


def read_cards(devices: Path, proc: Path) -> tuple[str, list[Card]]:
    """The driver's version, and the GPUs that this user may open, in the driver's order.

    Args:
        devices: The folder /dev.
        proc: The folder /proc.

    Raises:
        NvmlFault: There is no driver, or it doesn't work.
    """
    with _initialised() as nvml:
        driver = _text(_ask(nvml, "nvmlSystemGetDriverVersion"))
        handles = [_ask(nvml, "nvmlDeviceGetHandleByIndex", index) for index in range(nvml.nvmlDeviceGetCount())]
        cards = [_card(nvml, handle, devices, proc) for handle in handles if handle is not None]
        return driver, [card for card in cards if card]


@contextmanager
def _initialised() -> Iterator[Any]:
    """The module pynvml, while NVML is in use."""
    try:
        nvml = importlib.import_module("pynvml")
    except ImportError:
        raise NvmlFault("nvidia-ml-py isn't installed") from None
    try:
        nvml.nvmlInit()
        try:
            yield nvml
        finally:
            nvml.nvmlShutdown()
    except nvml.NVMLError as error:
        raise NvmlFault(str(error)) from None


def _ask(nvml: Any, function: str, *arguments: Any, **options: Any) -> Any:
    """What a function returns, or None where this driver, GPU or user can't have it."""
    try:
        return getattr(nvml, function)(*arguments, **options)
    except (nvml.NVMLError, AttributeError, UnicodeDecodeError):  # an older pynvml lacks functions
        return None


def _card(nvml: Any, handle: Any, devices: Path, proc: Path) -> Card | None:
    """The GPU, or None where it can't be opened or identified: the device cgroup of a job, a GPU that fell off."""
    minor, uuid = _ask(nvml, "nvmlDeviceGetMinorNumber", handle), _text(_ask(nvml, "nvmlDeviceGetUUID", handle))
    if not uuid or (minor is not None and is_refused(devices / f"nvidia{minor}")):
        return None
    mode = _ask(nvml, "nvmlDeviceGetMigMode", handle)
    speed = _speed(nvml, handle)
    if not mode or not mode[0]:
        return Card(uuid, (_device(nvml, handle, uuid, speed, proc),), {})
    instances = dict(_instances(nvml, handle, uuid))
    names = {old: key for key, (_, old) in instances.items()}
    return Card(uuid, tuple(_device(nvml, one, key, speed, proc) for key, (one, _) in instances.items()), names)


def _instances(nvml: Any, handle: Any, uuid: str) -> Iterator[tuple[str, tuple[Any, str]]]:
    """Each MIG instance's UUID, with its handle and its name of the form that drivers before 470 used."""
    for index in range(_ask(nvml, "nvmlDeviceGetMaxMigDeviceCount", handle) or 0):
        instance = _ask(nvml, "nvmlDeviceGetMigDeviceHandleByIndex", handle, index)
        key = _text(_ask(nvml, "nvmlDeviceGetUUID", instance)) if instance is not None else ""
        if key:  # the numbers have gaps
            parts = (_ask(nvml, f"nvmlDeviceGet{part}InstanceId", instance) for part in ("Gpu", "Compute"))
            yield key, (instance, "/".join([f"MIG-{uuid}", *map(str, parts)]))


def _device(nvml: Any, handle: Any, key: str, speed: int, proc: Path) -> Gpu:
    total, free, used = _memory(nvml, handle)
    rates = _ask(nvml, "nvmlDeviceGetUtilizationRates", handle)
    computing, drawing = (_processes(nvml, handle, kind) for kind in ("Compute", "Graphics"))
    listed = drawing | computing
    processes = tuple(gpu_process(pid, held, proc) for pid, held in computing.items())
    # Where the driver doesn't report what a process holds, nothing can be called unlisted.
    unlisted = 0 if None in listed.values() else max(0, used - sum(held or 0 for held in listed.values()))
    name = _text(_ask(nvml, "nvmlDeviceGetName", handle))
    busy = None if rates is None else rates.gpu
    return Gpu(key, 0, name, total, free, busy, processes, len(drawing), unlisted, speed)


def _memory(nvml: Any, handle: Any) -> tuple[int, int, int]:
    """Bytes in all, free, and in use by processes; the last is 0 where the driver mixes it with what it reserves."""
    version = getattr(nvml, "nvmlMemory_v2", None)
    if version and (memory := _ask(nvml, "nvmlDeviceGetMemoryInfo", handle, version=version)):
        return memory.total, memory.free, memory.used
    memory = _ask(nvml, "nvmlDeviceGetMemoryInfo", handle)  # drivers before 510
    return (memory.total, memory.free, 0) if memory else (0, 0, 0)


def _processes(nvml: Any, handle: Any, kind: str) -> dict[int, int | None]:
    """The processes of a kind ("Compute", "Graphics"), with the bytes that each holds, or None."""
    for version in ("_v3", "_v2"):
        processes = _ask(nvml, f"nvmlDeviceGet{kind}RunningProcesses{version}", handle)
        if processes is not None:
            return {process.pid: process.usedGpuMemory for process in processes}
    return {}


def _speed(nvml: Any, handle: Any) -> int:
    cores = _ask(nvml, "nvmlDeviceGetNumGpuCores", handle)
    clock = _ask(nvml, "nvmlDeviceGetMaxClockInfo", handle, getattr(nvml, "NVML_CLOCK_SM", 1))
    return (cores or 0) * (clock or 0)


def _text(value: Any) -> str:
    """Older modules of this name return bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""
