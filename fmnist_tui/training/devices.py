"""The device that PyTorch trains on. Run as a program, this module reports whether a device is available."""

from __future__ import annotations

import json
import sys
import warnings
from functools import cache

import torch

from fmnist_tui.training.config import ConfigError, NoDeviceError

_BF16_CAPABILITY = 8
_CONTEXT_BYTES = 600_000_000
"""What a process takes of a GPU before its first tensor: kernels and libraries."""


def resolve(wanted: str, free: str = "cuda:0") -> str:
    """The device for "auto" (CUDA, then MPS, then CPU), or `wanted` itself if it is available.

    Args:
        wanted: A device, as in `TrainingConfig`.
        free: The GPU to choose if any will do and this one exists.

    Raises:
        NoDeviceError: The device isn't available on this machine.
    """
    if wanted == "auto":
        return _best(free)
    if wanted == "cpu" or (wanted == "mps" and torch.backends.mps.is_available()):
        return wanted
    if wanted == "mps":
        raise NoDeviceError("device mps is not available here; use --device cpu or auto")
    return _any_gpu(free) if wanted == "cuda" and count_gpus()[0] else _cuda(wanted)


@cache
def count_gpus() -> tuple[int, str]:
    """The number of CUDA devices (in a ROCm build of PyTorch, of AMD's), and one line on why there are none, or "".

    Cached, since PyTorch warns about an unusable driver only once, in a paragraph whose first sentence is the reason.
    """
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    text = " ".join(str(warned[0].message).split()) if warned and not count else ""
    return count, text.partition(". ")[0][:200]


def check_precision(precision: str, device: str) -> None:
    """Raise ConfigError if the device, as `resolve` returned it, doesn't compute with this precision."""
    if precision != "bf16" or device == "cpu":
        return
    if device == "mps":
        raise ConfigError("device mps doesn't train in bf16: use --set precision=float32, or --device cpu")
    major, minor = torch.cuda.get_device_capability(device)
    if major < _BF16_CAPABILITY and torch.version.hip is None:
        why = f"{gpu_name(device)} has compute capability {major}.{minor}, bf16 needs {_BF16_CAPABILITY}.0"
        raise ConfigError(f"{why}: use --set precision=float32, or --device cpu")


def gpu_name(device: str) -> str:
    """The product name of "cuda:N"."""
    return torch.cuda.get_device_name(device)


def peak_memory() -> int:
    """Bytes that this process has needed of its CUDA device at most, with what CUDA itself takes; 0 without one."""
    reserved = max((torch.cuda.max_memory_reserved(index) for index in range(count_gpus()[0])), default=0)
    return reserved + _CONTEXT_BYTES if reserved else 0


def _best(free: str) -> str:
    if count_gpus()[0]:
        return _any_gpu(free)
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _any_gpu(free: str) -> str:
    return free if free in {f"cuda:{index}" for index in range(count_gpus()[0])} else "cuda:0"


def _cuda(wanted: str) -> str:
    index = int(wanted.partition(":")[2] or "0")
    count, why = count_gpus()
    if index >= count:
        found = why or f"{count} CUDA devices"
        raise NoDeviceError(f"device {wanted} is not available here ({found}); use --device auto")
    return f"cuda:{index}"


def main(wanted: str, precision: str = "float32") -> None:
    """Print as JSON whether the device is available, in a separate process: a broken driver may crash or hang."""
    fault = ""
    try:
        check_precision(precision, resolve(wanted))
    except ConfigError as error:
        fault = str(error)
    sys.stdout.write("\n" + json.dumps({"fault": fault}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:3])
