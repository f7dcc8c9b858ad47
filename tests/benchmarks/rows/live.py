"""What the live screen costs, says and takes."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tui.terminal import Terminal

from benchmarks.bench import Bench
from benchmarks.measured import Measured, median_of, percentile_of
from benchmarks.pairs import in_pairs
from benchmarks.sizes import Sizes
from benchmarks.watching import Pace, attached, endless_training, memory_of, seconds_until

HELP = b"?"
KEYS = (
    (b"2", b"(NumPy)"),
    (b"3", b"accuracy by step"),
    (b"1", b"all classes"),
    (b"4", b"No run counts yet"),
    (b"3", b"accuracy by step"),
    (HELP, b"All keys of this screen"),
)
"""Each with words that its answer paints and the screen before doesn't have."""


def measure_v0(bench: Bench) -> Iterator[tuple[str, Measured]]:
    """The rows of v0's live screen."""
    with endless_training(bench, "v0") as pace:
        if {"v0-live", "bytes-live", "app-memory"} & bench.wanted:
            lost, seen = _cost(bench, pace)
            yield "v0-live", lost
            yield "bytes-live", median_of([look.bytes_per_second for look in seen])
            yield "app-memory", median_of([float(look.memory) for look in seen])
        if "key" in bench.wanted:
            with attached(bench, pace.run) as terminal:
                yield "key", percentile_of(list(_answers(terminal, bench.sizes)), 95)


def measure_v3(bench: Bench) -> Iterator[tuple[str, Measured]]:
    """What the live screen costs v3."""
    with endless_training(bench, "v3") as pace:
        yield "v3-live", _cost(bench, pace)[0]


class Look:
    """A span of the app on the training screen.

    Attributes:
        bytes_per_second: What it sent to the terminal.
        memory: Resident bytes at the end.
    """

    def __init__(self, terminal: Terminal, seconds: float) -> None:
        begun = time.perf_counter()
        sent = len(terminal.sent_in(seconds))
        self.bytes_per_second = sent / (time.perf_counter() - begun)
        self.memory = memory_of(terminal.process.pid)


def _cost(bench: Bench, pace: Pace) -> tuple[Measured, list[Look]]:
    """The share of the throughput that is lost while the app shows the run, and what was seen of the app meanwhile."""
    seen: list[Look] = []
    seconds = bench.sizes.live_seconds

    def with_app() -> float:
        with attached(bench, pace.run) as terminal:
            return pace.images_per_second(lambda: seen.append(Look(terminal, seconds)))

    def without() -> float:
        time.sleep(bench.sizes.settle_seconds)
        return pace.images_per_second(lambda: time.sleep(seconds))

    pairs = in_pairs(with_app, without, bench.sizes.live_pairs)
    alone = median_of([pair[1] for pair in pairs]).value
    return median_of([1 - shown / headless for shown, headless in pairs], f"{alone:,.0f} images/s headless"), seen


def _answers(terminal: Terminal, sizes: Sizes) -> Iterator[float]:
    """Seconds from each key to the frame that answers it."""
    for _ in range(sizes.presses):
        for key, words in KEYS:
            terminal.sent_in(sizes.between_seconds)
            first, since = len(terminal.sent), time.perf_counter()
            terminal.press(key)
            yield seconds_until(terminal, words, since, first)
        terminal.press_and_settle(HELP)  # closes it again
