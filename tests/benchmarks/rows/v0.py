"""v0 against what people would train it with, and against the machine."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

from benchmarks.bench import Bench
from benchmarks.measured import Measured, median_of
from benchmarks.measuring import Rows
from benchmarks.pairs import in_pairs, ratios
from benchmarks.rows.kept import lost_to_keeping
from benchmarks.watching import whole_training
from fmnist_tui.analysis.bench import flops
from fmnist_tui.models.layers import layer_table
from fmnist_tui.models.registry import get_model

FLOPS = 2 * layer_table(get_model("v0")).training_macs
"""Of one image: 1.13 million, forward and backward, without gradients of the pixels."""


def measure(bench: Bench) -> Rows:
    """The group's rows."""
    steps = bench.sizes.v0_steps
    ours = partial(bench.turn, "v0", steps)

    def against(peer: str) -> Measured:
        pairs = in_pairs(partial(bench.turn, peer, steps), ours, bench.sizes.pairs)
        return median_of(ratios(pairs), _speeds(pairs, steps * bench.batch_size))

    yield "v0-sklearn", partial(against, "v0 scikit-learn")
    yield "v0-pytorch", partial(against, "v0 PyTorch")
    yield "v0-peak", partial(_share_of_peak, bench)
    yield "v0-busy", partial(_beside_a_busy_process, bench)
    yield "v0-kept", partial(lost_to_keeping, bench, "v0", bench.sizes.v0_kept_steps)
    yield "v0-memory", lambda: median_of([float(whole_training(bench, "v0").memory)], "the most in a short run")


def _share_of_peak(bench: Bench) -> Measured:
    steps, products = bench.sizes.v0_steps, bench.sizes.products
    pairs = in_pairs(
        partial(bench.turn, "v0", steps), partial(bench.turn, "matrix product", products), bench.sizes.pairs
    )
    work, most = FLOPS * steps * bench.batch_size, flops(bench.sizes.side) * products
    peak = median_of([most / theirs / 1e9 for _, theirs in pairs]).value
    note = f"{FLOPS / 1e6:.2f} MFLOP an image; peak {peak:.0f} GFLOP/s"
    return median_of([(work / mine) / (most / theirs) for mine, theirs in pairs], note)


def _beside_a_busy_process(bench: Bench) -> Measured:
    """A run that names no number of threads, against one on one thread."""
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)
    try:
        one, steps = bench.spec("v0", threads=1), bench.sizes.v0_steps
        theirs, mine = (partial(bench.workers.seconds, spec, steps) for spec in (one, bench.spec("v0 watched")))
        pairs = in_pairs(theirs, mine, bench.sizes.pairs)
    finally:
        busy.kill()
        busy.wait()
    return median_of(ratios(pairs), _speeds(pairs, steps * bench.batch_size))


def _speeds(pairs: list[tuple[float, float]], images: int) -> str:
    theirs, mine = (median_of([images / pair[place] for pair in pairs]).value for place in (0, 1))
    return f"{mine:,.0f} / {theirs:,.0f} images/s"
