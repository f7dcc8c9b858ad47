"""The fixed split of the training images into those that teach and those that validate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fmnist_tui.data.errors import DataError

IntArray = NDArray[np.int64]

# The same for every version, recipe and seed, so that they are all compared on the same images.
SPLIT_KEY = 20170825


def split(count: int) -> tuple[IntArray, IntArray]:
    """Divide `count` images 90/10.

    Args:
        count: Number of training images, 60 000 for Fashion-MNIST.

    Returns:
        Sorted int64 indices of the training part (54 000) and of the validation part (6 000).
    """
    order = np.random.Generator(np.random.Philox(key=SPLIT_KEY)).permutation(count).astype(np.int64)
    train_count = count * 9 // 10
    return np.sort(order[:train_count]), np.sort(order[train_count:])


def check_enough(count: int, name: str) -> None:
    """Raise DataError where `count` training images can't be divided: each part needs one."""
    if count < 2:
        raise DataError(f"{name} holds one training image", "give at least 2: a tenth is set aside for validation")
