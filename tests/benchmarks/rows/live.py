"""What the live screen costs, says and takes."""

from __future__ import annotations

import time
from functools import partial

from tui.terminal import ESCAPE, Terminal

from benchmarks.bench import Bench
from benchmarks.measured import Measured, median_of, percentile_of
from benchmarks.measuring import Once, Rows
from benchmarks.pairs import in_pairs
from benchmarks.watching import Pace, attached, endless_training, memory_of, seconds_until

HELP = b"?"
HELP_TITLE = b"All keys of this screen"
_LOST_AFTER, _PRESSES = 20.0, 3
"""Seconds after which a key is pressed again, and how often it is pressed."""
KEYS = (
    (b"2", b"learning rate"),
    (b"3", b"Loss ("),
    (b"1", b"all classes"),
    (b"4", b"No eligible runs"),
    (b"3", b"Loss ("),
    (HELP, HELP_TITLE),
)
"""Each with text that its answer paints and the screen before doesn't have."""


def measure_v0(bench: Bench) -> Rows:
    """The rows of v0's live screen."""
    with endless_training(bench, "v0") as pace:
        cost = Once(partial(_cost, bench, pace))
        yield "v0-live", lambda: cost()[0]
        yield "bytes-live", lambda: median_of([look.bytes_per_second for look in cost()[1]])
        yield "app-memory", lambda: median_of([float(look.memory) for look in cost()[1]])
        yield "key", partial(_latency, bench, pace)


def measure_v3(bench: Bench) -> Rows:
    """What the live screen costs v3."""
    with endless_training(bench, "v3") as pace:
        yield "v3-live", lambda: _cost(bench, pace)[0]


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
    """The fraction of the throughput lost while the app shows the run, and what was seen of the app meanwhile."""
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


def _latency(bench: Bench, pace: Pace) -> Measured:
    with attached(bench, pace.run) as terminal:
        seconds, lost = [], 0
        for _ in range(bench.sizes.presses):
            for key, text in KEYS:
                terminal.sent_in(bench.sizes.between_seconds)
                taken, again = _answer(terminal, key, text)
                seconds.append(taken)
                lost += again
            _close_help(terminal)
    return percentile_of(seconds, 95, f"{lost} of {len(seconds)} presses repeated" if lost else "")


def _answer(terminal: Terminal, key: bytes, text: bytes) -> tuple[float, int]:
    """Seconds from the key to the frame that answers it, and how often it had to be pressed again.

    A key that arrives while the app changes screens may be lost, as a person would see: the time goes on.
    """
    first, since = len(terminal.sent), time.perf_counter()
    for again in range(_PRESSES):
        terminal.press(key)
        try:
            return seconds_until(terminal, text, since, first, _LOST_AFTER), again
        except TimeoutError as late:
            error = late
    raise error


def _close_help(terminal: Terminal) -> None:
    """Goes on when it is closed on the screen, since whatever is pressed before is the help's."""
    terminal.press(HELP)
    until = time.monotonic() + _PRESSES * _LOST_AFTER
    press_again = time.monotonic() + _LOST_AFTER
    while HELP_TITLE.decode() in terminal.text():
        if time.monotonic() > until:
            raise TimeoutError(f"the help doesn't close; the screen:\n{terminal.text()}")
        if time.monotonic() > press_again:
            terminal.press(ESCAPE)
            press_again += _LOST_AFTER
        terminal.sent_in(0.05)
