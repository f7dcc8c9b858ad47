"""What events, log and checkpoints cost."""

from __future__ import annotations

from functools import partial

from benchmarks.bench import Bench
from benchmarks.measured import Measured, median_of
from benchmarks.pairs import in_pairs


def lost_to_keeping(bench: Bench, version: str, steps: int) -> Measured:
    """The fraction of the bare engine loop's throughput that the whole trainer loses; below 0 where it is faster."""
    kept, bare = partial(bench.turn, f"{version} kept", steps), partial(bench.turn, version, steps)
    pairs = in_pairs(kept, bare, bench.sizes.kept_pairs)
    return median_of([1 - theirs / mine for mine, theirs in pairs], f"turns of {steps} steps")
