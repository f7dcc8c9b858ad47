"""The cached picture of the runs folder: what it contains, and how rarely it touches files."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from waiting import wait_until

from fmnist_tui.files import read_regular_file, write_json
from fmnist_tui.runs import directory
from fmnist_tui.runs.status import Status
from fmnist_tui.training.events import Stage
from fmnist_tui.tui import run_monitor
from fmnist_tui.tui.run_monitor import RunMonitor
from fmnist_tui.tui.runs_state import RunsState

from .samples import held, training, write_log, write_run

Watch = Callable[[float], RunMonitor]


@pytest.fixture
def watch(runs: Path) -> Watch:
    """Starts monitors, which look every so many seconds."""
    return lambda seconds: RunMonitor(runs, seconds)


@pytest.fixture
def monitor(runs: Path) -> RunMonitor:
    """A monitor that polls every few milliseconds, without a subscriber yet."""
    return RunMonitor(runs, 0.01)


@pytest.fixture(autouse=True)
def watching(monitor: RunMonitor) -> object:
    """Its thread, started by the first use."""
    thread = threading.Thread(target=lambda: monitor.watch(lambda _: None))
    yield thread
    monitor.end()
    if thread.ident:
        thread.join()


def until(monitor: RunMonitor, holds: Callable[[RunsState], object], what: str) -> None:
    wait_until(lambda: holds(monitor.state), what)


def test_runs_that_come_change_and_go_are_seen(monitor: RunMonitor, watching: threading.Thread, runs: Path) -> None:
    first = write_run(runs, seed=1)
    watching.start()
    until(monitor, lambda seen: [one.run for one in seen.runs] == [first], "there is one")
    assert monitor.state.complete
    assert monitor.state.runs[0].text == "stopped after epoch 4 of 30, scored"
    second = write_run(runs, seed=2, log=training(epochs=1))
    until(monitor, lambda seen: [one.run for one in seen.runs] == [second, first], "there are two")
    assert monitor.state.runs[0].is_interrupted
    with held(second):
        until(monitor, lambda seen: [one.run for one in seen.running] == [second], "it has a trainer")
        write_log(second, training(epochs=2))
        until(monitor, lambda seen: seen.running[0].record.epochs_done == 2, "it goes on")
    until(monitor, lambda seen: not seen.running, "it has none")
    second.path.rename(runs / ".gone")
    until(monitor, lambda seen: [one.run for one in seen.runs] == [first], "it is gone")


def test_no_result_is_shown_before_it_is_read(runs: Path) -> None:
    state = RunMonitor(runs, 1.0).state
    assert not state.complete
    assert state.loading == "Looking for runs ..."
    assert RunsState(found=7).loading == "Reading runs: 0 of 7 ..."


def test_an_unreadable_folder_is_reported_and_the_runs_stay(
    monitor: RunMonitor, watching: threading.Thread, runs: Path
) -> None:
    run = write_run(runs)
    away = runs.rename(runs.with_name("away"))
    runs.symlink_to(away)
    (file := runs.with_name("file")).write_text("a file where the folder should be")
    (link := runs.with_name("link")).symlink_to(away)
    watching.start()
    until(monitor, lambda seen: seen.runs, "it is seen")
    file.rename(runs)  # at once: for a moment without either, there would be no runs
    until(monitor, lambda seen: seen.fault, "the fault is seen")
    assert [one.run for one in monitor.state.runs] == [run]
    link.rename(runs)
    until(monitor, lambda seen: not seen.fault, "it can be read again")


def test_a_label_is_seen_in_a_thorough_look(runs: Path) -> None:
    run = write_run(runs)
    monitor = RunMonitor(runs, 60.0)
    thread = threading.Thread(target=lambda: monitor.watch(lambda _: None))
    thread.start()
    try:
        until(monitor, lambda seen: seen.complete, "it is seen")
        write_json(run.label, {"name": "mine"})
        looked = threading.Event()
        monitor.look(then=looked.set)
        assert looked.wait(10)
        monitor.look(thorough=True)
        until(monitor, lambda seen: seen.runs[0].record.label == "mine", "it has a label")
    finally:
        monitor.end()
        thread.join()


def test_runs_that_ended_are_not_read_again(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(20):
        write_run(runs, seed=seed)
    live = write_run(runs, seed=30, log=[Stage("loading data")])
    monitor = RunMonitor(runs, 0.005)
    looks: list[str] = []
    real = os.stat
    thread = threading.Thread(target=lambda: monitor.watch(lambda _: None))
    with ExitStack() as trainer:
        trainer.enter_context(held(live))
        thread.start()
        try:
            until(monitor, lambda seen: seen.complete, "all are seen")
            for _ in range(3):
                looked = threading.Event()
                monitor.look(then=looked.set)
                assert looked.wait(10)

            def noting(path: object, *given: object, **named: object) -> os.stat_result:
                if threading.current_thread() is thread:
                    looks.append(str(path))
                return real(path, *given, **named)  # type: ignore[arg-type]

            monkeypatch.setattr(os, "stat", noting)
            wait_until(lambda: looks.count(str(runs)) > 5, "it looks again")
        finally:
            monitor.end()
            thread.join()
    allowed = {str(live.path), *map(str, live.path.iterdir())}
    assert {path for path in looks if path != str(runs)} <= allowed | {
        str(live.path / name) for name in ("label.json", "heartbeat", "result.json", "run.json", "events.jsonl")
    }


def test_somebody_who_resumes_an_interrupted_run_is_noticed(
    monitor: RunMonitor, watching: threading.Thread, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_monitor, "_IDLE_CPU", 0.0)  # one run a look: each has its turn
    waiting = [write_run(runs, seed=seed, log=training(epochs=1)) for seed in range(5)]
    watching.start()
    until(monitor, lambda seen: len(seen.runs) == 5, "all are seen")
    for run in waiting:
        with held(run):
            until(monitor, lambda seen: [one.run for one in seen.running] == [run], "its trainer is seen")  # noqa: B023
    assert {one.status for one in monitor.state.runs} <= {Status.INTERRUPTED, Status.RUNNING, Status.QUEUED}


def test_on_a_slow_folder_the_order_of_runs_is_read_by_many_threads(
    monitor: RunMonitor, watching: threading.Thread, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(40):
        write_run(runs, seed=seed)
    readers: set[int] = set()

    def slow(path: Path, largest: int) -> bytes:
        readers.add(threading.get_ident())
        time.sleep(0.02)
        return read_regular_file(path, largest)

    monkeypatch.setattr(directory, "read_regular_file", slow)
    watching.start()
    until(monitor, lambda state: state.complete, "all are read")
    assert len(readers) > 5
    assert [one.record.seed for one in monitor.state.runs] == list(reversed(range(40)))
