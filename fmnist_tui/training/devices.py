"""Which device PyTorch trains on."""

from __future__ import annotations

import torch

from fmnist_tui.training.config import ConfigError


def resolve(wanted: str) -> str:
    """The device for "auto" (CUDA, then MPS, then CPU), or `wanted` itself once it is seen to be there.

    Raises:
        ConfigError: There is no such device here.
    """
    if wanted == "auto":
        return _best()
    if wanted == "cpu" or (wanted == "mps" and torch.backends.mps.is_available()):
        return wanted
    if wanted == "mps":
        raise ConfigError("device mps is not available here; use --device cpu or auto")
    return _cuda(wanted)


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda:0"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _cuda(wanted: str) -> str:
    kind, _, number = wanted.partition(":")
    index = number or "0"
    if kind != "cuda" or not index.isdecimal():
        raise ConfigError(f"device {wanted!r} is none of auto, cpu, cuda, cuda:N, mps")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(index) >= count:
        raise ConfigError(f"device {wanted} is not available here ({count} CUDA devices); use --device auto")
    return f"cuda:{int(index)}"
