"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """The numbers of one form of the benchmark.

    Attributes:
        batch_size: Images a step, in all comparisons.
        pairs: Pairs of contestants' turns.
        v0_steps: Steps of a turn of v0.
        v3_steps: Steps of a turn of v3.
        validated: Images of a turn of evaluation.
        kept_pairs: Pairs with and without log and checkpoints.
        v0_kept_steps: Steps of such a turn; long enough for a checkpoint to fall in.
        v3_kept_steps: Likewise.
        side: Of the matrices multiplied.
        products: Of a turn.
        epochs: Of the short runs whose memory is looked at.
        limit: Training images of these runs.
        live_pairs: Pairs of spans with and without the app.
        live_seconds: Length of a span.
        settle_seconds: Before it.
        presses: Rounds of keys.
        screens: Whose keys are pressed.
        between_seconds: Between the answer to a key and the next one.
        idle_seconds: On each screen.
        starts: Of each command.
        warm_starts: Before them, not counted.
        loads: Of the data, each without a cache.
        many_runs: For `results`.
        most_runs: For `runs`.
        log_bytes: Of the log of the run that is attached to.
        attaches: To it, and starts of these commands.
        scored: Test images and classes of the runs that `results` compares.
        shared: Whether all contestants share one process, which is quick but not fair.
        threads: CPU threads; 0 for all.
        images: Of the drawn set, training and test; None for Fashion-MNIST.
    """

    batch_size: int = 64
    pairs: int = 10
    v0_steps: int = 844
    v3_steps: int = 40
    validated: int = 3000
    kept_pairs: int = 6
    v0_kept_steps: int = 15_000
    v3_kept_steps: int = 450
    side: int = 2048
    products: int = 20
    epochs: int = 2
    limit: int = 6000
    live_pairs: int = 10
    live_seconds: float = 20.0
    settle_seconds: float = 3.0
    presses: int = 3
    screens: int = 8
    between_seconds: float = 0.2
    idle_seconds: float = 10.0
    starts: int = 20
    warm_starts: int = 1
    loads: int = 5
    many_runs: int = 300
    most_runs: int = 1000
    log_bytes: int = 100_000_000
    attaches: int = 5
    scored: tuple[tuple[int, int], ...] = ((10_000, 10), (100_000, 10), (10_000, 100), (10_000, 1000))
    shared: bool = False
    threads: int = 0
    images: tuple[int, int] | None = None


FULL = Sizes()
QUICK = Sizes(
    batch_size=8,
    pairs=1,
    v0_steps=5,
    v3_steps=1,
    validated=16,
    kept_pairs=1,
    v0_kept_steps=20,
    v3_kept_steps=1,
    side=128,
    products=2,
    epochs=1,
    limit=24,
    live_pairs=1,
    live_seconds=0.7,
    settle_seconds=0.2,
    presses=1,
    screens=1,
    between_seconds=0.2,
    idle_seconds=0.2,
    starts=1,
    warm_starts=0,
    loads=1,
    many_runs=6,
    most_runs=8,
    log_bytes=200_000,
    attaches=1,
    scored=((100, 10), (100, 300)),
    shared=True,
    threads=1,
    images=(400, 40),
)
