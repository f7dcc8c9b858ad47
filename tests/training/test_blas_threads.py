"""The number of BLAS threads: reduced where fewer are faster, and only there."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import threadpoolctl
from scipy.linalg import get_blas_funcs

from fmnist_tui.training import blas_threads, events
from fmnist_tui.training.blas_threads import FewerThreads, ThreadWatch, fewer_threads

from .fakes import FakeEngine, MemoryStore, drive
from .samples import task


def blas_limits() -> set[int]:
    return {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def limits_as_before() -> object:
    get_blas_funcs("gemm")  # so that SciPy's is loaded
    before = max(blas_limits())
    yield
    blas_threads.bound_blas_threads(before)


class Machine:
    """Returns given measurements and counts the calls."""

    def __init__(self, **seconds: float) -> None:
        self.seconds = {int(threads[1:]): value for threads, value in seconds.items()}
        self.probes = 0

    def measure(self, threads: int) -> Mapping[int, float]:
        self.probes += 1
        return {count: value for count, value in self.seconds.items() if count <= threads}


def test_the_probe_measures_halves_down_to_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas_threads, "_ROUNDS", 1)
    monkeypatch.setattr(blas_threads, "_PRODUCTS", 1)
    seconds = blas_threads.probe(5)
    assert list(seconds) == [5, 2, 1]
    assert all(value > 0 for value in seconds.values())


def test_threads_that_wait_for_each_other_are_reduced_to_the_fastest_number() -> None:
    found = fewer_threads(4, Machine(t4=3.0, t2=0.5, t1=0.2).measure)
    assert found is not None
    assert found.threads == 1
    assert "training on 1 thread instead of 4, which is 15.0 times as fast here" in found.text
    assert blas_limits() == {1}


@pytest.mark.parametrize("seconds", [{"t2": 0.6, "t1": 1.0}, {"t2": 1.2, "t1": 1.0}, {"t1": 1.0}])
def test_a_number_that_is_about_as_fast_stays(seconds: dict[str, float]) -> None:
    """Else the same run would have another number of threads each time, and so other bits."""
    threads = max(int(name[1:]) for name in seconds)
    assert fewer_threads(threads, Machine(**seconds).measure) is None
    assert blas_limits() == {threads}


def test_speed_that_collapses_for_several_intervals_is_looked_into() -> None:
    machine = Machine(t2=3.0, t1=0.2)
    watch = ThreadWatch(2, machine.measure)
    assert [watch.see(speed) for speed in (60_000, 9_000, 61_000, 2_000, 50_000, 2_000, 2_000)] == [None] * 7
    assert machine.probes == 0
    found = watch.see(2_000)
    assert found is not None
    assert found.threads == 1
    assert [watch.see(2_000) for _ in range(5)] == [None] * 5, "there are no fewer than one"
    assert machine.probes == 1


def test_a_machine_that_is_only_slow_keeps_its_threads_and_isn_t_probed_all_the_time() -> None:
    machine, now = Machine(t2=3.0, t1=5.0), [0.0]
    watch = ThreadWatch(2, machine.measure, lambda: now[0])
    watch.see(60_000)
    for _ in range(100):
        now[0] += 0.5
        assert watch.see(2_000) is None
    assert machine.probes == 5


class Collapsing(ThreadWatch):
    """Finds fewer threads once, at its third interval."""

    seen = 0

    def see(self, speed: float) -> FewerThreads | None:
        self.seen += 1
        return FewerThreads(1, "training on 1 thread instead of 2") if self.seen == 3 else None


def test_a_run_is_saved_with_its_new_number_of_threads_and_says_so() -> None:
    store = MemoryStore()
    ran = drive(FakeEngine(), task(), store=store, threads=Collapsing(2))
    (alert,) = ran.of(events.Alert)
    assert (alert.kind, alert.message) == ("fewer_threads", "training on 1 thread instead of 2")
    assert ran.outcome.reason == "completed"
    assert store.checkpoints[0].position.threads == 1
    assert store.checkpoints[-1].position.threads == 1, "the epochs after it keep the number"
