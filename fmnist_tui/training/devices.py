"""Which device PyTorch trains on. Run as a program, it reports whether a device is there."""

from __future__ import annotations

import json
import sys
import warnings
from functools import cache

import torch

from fmnist_tui.training.config import ConfigError, NoDeviceError


def resolve(wanted: str, free: str = "cuda:0") -> str:
    """The device for "auto" (CUDA, then MPS, then CPU), or `wanted` itself once it is seen to be there.

    Args:
        wanted: As `TrainingConfig` takes it.
        free: Which GPU to take where any will do, if it is there.

    Raises:
        NoDeviceError: There is no such device here.
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
    """CUDA's devices (a ROCm build of PyTorch calls AMD's so too), and, where one can't be used, why not in one line.

    Cached: PyTorch warns of a driver that it can't work with once, in a paragraph whose first sentence says it.
    """
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    text = " ".join(str(warned[0].message).split()) if warned and not count else ""
    return count, text.partition(". ")[0][:200]


def gpu_name(device: str) -> str:
    """What the maker of "cuda:N" calls it."""
    return torch.cuda.get_device_name(device)


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
        seen = why or f"{count} CUDA devices"
        raise NoDeviceError(f"device {wanted} is not available here ({seen}); use --device auto")
    return f"cuda:{index}"


def main(wanted: str) -> None:
    """Prints as JSON whether the device is there, in a process of its own: a broken driver may crash it, or hang."""
    fault = ""
    try:
        resolve(wanted)
    except ConfigError as error:
        fault = str(error)
    sys.stdout.write("\n" + json.dumps({"fault": fault}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
