"""Addressed randomness: each random draw is a pure function of (seed, stream, epoch, step).

A resumed run needs no generator state, and continues bit for bit even from the middle of an epoch.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

STREAM_NUMBER = 3
"""Incremented when a stream's draws or a step's rounding change: a bit-exact resume across such a change is refused."""


class Stream(IntEnum):
    """The purpose of a random draw."""

    INIT = 1
    ORDER = 2
    AUGMENT = 3
    DROPOUT = 4
    MODULE = 5
    ERASE = 6
    CUTOUT = 7
    MIXUP = 8


def address(seed: int, stream: Stream, epoch: int = 0, step: int = 0) -> tuple[int, int, int, int]:
    """The address of a draw: the entropy of a NumPy SeedSequence."""
    return (seed, int(stream), epoch, step)


def generator(seed: int, stream: Stream, epoch: int = 0, step: int = 0) -> np.random.Generator:
    """A new generator for an address."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(address(seed, stream, epoch, step))))


def epoch_order(seed: int, epoch: int, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """The indices, shuffled for this epoch."""
    return generator(seed, Stream.ORDER, epoch).permutation(indices)
