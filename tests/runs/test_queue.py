from __future__ import annotations

import json
import os
import platform
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from fmnist_tui.runs.control import send
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import EventLog
from fmnist_tui.runs.lock import acquire, holding
from fmnist_tui.runs.queue import device_to_wait_for, places_to_wait_for, settled_config, take_turn
from fmnist_tui.runs.request import read_request
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.control import Command
from fmnist_tui.training.events import Paused, RunFinished, RunStarted, Stage, Step
from fmnist_tui.training.recipes import configure

from .trainers import ENDLESS_V0, PATIENCE, Watch, change, request, running, time_of

V0 = configure("v0", "tuned", {"epochs": 1}, limit=100, threads=1)


def v3_on(device: str) -> TrainingConfig:
    return configure("v3", "tuned", {}, device=device)


def enqueue(run: RunDirectory) -> int:
    """Makes the run look as if its trainer waited for its device; returns the lock's descriptor."""
    handle = acquire(run)
    log = EventLog(run.events)
    log.append(Stage("waiting for cpu"))
    log.close()
    return handle


def wait_in_queue(watch: Watch) -> None:
    while watch.next(Stage).name != "waiting for cpu":
        pass


def see_gpus(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """As many device files of GPUs."""
    found = [Path(f"/dev/nvidia{index}") for index in range(count)]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(Path, "glob", lambda path, _: iter(found))


# Which device


@pytest.mark.parametrize(
    ("config", "device"),
    [
        (V0, "cpu"),
        (v3_on("cpu"), "cpu"),
        (v3_on("cuda:0"), "cuda-0"),
        (v3_on("cuda:1"), "cuda-1"),
        (v3_on("cuda"), "cuda-0"),
        (v3_on("mps"), "mps"),
    ],
)
def test_a_training_waits_for_the_device_that_it_will_use(config: TrainingConfig, device: str) -> None:
    assert device_to_wait_for(config) == device


@pytest.mark.parametrize(
    ("gpu", "system", "machine", "device"),
    [
        (True, "Linux", "x86_64", "cuda-0"),
        (False, "Linux", "x86_64", "cpu"),
        (False, "Darwin", "arm64", "mps"),
        (False, "Darwin", "x86_64", "cpu"),
    ],
)
def test_the_device_of_auto_is_guessed_without_pytorch(
    monkeypatch: pytest.MonkeyPatch, gpu: bool, system: str, machine: str, device: str
) -> None:
    see_gpus(monkeypatch, 1 if gpu else 0)
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert device_to_wait_for(v3_on("auto")) == device


@pytest.mark.parametrize(("visible", "count"), [(None, 3), ("", 0), ("1", 1), ("0,2", 2), ("0,1,2,3", 3)])
def test_where_several_gpus_are_any_that_this_process_may_use_will_do(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, count: int
) -> None:
    see_gpus(monkeypatch, 3)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert places_to_wait_for(v3_on("auto")) == (tuple(f"cuda-{index}" for index in range(count)) or ("cpu",))
    assert places_to_wait_for(v3_on("cuda:2")) == ("cuda-2",)


def test_runs_spread_over_the_gpus_and_the_next_waits_for_any(monkeypatch: pytest.MonkeyPatch, runs: Path) -> None:
    see_gpus(monkeypatch, 2)
    config = v3_on("auto")
    with ExitStack() as held:
        for place in ("cuda-0", "cuda-1"):
            turn = take_turn(request(runs, config), config)
            assert turn is not None
            held.enter_context(holding(turn.handle))
            assert turn.place == place
        assert take_turn(request(runs, config), config) is None


def test_a_resumed_run_waits_for_the_gpu_that_it_began_on(monkeypatch: pytest.MonkeyPatch, runs: Path) -> None:
    see_gpus(monkeypatch, 2)
    run = request(runs, v3_on("auto"))
    asked = read_request(run)
    assert settled_config(run, asked) == asked.config
    run.run_json.write_text(json.dumps(v3_on("cuda:1").to_json()))
    assert places_to_wait_for(settled_config(run, asked)) == ("cuda-1",)


# Whose turn


def test_a_device_is_had_by_one_run_at_a_time(runs: Path) -> None:
    first, second = request(runs, V0), request(runs, V0)
    turn = take_turn(first, V0)
    assert turn is not None
    with holding(turn.handle):
        assert take_turn(second, V0) is None
    turn = take_turn(second, V0)
    assert turn is not None
    os.close(turn.handle)


def test_several_devices_are_had_by_as_many_runs(runs: Path) -> None:
    with ExitStack() as held:
        for config in (V0, v3_on("cuda:0"), v3_on("cuda:1")):
            turn = take_turn(request(runs, config), config)
            assert turn is not None
            held.enter_context(holding(turn.handle))


def test_a_run_lets_those_go_first_that_were_asked_for_before_it(runs: Path) -> None:
    older, younger = request(runs, V0), request(runs, V0)
    with holding(enqueue(older)):
        assert take_turn(younger, V0) is None
    with holding(enqueue(younger)):
        turn = take_turn(older, V0)
        assert turn is not None
        os.close(turn.handle)


def test_a_run_does_not_wait_for_one_that_waits_for_another_device(runs: Path) -> None:
    older, younger = request(runs, v3_on("cuda:3")), request(runs, V0)
    with holding(enqueue(older)):
        turn = take_turn(younger, V0)
        assert turn is not None
        os.close(turn.handle)


def test_a_run_does_not_wait_for_one_that_waits_on_another_machine(runs: Path) -> None:
    older, younger = request(runs, V0), request(runs, V0)
    with holding(enqueue(older)):
        change(older.heartbeat, lambda beat: beat.update(host="another"))
        turn = take_turn(younger, V0)
        assert turn is not None
        os.close(turn.handle)


def test_a_run_waits_for_one_that_does_not_say_where_it_is(runs: Path) -> None:
    older, younger = request(runs, V0), request(runs, V0)
    with holding(enqueue(older)):
        change(older.heartbeat, lambda beat: beat.pop("host"))
        assert take_turn(younger, V0) is None


@pytest.mark.parametrize("damage", [{"version": None}, {"argv": None}, {"hyperparameters": 5}])
def test_a_run_does_not_wait_for_one_whose_request_is_damaged(runs: Path, damage: dict[str, object]) -> None:
    older, younger = request(runs, V0), request(runs, V0)
    older.request.write_text(json.dumps({**json.loads(older.request.read_text()), **damage}))
    with holding(enqueue(older)):
        turn = take_turn(younger, V0)
        assert turn is not None
        os.close(turn.handle)


# Live trainers


def test_queued_runs_go_one_after_the_other_in_the_order_of_their_requests(runs: Path) -> None:
    holder, second, third, fourth = (request(runs, config) for config in (ENDLESS_V0, V0, V0, V0))
    with running(holder) as holding_it:
        Watch(holder).next(Step)
        with running(fourth) as last, running(third) as stopped, running(second) as next_one:
            for run in (fourth, third, second):
                wait_in_queue(Watch(run))
                assert status_of(run) is Status.QUEUED
            assert not second.run_json.exists()
            send(third, Command.STOP_NOW)
            assert stopped.wait(PATIENCE) == 0
            assert status_of(third) is Status.STOPPED
            holding_it.kill()
            assert next_one.wait(PATIENCE) == 0
            assert last.wait(PATIENCE) == 0
    assert status_of(holder) is Status.INTERRUPTED
    assert time_of(second, RunFinished) <= time_of(fourth, RunStarted)
    assert [status_of(run) for run in (second, fourth)] == [Status.FINISHED] * 2


def test_a_queued_run_hears_what_it_is_asked_and_does_it_when_its_turn_comes(runs: Path) -> None:
    run = request(runs, ENDLESS_V0)
    turn = take_turn(run, ENDLESS_V0)
    assert turn is not None
    with running(run) as trainer:
        watch = Watch(run)
        with holding(turn.handle):
            wait_in_queue(watch)
            send(run, Command.PAUSE)
            time.sleep(0.3)
        watch.next(RunStarted)
        assert watch.next(Paused).step == 0
        trainer.terminate()
        assert trainer.wait(PATIENCE) == 143


def test_sigterm_ends_a_queued_run(runs: Path) -> None:
    run = request(runs, ENDLESS_V0)
    turn = take_turn(run, ENDLESS_V0)
    assert turn is not None
    with holding(turn.handle), running(run) as trainer:
        watch = Watch(run)
        wait_in_queue(watch)
        trainer.terminate()
        assert watch.next(RunFinished) == RunFinished("stopped", resumable=True)
        assert trainer.wait(PATIENCE) == 143
