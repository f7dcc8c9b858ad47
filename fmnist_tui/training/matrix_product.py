"""The yardstick of speed: a product of two large square float32 matrices, the fastest thing that a device does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fmnist_tui.training.blas_threads import bound_blas_threads

CPU_SIDE = 2048
GPU_SIDE = 4096
"""A GPU needs more to be busy with."""


def products(device: str, threads: int, side: int) -> Callable[[int], None]:
    """What multiplies two matrices (side, side) on `device` so many times, and returns when that is done.

    On the CPU by NumPy's BLAS, also where PyTorch brings another one, whose threads are bounded for the whole process;
    elsewhere by PyTorch.
    """
    if device == "cpu":
        return _by_numpy(threads, side)
    return _by_torch(device, side)


def flops(side: int) -> float:
    """Floating-point operations of one product: a multiplication and an addition for each of side**3 terms."""
    return 2.0 * side**3


def _by_numpy(threads: int, side: int) -> Callable[[int], None]:
    left = np.random.default_rng(0).random((side, side), np.float32)
    right, out = left.T.copy(), np.empty_like(left)

    bound_blas_threads(threads)

    def multiply(times: int) -> None:
        for _ in range(times):
            np.matmul(left, right, out=out)

    return multiply


def _by_torch(device: str, side: int) -> Callable[[int], None]:
    import torch

    left = torch.rand((side, side), device=device)
    right, out = torch.rand_like(left), torch.empty_like(left)

    def multiply(times: int) -> None:
        for _ in range(times):
            torch.matmul(left, right, out=out)
        float(out[0, 0])  # waits for the device

    return multiply
