from __future__ import annotations

import threading

import pytest
from fmnist_tui.runs.gpu_probe import GpuProbe
from fmnist_tui.runs.machine.nvml import Gpu
from waiting import wait_until

from fmnist_tui.runs import gpu_probe as module

GPU = Gpu("H200", 140_000_000_000, 100_000_000_000, 93)


def answered(probe: GpuProbe) -> None:
    """Asks, and waits for the answer."""
    probe.look()
    wait_until(lambda: probe.look() == (GPU,), "the driver has answered")
    wait_until(lambda: "nvml" not in {thread.name for thread in threading.enumerate()}, "its thread has ended")


def test_the_driver_is_asked_in_the_background_and_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer() -> tuple[Gpu, ...]:
        asked.append(threading.current_thread())
        return (GPU,)

    monkeypatch.setattr(module, "_read_gpus", answer)
    answered(GpuProbe())
    assert [thread is threading.main_thread() for thread in asked] == [False]


def test_a_driver_that_hangs_holds_nobody_up_and_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, hanging = [], threading.Event()

    def hang() -> tuple[Gpu, ...]:
        asked.append(threading.current_thread())
        hanging.wait(10)
        return ()

    monkeypatch.setattr(module, "_read_gpus", hang)
    monkeypatch.setattr(module, "_SECONDS", 0.0)
    probe = GpuProbe()
    try:
        assert [probe.look() for _ in range(5)] == [()] * 5
        assert len(asked) == 1
    finally:
        hanging.set()
        asked[0].join()


def test_an_old_answer_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_read_gpus", lambda: (GPU,))
    probe = GpuProbe()
    answered(probe)
    monkeypatch.setattr(module, "_STALE_SECONDS", 0.0)
    assert probe.look() == ()
