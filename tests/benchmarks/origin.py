"""The origin's procedure: a plain loop that looks at all validation images every 50 steps, then at 9,000 test images.

Arguments: the folder of the data, CPU threads, how many training images (0 for all), epochs.
"""

from __future__ import annotations

import math
import sys

from benchmarks.spec import Spec

from .contestants.plain_torch import PlainCnn, PlainValidation
from .rows.v3 import ORIGIN_EVERY, ORIGIN_TEST


def main(data: str, threads: int, limit: int, epochs: int) -> None:
    """Trains and prints how often it was right on the test images."""
    spec = Spec("v3 PyTorch", data, threads, limit=limit or None)
    training = PlainCnn(spec)
    validation = PlainValidation(spec, training.model)
    left = epochs * math.ceil(training.images / spec.batch_size)
    held_out = min(6_000, training.images)
    while left > 0:
        training.turn(min(left, ORIGIN_EVERY))
        left -= ORIGIN_EVERY
        validation.turn(held_out)
    validation.right = 0
    validation.turn(min(ORIGIN_TEST, training.images))
    sys.stdout.write(f"{validation.right}\n")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
