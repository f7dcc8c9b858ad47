"""Several runs on one device: real trainers and dispatchers, two simulated GPUs, kills, and too little memory."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from runs.trainers import ENDLESS_V0, Watch, assert_undisturbed, finish, request
from waiting import wait_until

from fmnist_tui.runs.control import send_command
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.runs.queue.devices import claims_in_use
from fmnist_tui.runs.queue.dispatch import revive
from fmnist_tui.runs.queue.measured import read_measured
from fmnist_tui.runs.queue.options import QueueOptions
from fmnist_tui.runs.queue.store import AUTO, Queue
from fmnist_tui.runs.queue.submit import submit
from fmnist_tui.runs.queue.waiting import QueueProbe, WaitProbe
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.events import Alert, Command, Paused, Resumed, RunFinished, RunStarted, Sharing, StepMetrics
from fmnist_tui.training.recipes import configure

from .simulated import GB, KEYS, SimulatedGpus
from .test_kills import kill_some

PATIENCE = 300.0
TWO = QueueOptions(per_gpu=2)


def v0(seed: int = 0, epochs: int = 3, device: str = "auto") -> TrainingConfig:
    return configure("v0", "tuned", {"epochs": epochs, "batch_size": 4}, seed=seed, threads=1, device=device)


@pytest.fixture
def gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimulatedGpus:
    """Two GPUs for all processes that the test starts."""
    simulated = SimulatedGpus(tmp_path / "gpus")
    monkeypatch.setenv("PYTHONPATH", simulated.python_path)
    monkeypatch.setattr("fmnist_tui.runs.queue.devices._is_cpu_only", lambda config: config.device == "cpu")
    return simulated


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.1)


def wait_for(run: RunDirectory, status: Status) -> None:
    until(lambda: status_of(run) is status, f"{run.run_id} was {status}")


def on_each_gpu(queue: Queue) -> Counter[str]:
    return Counter(claim.gpu for claim in claims_in_use(queue).values() if claim.gpu)


@pytest.mark.slow
def test_runs_that_share_the_cpus_say_so_and_what_it_costs(runs: Path, queue: Queue) -> None:
    """One slot each for two runs, whatever their threads; the third one waits for a slot."""
    first, second, third = (request(runs, ENDLESS_V0) for _ in range(3))
    options = QueueOptions(cpu_slots=2)
    assert submit([first], options).started
    watch = Watch(first)
    for _ in range(12):
        watch.next(StepMetrics)  # alone
    assert submit([second, third], options).queued == [third]
    assert watch.next(Sharing).runs == 2
    for _ in range(12):
        watch.next(StepMetrics)
    Watch(second).next(Sharing)
    probe = QueueProbe()

    def together() -> float:
        return sum(one.together for one in probe.look().sharing)

    wait_until(together, "their speeds are known")
    (sharing,) = probe.look().sharing
    assert sharing.alone[str(first.path)]
    assert sharing.text.startswith("2 runs share cpu: ")
    waiting = WaitProbe(third).look()
    assert waiting is not None
    assert waiting.reason == "waits for one of 2 CPU slots"


def test_a_paused_run_keeps_its_device_until_it_is_stopped_now(runs: Path, queue: Queue) -> None:
    first, second = (request(runs, ENDLESS_V0) for _ in range(2))
    options = QueueOptions(cpu_slots=1)
    assert submit([first, second], options).queued == [second]
    Watch(first).next(StepMetrics)
    send_command(first, Command.PAUSE)
    Watch(first).next(Paused)
    row = QueueProbe().look().rows[0]
    assert (row.run, row.reason) == (first.path, "paused, keeps its device")
    time.sleep(0.3)
    assert status_of(second) is Status.QUEUED
    send_command(first, Command.STOP_NOW)
    Watch(second).next(StepMetrics)
    assert status_of(first) is Status.STOPPED


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_two_gpus_with_two_slots_each_and_the_cpu_beside_them(runs: Path, queue: Queue, gpus: SimulatedGpus) -> None:
    """Trainers and the dispatcher are killed; no GPU ever has more than two runs; every result is undisturbed."""
    chance = np.random.default_rng(5)
    references = [request(runs.parent / "references", v0(seed)) for seed in range(2)]
    assert [finish(run) for run in references] == [0, 0]
    made = [request(runs, v0(number % 2)) for number in range(8)]
    on_cpu = request(runs, v0(epochs=10_000, device="cpu"))
    submitted = submit([*made, on_cpu], TWO)
    assert not submitted.failed
    assert [*submitted.started] == [*made[:4], on_cpu], "four slots, and the CPU has one of its own"
    assert on_each_gpu(queue) == dict.fromkeys(KEYS, 2)
    Watch(on_cpu).next(StepMetrics)

    end, kills = time.monotonic() + PATIENCE, 0
    while left := [run for run in made if status_of(run) is not Status.FINISHED]:
        assert time.monotonic() < end
        assert max(on_each_gpu(queue).values(), default=0) <= 2
        if kills < 6 and chance.random() < 0.2:
            kill_some(queue, chance)
            kills += 1
        lost = [run for run in (*left, on_cpu) if status_of(run) is Status.INTERRUPTED]
        if lost:
            assert not submit(lost, TWO).failed
        revive(queue)
        time.sleep(0.5)
    for number, run in enumerate(made):
        assert_undisturbed(run, references[number % 2])
        assert run.model.read_bytes() == references[number % 2].model.read_bytes()
    assert read_measured(queue)["v0, batch size 4"].speeds.keys() <= {*KEYS}
    send_command(on_cpu, Command.STOP_NOW)
    wait_for(on_cpu, Status.STOPPED)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_that_finds_no_memory_beside_others_is_trained_alone_once(
    runs: Path, queue: Queue, gpus: SimulatedGpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    reference = request(runs.parent / "references", v0())
    assert finish(reference) == 0
    endless = request(runs, v0(1, epochs=1000))
    assert submit([endless], TWO).started
    watch = Watch(endless)
    until(lambda: any(isinstance(event, StepMetrics) for event in watch.new()), "the first one trains")
    (gpus.folder / "full").touch()
    packed = request(runs, v0())
    assert submit([packed], TWO).started
    until(lambda: any(status_of(run) is Status.QUEUED for run in (endless, packed)), "one of them is queued again")
    retried = next(run for run in (endless, packed) if status_of(run) is Status.QUEUED)
    (entry,) = queue.read()
    assert (entry.run, entry.alone) == (str(retried.path), True)
    alert = next(one.event for one in LogReader(retried.events) if isinstance(one.event, Alert))
    assert alert.kind == "out_of_memory"
    waiting = WaitProbe(retried).look()
    assert waiting is not None
    assert waiting.reason in ("waits for cuda alone", "waits for cuda:0 alone")
    if retried == packed:
        send_command(endless, Command.STOP_NOW)
    wait_for(packed, Status.FINISHED)
    assert_undisturbed(packed, reference)
    if retried == endless:
        send_command(endless, Command.STOP_NOW)
    wait_for(endless, Status.STOPPED)

    (gpus.folder / "tiny").touch()
    assert submit([endless], QueueOptions(per_gpu=2)).started
    wait_for(endless, Status.FAILED)
    end = next(one.event for one in reversed(LogReader(endless.events).read()) if isinstance(one.event, RunFinished))
    assert "smaller --batch-size" in end.message
    assert "--per-gpu 1" in end.message


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_gpus_of_other_people_are_used_once_they_are_free(runs: Path, queue: Queue, gpus: SimulatedGpus) -> None:
    gpus.set(processes={"4194300": 12 * GB})  # no such process here: it may be anybody's
    polite, auto = request(runs, v0()), request(runs, v0())
    submitted = submit([polite], QueueOptions(avoid_busy=True))
    assert submitted.queued == [polite]
    assert "is used by processes that are not visible here (12.0 GB); --use-busy starts it anyway" in submitted.warning
    time.sleep(3.0)
    assert status_of(polite) is Status.QUEUED
    gpus.set()
    until(lambda: status_of(polite) is not Status.QUEUED, "the dispatcher has noticed")
    gpus.set(free=1 * GB)
    options = QueueOptions(per_gpu=AUTO)
    assert submit([auto], options).started, "the other GPU is empty"
    third = request(runs, v0())
    with suppress(AssertionError):
        assert submit([third], options).queued == [third]
    for run in (polite, auto, third):
        gpus.set()
        wait_for(run, Status.FINISHED)


def starts(run: RunDirectory) -> int:
    return sum(isinstance(one.event, RunStarted | Resumed) for one in LogReader(run.events))


@pytest.mark.slow
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two CPUs")
def test_a_cpu_slot_has_cpus_of_its_own(runs: Path, queue: Queue) -> None:
    config = configure("v0", "tuned", {"epochs": 1, "batch_size": 16}, limit=50)
    first, second = request(runs, config), request(runs, config)
    submit([first, second], QueueOptions(cpu_slots=2))
    claims = list(claims_in_use(queue).values())
    cpus = [set(claim.cpus) for claim in claims]
    assert len(claims) < 2 or not cpus[0] & cpus[1]
    for run in (first, second):
        wait_until(lambda run=run: status_of(run) is Status.FINISHED, "it finished")  # type: ignore[misc]
        assert starts(run) == 1
