"""Randomness that is addressed, not carried: each draw is a pure function of (seed, stream, epoch, step).

So a resumed run needs integers, no generator state, and goes on bit for bit from the middle of an epoch.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

STREAM_NUMBER = 3
"""Rises when a stream changes what it draws, or a step what it rounds; a bit-exact resume across two is refused."""


class Stream(IntEnum):
    """What a draw is for."""

    INIT = 1
    ORDER = 2
    AUGMENT = 3
    DROPOUT = 4


def address(seed: int, stream: Stream, epoch: int = 0, step: int = 0) -> tuple[int, int, int, int]:
    """The address of a draw, as entropy for NumPy's SeedSequence."""
    return (seed, int(stream), epoch, step)


def generator(seed: int, stream: Stream, epoch: int = 0, step: int = 0) -> np.random.Generator:
    """The generator at an address; it always starts there."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(address(seed, stream, epoch, step))))


def epoch_order(seed: int, epoch: int, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """The indices in the order in which this epoch trains on them."""
    return generator(seed, Stream.ORDER, epoch).permutation(indices)
