"""v3 against the plain loop, step by step and over the origin's ten epochs."""

from __future__ import annotations

from functools import partial

from benchmarks.bench import Bench
from benchmarks.measured import Measured, median_of
from benchmarks.measuring import Once, Rows
from benchmarks.pairs import in_pairs, ratios
from benchmarks.rows.kept import lost_to_keeping
from benchmarks.watching import Whole, whole_training

EPOCHS, STEPS, TRAIN, VALIDATION, TEST = 10, 844, 54_000, 6_000, 10_000
ORIGIN_TEST = 9_000
"""It scores on no more."""
ORIGIN_EVERY = 50
"""Steps between two validations of the origin's."""


def measure(bench: Bench) -> Rows:
    """The group's rows."""
    steps = bench.sizes.v3_steps
    against = partial(in_pairs, partial(bench.turn, "v3 PyTorch", steps), partial(bench.turn, "v3", steps))
    pairs = Once(partial(against, bench.sizes.pairs))
    whole = Once(partial(whole_training, bench, "v3"))
    yield "v3-pytorch", lambda: _against_plain_loop(pairs(), steps)
    yield "v3-kept", partial(lost_to_keeping, bench, "v3", bench.sizes.v3_kept_steps)
    yield "v3-ten-epochs", lambda: _ten_epochs(bench, pairs(), whole())
    yield "v3-memory", lambda: median_of([float(whole().memory)], "the most in a short run")


def _against_plain_loop(pairs: list[tuple[float, float]], steps: int) -> Measured:
    theirs, mine = (median_of([pair[place] for pair in pairs]).value / steps * 1e3 for place in (0, 1))
    return median_of(ratios(pairs), f"{mine:.0f} / {theirs:.0f} ms a step")


def _ten_epochs(bench: Bench, steps: list[tuple[float, float]], whole: Whole) -> Measured:
    """Put together from parts that were measured: steps, validations, start and end.

    The origin's reading of its CSV files is left out, to its advantage; so is what our checkpoints cost, which is a row
    of its own.
    """
    count = bench.sizes.validated
    evaluations = in_pairs(
        partial(bench.turn, "v3 PyTorch validation", count),
        partial(bench.turn, "v3 validation", count),
        bench.sizes.pairs,
    )
    found = []
    for (their_steps, our_steps), (their_images, our_images) in zip(steps, evaluations, strict=True):
        a_step, an_image = our_steps / bench.sizes.v3_steps, our_images / count
        ours = whole.start + EPOCHS * (STEPS * a_step + VALIDATION * an_image) + whole.end
        a_step, an_image = their_steps / bench.sizes.v3_steps, their_images / count
        validations = EPOCHS * STEPS // ORIGIN_EVERY
        theirs = whole.importing + EPOCHS * STEPS * a_step + (validations * VALIDATION + ORIGIN_TEST) * an_image
        found.append((theirs, ours))
    theirs, ours = (median_of([pair[place] for pair in found]).value for place in (0, 1))
    return median_of(ratios(found), f"{ours:.0f} / {theirs:.0f} s, from parts")
