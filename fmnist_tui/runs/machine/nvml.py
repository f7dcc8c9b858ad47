"""NVIDIA's GPUs, by the driver's own library (NVML). Run as a program, since a broken driver may hang."""

from __future__ import annotations

import ctypes
import json
import sys
from dataclasses import asdict, dataclass
from typing import Any

LIBRARY = "libnvidia-ml.so.1"
_NAME_LENGTH = 96


@dataclass(frozen=True)
class Gpu:
    """One GPU as the driver sees it.

    Attributes:
        name: What its maker calls it.
        total: Bytes of memory; 0 where the driver doesn't tell.
        free: Bytes of memory that nobody uses.
        busy: Percent of the last moments in which it worked, or None where the driver doesn't tell.
    """

    name: str
    total: int
    free: int
    busy: int | None


class GpuError(Exception):
    """The driver doesn't work; the text is its own word for it."""


class _Memory(ctypes.Structure):
    _fields_ = [("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong)]


class _Utilization(ctypes.Structure):
    _fields_ = [("gpu", ctypes.c_uint), ("memory", ctypes.c_uint)]


def read_gpus(library: Any) -> tuple[str, list[Gpu]]:
    """The driver's version and its GPUs.

    Args:
        library: `ctypes.CDLL(LIBRARY)`.

    Raises:
        GpuError: The driver doesn't work, or doesn't fit its library.
    """
    _check(library, library.nvmlInit_v2())
    try:
        version = ctypes.create_string_buffer(_NAME_LENGTH)
        _check(library, library.nvmlSystemGetDriverVersion(version, ctypes.c_uint(_NAME_LENGTH)))
        count = ctypes.c_uint()
        _check(library, library.nvmlDeviceGetCount_v2(ctypes.byref(count)))
        return version.value.decode("utf-8", "replace"), [_read(library, index) for index in range(count.value)]
    finally:
        library.nvmlShutdown()


def _read(library: Any, index: int) -> Gpu:
    handle, name = ctypes.c_void_p(), ctypes.create_string_buffer(_NAME_LENGTH)
    memory, use = _Memory(), _Utilization()
    _check(library, library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(handle)))
    _check(library, library.nvmlDeviceGetName(handle, name, ctypes.c_uint(_NAME_LENGTH)))
    library.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory))  # stays 0 where it isn't told
    told = library.nvmlDeviceGetUtilizationRates(handle, ctypes.byref(use)) == 0
    return Gpu(name.value.decode("utf-8", "replace"), memory.total, memory.free, use.gpu if told else None)


def _check(library: Any, status: int) -> None:
    if status != 0:
        library.nvmlErrorString.restype = ctypes.c_char_p
        raise GpuError((library.nvmlErrorString(status) or b"").decode("utf-8", "replace") or f"NVML error {status}")


def main() -> None:
    """Prints what there is as JSON."""
    try:
        driver, gpus = read_gpus(ctypes.CDLL(LIBRARY))
        report = {"driver": driver, "gpus": [asdict(gpu) for gpu in gpus]}
    except (GpuError, OSError, AttributeError) as error:  # an old driver's library lacks functions
        report = {"error": str(error)}
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
