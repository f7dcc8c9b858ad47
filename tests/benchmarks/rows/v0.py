"""v0 against what people would train it with, and against the machine."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.bench import Bench
from benchmarks.measured import Measured, median_of
from benchmarks.pairs import in_pairs, ratios
from benchmarks.rows.kept import lost_to_keeping
from benchmarks.watching import whole_training
from fmnist_tui.models.catalogue import version
from fmnist_tui.training.matrix_product import flops

FLOPS = 2 * version("v0").training_multiply_adds
"""Of one image: 1.13 million, forward and backward, without the slopes of the pixels, which nobody needs."""


def measure(bench: Bench) -> Iterator[tuple[str, Measured]]:
    """The group's rows."""
    steps = bench.sizes.v0_steps
    ours = partial(bench.turn, "v0", steps)
    for key, peer in (("v0-sklearn", "v0 scikit-learn"), ("v0-pytorch", "v0 PyTorch")):
        if key in bench.wanted:
            pairs = in_pairs(partial(bench.turn, peer, steps), ours, bench.sizes.pairs)
            yield key, median_of(ratios(pairs), _speeds(pairs, steps * bench.batch_size))
    if "v0-peak" in bench.wanted:
        yield "v0-peak", _share_of_peak(bench)
    if "v0-kept" in bench.wanted:
        yield "v0-kept", lost_to_keeping(bench, "v0", bench.sizes.v0_kept_steps)
    if "v0-memory" in bench.wanted:
        yield "v0-memory", median_of([float(whole_training(bench, "v0").memory)], "the most in a short run")


def _share_of_peak(bench: Bench) -> Measured:
    steps, products = bench.sizes.v0_steps, bench.sizes.products
    pairs = in_pairs(
        partial(bench.turn, "v0", steps), partial(bench.turn, "matrix product", products), bench.sizes.pairs
    )
    work, most = FLOPS * steps * bench.batch_size, flops(bench.sizes.side) * products
    peak = median_of([most / theirs / 1e9 for _, theirs in pairs]).value
    note = f"{FLOPS / 1e6:.2f} MFLOP an image; peak {peak:.0f} GFLOP/s"
    return median_of([(work / mine) / (most / theirs) for mine, theirs in pairs], note)


def _speeds(pairs: list[tuple[float, float]], images: int) -> str:
    theirs, mine = (median_of([images / pair[place] for pair in pairs]).value for place in (0, 1))
    return f"{mine:,.0f} / {theirs:,.0f} images/s"
