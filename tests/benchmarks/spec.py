"""What a contestant is asked to be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Spec:
    """One contestant, as its process receives it.

    Attributes:
        name: Which, as `contestants.BUILDERS` has it.
        data: The folder of the data.
        threads: CPU threads.
        batch_size: Images a step.
        limit: How many training images are taken, before a tenth is set aside; None for all.
        side: Of matrices, where they are multiplied.
    """

    name: str
    data: str
    threads: int
    batch_size: int = 64
    limit: int | None = None
    side: int = 2048
