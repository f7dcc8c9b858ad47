"""NVIDIA GPUs as the driver reports them through NVML, or, if NVML doesn't work, by their device files."""

from __future__ import annotations

import errno
import importlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fmnist_tui.host.cuda_visible import Card
from fmnist_tui.host.gpu import Gpu, gpu_process

_REFUSED = {errno.EPERM, errno.EACCES, errno.ENODEV, errno.ENXIO, errno.EIO}


def device_file_cards(devices: Path, proc: Path | None, *, opened: bool = True) -> list[Card]:
    """The GPUs whose device files this user may open; their numbers may have gaps (in a container).

    Below /proc, the driver may report their PCI bus addresses, which decide the order, their UUIDs and names.

    Args:
        devices: The folder /dev.
        proc: The folder /proc, or None to use the numbers alone.
        opened: Whether to try to open the files, which starts the driver; if not, all that exist are reported.
    """
    try:
        names = os.listdir(devices)  # noqa: PTH208
    except OSError:
        return []
    minors = [int(found[1]) for name in names if (found := re.fullmatch(r"nvidia([0-9]{1,9})", name))]
    known = _driver_information(proc) if proc else {}
    bus = {minor: known[minor][0] for minor in minors} if known.keys() >= set(minors) else {}
    cards = []
    for minor in sorted(minors, key=lambda minor: (bus.get(minor, ""), minor)):
        if not (opened and is_refused(devices / f"nvidia{minor}")):
            _, uuid, name = known.get(minor, ("", "", ""))
            cards.append(Card(uuid, (Gpu(uuid or f"nvidia{minor}", 0, name),), {}))
    return cards


def is_refused(path: Path) -> bool:
    """Whether a device file exists but can't be opened: the job has another GPU, or the driver isn't loaded."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        return error.errno in _REFUSED
    return False


def _driver_information(proc: Path) -> dict[int, tuple[str, str, str]]:
    """PCI bus address, UUID and name, by the number of the device file."""
    known = {}
    for path in proc.glob("driver/nvidia/gpus/*/information"):
        try:
            text = path.read_text("utf-8", "replace")
        except OSError:
            continue
        fields = dict(re.findall(r"^([^:\n]+):[ \t]*(.*?)[ \t]*$", text, re.MULTILINE))
        if fields.get("Device Minor", "").isdecimal():
            uuid = fields.get("GPU UUID", "")
            complete = re.fullmatch(r"GPU-[0-9a-fA-F-]{36}", uuid)  # question marks until the GPU is first used
            known[int(fields["Device Minor"])] = (path.parent.name, uuid if complete else "", fields.get("Model", ""))
    return known


LIBRARY = "libnvidia-ml.so.1"


class NvmlFault(Exception):
    """NVML can't be used; the text is its own error message."""


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
    """The module pynvml, with NVML initialised."""
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


@dataclass(frozen=True)
class GpuLoad:
    """What a GPU does.

    Attributes:
        busy: Recent utilisation in percent, or None if the driver doesn't report it (of a MIG instance, for one).
        used: Bytes of memory in use.
        total: Bytes of memory; 0 if the driver doesn't report them.
    """

    busy: int | None
    used: int
    total: int


class GpuMeter:
    """Asks NVML about one GPU again and again from this process, which takes less than a millisecond.

    A broken driver may hang its caller: use it only after `gpus.query` has worked.
    """

    def __init__(self, key: str) -> None:
        """Opens NVML; a GPU that can't be found has no load.

        Args:
            key: Its UUID, or that of a MIG instance.
        """
        self._nvml: Any = None
        self._handle: Any = None
        with suppress(ImportError):
            self._nvml = importlib.import_module("pynvml")
        if self._nvml is not None:
            try:
                self._nvml.nvmlInit()
            except self._nvml.NVMLError:
                self._nvml = None
            else:
                self._handle = _ask(self._nvml, "nvmlDeviceGetHandleByUUID", key)

    def read(self) -> GpuLoad | None:
        """The load now; None where it isn't known."""
        if self._handle is None:
            return None
        rates = _ask(self._nvml, "nvmlDeviceGetUtilizationRates", self._handle)
        total, free, _ = _memory(self._nvml, self._handle)
        return GpuLoad(None if rates is None else rates.gpu, total - free, total) if rates or total else None

    def close(self) -> None:
        """Closes NVML."""
        if self._nvml is not None:
            with suppress(self._nvml.NVMLError):
                self._nvml.nvmlShutdown()
        self._nvml = self._handle = None


def _ask(nvml: Any, function: str, *arguments: Any, **options: Any) -> Any:
    """The result of a function, or None if this driver, GPU or user doesn't support it."""
    try:
        return getattr(nvml, function)(*arguments, **options)
    except (nvml.NVMLError, AttributeError, UnicodeDecodeError):  # an older pynvml lacks functions
        return None


def _card(nvml: Any, handle: Any, devices: Path, proc: Path) -> Card | None:
    """The GPU, or None if it can't be opened (a job's device cgroup) or identified (a GPU that fell off the bus)."""
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
    """Each MIG instance's UUID, with its handle and its name in the form of drivers before 470."""
    for index in range(_ask(nvml, "nvmlDeviceGetMaxMigDeviceCount", handle) or 0):
        instance = _ask(nvml, "nvmlDeviceGetMigDeviceHandleByIndex", handle, index)
        key = _text(_ask(nvml, "nvmlDeviceGetUUID", instance)) if instance is not None else ""
        if key:  # the indices have gaps
            parts = (_ask(nvml, f"nvmlDeviceGet{part}InstanceId", instance) for part in ("Gpu", "Compute"))
            yield key, (instance, "/".join([f"MIG-{uuid}", *map(str, parts)]))


def _device(nvml: Any, handle: Any, key: str, speed: int, proc: Path) -> Gpu:
    total, free, used = _memory(nvml, handle)
    rates = _ask(nvml, "nvmlDeviceGetUtilizationRates", handle)
    computing, drawing = (_processes(nvml, handle, kind) for kind in ("Compute", "Graphics"))
    listed = drawing | computing
    processes = tuple(gpu_process(pid, held, proc) for pid, held in computing.items())
    # If the driver doesn't report a process's memory, none can be called unlisted.
    unlisted = 0 if None in listed.values() else max(0, used - sum(held or 0 for held in listed.values()))
    name = _text(_ask(nvml, "nvmlDeviceGetName", handle))
    busy = None if rates is None else rates.gpu
    return Gpu(key, 0, name, total, free, busy, processes, len(drawing), unlisted, speed)


def _memory(nvml: Any, handle: Any) -> tuple[int, int, int]:
    """Bytes in total, free, and used by processes; the last is 0 if the driver includes its own reserve in it."""
    version = getattr(nvml, "nvmlMemory_v2", None)
    if version and (memory := _ask(nvml, "nvmlDeviceGetMemoryInfo", handle, version=version)):
        return memory.total, memory.free, memory.used
    memory = _ask(nvml, "nvmlDeviceGetMemoryInfo", handle)  # drivers before 510
    return (memory.total, memory.free, 0) if memory else (0, 0, 0)


def _processes(nvml: Any, handle: Any, kind: str) -> dict[int, int | None]:
    """The ids of the processes of a kind ("Compute", "Graphics"), with the bytes that each uses, or None."""
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
    """The value as text; older versions of pynvml return bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""
