from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest
from waiting import wait_until

from fmnist_tui.host import gpus as module
from fmnist_tui.host.gpu import Gpu
from fmnist_tui.host.gpus import GpuProbe, GpuReport

REPORT = GpuReport((Gpu("GPU-0", 0, "H200"),))


def answered(probe: GpuProbe) -> None:
    """Queries, and waits for the report."""
    probe.latest()
    wait_until(lambda: probe.latest() == REPORT, "the driver has answered")
    wait_until(lambda: "gpu query" not in {thread.name for thread in threading.enumerate()}, "its thread has ended")


def test_the_driver_is_queried_in_the_background_and_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    queried = []

    def query(environ: Mapping[str, str]) -> GpuReport:
        queried.append(threading.current_thread())
        return REPORT

    monkeypatch.setattr(module, "query", query)
    answered(GpuProbe())
    assert [thread is threading.main_thread() for thread in queried] == [False]


def test_a_driver_that_hangs_holds_nobody_up_and_is_not_queried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    queried, hanging = [], threading.Event()

    def hang(environ: Mapping[str, str]) -> GpuReport:
        queried.append(threading.current_thread())
        hanging.wait(10)
        return GpuReport()

    monkeypatch.setattr(module, "query", hang)
    monkeypatch.setattr(module, "_PROBE_SECONDS", 0.0)
    probe = GpuProbe()
    try:
        assert [probe.latest() for _ in range(5)] == [GpuReport()] * 5
        assert len(queried) == 1
    finally:
        hanging.set()
        queried[0].join()


def test_an_old_report_is_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "query", lambda environ: REPORT)
    probe = GpuProbe()
    answered(probe)
    monkeypatch.setattr(module, "_STALE_SECONDS", 0.0)
    assert probe.latest() == GpuReport()


def test_gpus_are_numbered_as_in_the_environment_that_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Mapping[str, str]] = []

    def query(environ: Mapping[str, str]) -> GpuReport:
        asked.append(environ)
        return REPORT

    monkeypatch.setattr(module, "query", query)
    probe = GpuProbe()
    probe.latest({"CUDA_VISIBLE_DEVICES": "3"})
    wait_until(lambda: probe.latest() == REPORT, "the driver has answered")
    assert asked == [{"CUDA_VISIBLE_DEVICES": "3"}]
