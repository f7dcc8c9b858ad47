"""How many threads OpenBLAS uses, and when fewer of them are faster.

It divides each matrix product among its threads and waits for the last one. Where another process has taken a CPU from
one of them, a product of half a millisecond takes until that thread gets its turn again, often fifty times as long.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import threadpoolctl

from fmnist_tui.text import counted

_BATCH, _INPUTS, _OUTPUTS = 64, 784, 300
"""The largest product of v0."""
_ROUNDS, _PRODUCTS = 8, 5
_WORTH = 1.25
"""A smaller number of threads is taken if it is faster by more than noise: on an idle machine all runs get the same."""
_SLOW = 3.0
_SLOW_INTERVALS = 3
_PROBE_SECONDS = 10.0

Probe = Callable[[int], Mapping[int, float]]


def bound_blas_threads(threads: int) -> None:
    """Limit the threads of BLAS for the whole process: their number changes how floating-point sums round.

    Newer versions of threadpoolctl let only the first thread that set a limit change it while that thread is alive, and
    silently ignore others. Here the latest caller takes over.
    """
    openblas = getattr(threadpoolctl, "OpenBLASController", None)
    take_over = getattr(openblas, "clear_controlling_thread", None)
    if take_over:
        take_over(force=True)
    threadpoolctl.threadpool_limits(threads, user_api="blas")


@dataclass(frozen=True)
class FewerThreads:
    """A smaller number of threads that is faster.

    Attributes:
        threads: The number.
        text: A line for the log.
    """

    threads: int
    text: str


def probe(threads: int) -> dict[int, float]:
    """Seconds that a few of v0's products take on this many threads, on half as many, and so on to one, in turns.

    Takes a fiftieth of a second on an idle machine, and a second on one where threads wait for each other. The number
    of threads is undefined afterwards.
    """
    from fmnist_tui.models.kernels import blas

    gemm = blas("gemm", np.float32)
    inputs, weights = np.ones((_INPUTS, _BATCH), np.float32, "F"), np.ones((_INPUTS, _OUTPUTS), np.float32, "F")
    seconds: dict[int, float] = {}
    while threads and threads not in seconds:
        seconds[threads] = 0.0
        threads = max(1, threads // 2)
    for _ in range(_ROUNDS):
        for count in seconds:
            bound_blas_threads(count)
            gemm(1.0, weights, inputs, trans_a=True)  # wakes the threads
            started = time.perf_counter()
            for _ in range(_PRODUCTS):
                gemm(1.0, weights, inputs, trans_a=True)
            seconds[count] += time.perf_counter() - started
    return seconds


def fewer_threads(threads: int, measure: Probe = probe) -> FewerThreads | None:
    """The number of threads that is clearly faster than this one here and now, if there is one; the limit is set.

    Args:
        threads: The number that is in use.
        measure: Measures how long a fixed amount of work takes, by number of threads.
    """
    seconds = measure(threads)
    best = min(seconds, key=lambda count: seconds[count])
    if seconds[threads] <= _WORTH * seconds[best]:
        best = threads
    bound_blas_threads(best)
    if best == threads:
        return None
    times = seconds[threads] / seconds[best]
    what = f"training on {counted(best, 'thread')} instead of {threads}"
    return FewerThreads(best, f"{what}, which is {times:.1f} times as fast here: other processes keep the CPUs busy")


class ThreadWatch:
    """Watches a training's speed; where it has collapsed, looks for a smaller number of threads that is faster."""

    def __init__(self, threads: int, measure: Probe = probe, clock: Callable[[], float] = time.monotonic) -> None:
        """Starts with the number of threads in use."""
        self._threads = threads
        self._measure = measure
        self._clock = clock
        self._best = 0.0
        self._slow = 0
        self._probed_at = -_PROBE_SECONDS

    def see(self, speed: float) -> FewerThreads | None:
        """Takes in the speed of a log interval, in images/s; returns another number of threads after setting it."""
        self._best = max(self._best, speed)
        self._slow = self._slow + 1 if speed * _SLOW < self._best else 0
        now = self._clock()
        if self._threads == 1 or self._slow < _SLOW_INTERVALS or now - self._probed_at < _PROBE_SECONDS:
            return None
        self._probed_at = now
        found = fewer_threads(self._threads, self._measure)
        if found:
            self._threads = found.threads
        return found
