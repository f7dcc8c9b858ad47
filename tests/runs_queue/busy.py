"""A machine whose CPUs are all in use, without a trainer that uses them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fmnist_tui.host.node import available_cpus, cpu_set
from fmnist_tui.runs.queue.devices import Claim, take_claim
from fmnist_tui.runs.queue.store import Queue


@contextmanager
def busy(queue: Queue) -> Iterator[None]:
    """All CPUs are in use within the block."""
    with queue.locked():
        claim = take_claim(queue, Claim(run="/runs/somebody", cpus=cpu_set(), threads=available_cpus()))
    try:
        yield
    finally:
        claim.release()
