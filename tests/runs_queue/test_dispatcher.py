"""Real trainers, a real dispatcher, real kills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import psutil
import pytest
from runs.trainers import Watch, request, time_of
from waiting import wait_until

from fmnist_tui.errors import RunError
from fmnist_tui.host.node import available_cpus
from fmnist_tui.runs.control import send_command
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.runs.heartbeat import read_heartbeat
from fmnist_tui.runs.in_app import InAppRun
from fmnist_tui.runs.lock import is_held
from fmnist_tui.runs.queue.dispatch import dispatcher_in
from fmnist_tui.runs.queue.store import Queue
from fmnist_tui.runs.queue.submit import submit
from fmnist_tui.runs.queue.waiting import Waiting, WaitProbe
from fmnist_tui.runs.resume import check_resumable
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.config import TrainingConfig
from fmnist_tui.training.events import Command, Queued, RunFinished, RunStarted, StepMetrics
from fmnist_tui.training.recipes import configure

ALL = available_cpus()
ENDLESS = configure("v0", "tuned", {"epochs": 10_000, "batch_size": 16}, threads=ALL)
TINY = configure("v0", "tuned", {"epochs": 1, "batch_size": 16}, limit=50, threads=ALL)


def submitted(runs: Path, *configs: TrainingConfig) -> list[RunDirectory]:
    made = [request(runs, config) for config in configs]
    assert not submit(made).failed
    return made


def statuses(runs: Sequence[RunDirectory]) -> list[Status]:
    return [status_of(run) for run in runs]


def pid_of(run: RunDirectory) -> int:
    wait_until(lambda: (beat := read_heartbeat(run)) is not None and beat.pid, "the trainer beat")
    beat = read_heartbeat(run)
    assert beat is not None
    return beat.pid


def dispatcher_of(queue: Queue) -> int:
    handle = os.open(queue.dispatcher_lock, os.O_RDONLY)
    try:
        wait_until(lambda: dispatcher_in(handle)[0] and psutil.pid_exists(dispatcher_in(handle)[0]), "it started")
        return dispatcher_in(handle)[0]
    finally:
        os.close(handle)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie", "it ended")


def finished(run: RunDirectory) -> bool:
    return status_of(run) is Status.FINISHED


def test_runs_wait_without_a_process_and_go_in_the_order_of_their_requests(runs: Path, queue: Queue) -> None:
    first, *others = submitted(runs, ENDLESS, TINY, TINY, TINY)
    Watch(first).next(StepMetrics)
    assert statuses([first, *others]) == [Status.RUNNING, *[Status.QUEUED] * 3]
    assert not any(is_held(run) for run in others)
    kill(pid_of(first))
    killed = time.time()
    for run in others:
        wait_until(partial(finished, run), f"{run.run_id} finished")
    assert json.loads(others[0].run_json.read_text())["threads"] == ALL
    begun = [time_of(run, RunStarted) for run in others]
    ended = [time_of(run, RunFinished) for run in others]
    assert all(end <= begin for end, begin in zip(ended, begun[1:], strict=False))
    first_word = next(one.time for one in LogReader(others[0].events) if not isinstance(one.event, Queued))
    assert first_word - killed < 5  # a second on an idle machine
    assert queue.read() == ()


def test_a_free_device_is_taken_at_once_and_no_dispatcher_is_started(runs: Path, queue: Queue) -> None:
    (run,) = submitted(runs, TINY)
    wait_until(lambda: finished(run), "it finished")
    assert not any(isinstance(one.event, Queued) for one in LogReader(run.events))
    assert not queue.dispatcher_lock.exists()


def test_runs_of_all_folders_share_the_devices(runs: Path, tmp_path: Path, queue: Queue) -> None:
    (first,) = submitted(runs, ENDLESS)
    (second,) = submitted(tmp_path / "other", TINY)
    Watch(first).next(StepMetrics)
    assert status_of(second) is Status.QUEUED
    kill(pid_of(first))
    wait_until(lambda: finished(second), "the second one finished")


@pytest.mark.slow
def test_a_hundred_waiting_runs_are_one_small_process_that_does_nothing(runs: Path, queue: Queue) -> None:
    made = submitted(runs, ENDLESS, *[TINY] * 100)
    Watch(made[0]).next(StepMetrics)
    assert statuses(made[1:]) == [Status.QUEUED] * 100
    dispatcher = psutil.Process(dispatcher_of(queue))
    waiting = [
        process for process in psutil.process_iter(["cmdline"]) if str(queue.folder) in (process.info["cmdline"] or ())
    ]
    assert len(waiting) == 2  # the dispatcher, and the trainer of the first run
    time.sleep(1.0)  # it has started
    before = sum(dispatcher.cpu_times()[:2])
    time.sleep(3.0)
    assert sum(dispatcher.cpu_times()[:2]) - before < 0.03
    assert dispatcher.memory_info().rss < 60e6
    assert "numpy" not in " ".join(one.path for one in dispatcher.memory_maps())


def test_a_dispatcher_that_is_killed_is_replaced_while_a_trainer_lives(runs: Path, queue: Queue) -> None:
    first, second = submitted(runs, ENDLESS, TINY)
    Watch(first).next(StepMetrics)
    old = dispatcher_of(queue)
    kill(old)
    wait_until(lambda: dispatcher_of(queue) != old, "there was another")
    kill(pid_of(first))
    wait_until(lambda: finished(second), "the second one finished")


@pytest.mark.slow
def test_after_a_reboot_the_next_command_goes_on_with_the_queue(runs: Path, queue: Queue) -> None:
    """All processes are gone at once; the files are as they were."""
    first, second, third = submitted(runs, ENDLESS, TINY, TINY)
    Watch(first).next(StepMetrics)
    trainer, dispatcher = psutil.Process(pid_of(first)), psutil.Process(dispatcher_of(queue))
    for process in (dispatcher, trainer):
        process.suspend()
    for process in (dispatcher, trainer):
        process.kill()
    wait_until(lambda: not is_held(first), "the trainer is gone")
    time.sleep(0.5)
    assert statuses([first, second, third]) == [Status.INTERRUPTED, Status.QUEUED, Status.QUEUED]
    subprocess.run([sys.executable, "-m", "fmnist_tui", "runs", "--runs", str(runs)], check=True, capture_output=True)
    wait_until(lambda: finished(third), "the last one finished")
    assert finished(second)


def test_a_run_that_waits_can_be_stopped_and_resumed(runs: Path, queue: Queue) -> None:
    first, second, third = submitted(runs, ENDLESS, TINY, TINY)
    with pytest.raises(RunError, match=r"is waiting for its device: nothing to pause; stop it with: fmnist-tui stop"):
        send_command(second, Command.PAUSE)
    send_command(second, Command.STOP_NOW)
    assert statuses([second, third]) == [Status.STOPPED, Status.QUEUED]
    assert not queue.holds(second.path)
    check_resumable(second)
    assert submit([second]).queued == [second]
    kill(pid_of(first))
    wait_until(lambda: finished(second), "the resumed one finished, after the other")
    assert time_of(third, RunFinished) <= time_of(second, RunStarted)


def test_runs_that_were_deleted_or_stopped_elsewhere_are_passed_over(runs: Path, queue: Queue) -> None:
    first, deleted, stopped, last = submitted(runs, ENDLESS, TINY, TINY, TINY)
    deleted.path.rename(runs / "gone")
    with stopped.events.open("ab") as log:  # by another host, which can't change this host's queue
        log.write(b'{"event":"run_finished","reason":"stopped","resumable":true,"time":1.0,"seq":9,"attempt":0}\n')
    kill(pid_of(first))
    wait_until(lambda: finished(last), "the last one finished")
    assert status_of(stopped) is Status.STOPPED
    assert not deleted.path.exists()


def test_a_run_that_cannot_be_started_says_why_and_keeps_nobody_waiting(runs: Path, queue: Queue) -> None:
    first, broken, last = submitted(runs, ENDLESS, TINY, TINY)
    broken.train_log.mkdir()
    kill(pid_of(first))
    wait_until(lambda: finished(last), "the last one finished")
    assert status_of(broken) is Status.FAILED
    end = [one.event for one in LogReader(broken.events)][-1]
    assert isinstance(end, RunFinished)
    assert "can't start a trainer" in end.message


@pytest.mark.slow
def test_a_waiting_run_starts_as_whoever_asked_for_it_would_have(runs: Path, queue: Queue, tmp_path: Path) -> None:
    """Environment, file mode mask and priority are theirs, not those of whoever started the dispatcher."""
    ask = """
import os, sys
from pathlib import Path
sys.path.insert(0, "tests")
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.queue.submit import submit
os.umask(0o027); os.nice(3); os.environ["ASKED_BY"] = "somebody"
assert submit([RunDirectory(Path(sys.argv[1]))]).queued
"""
    first, _ = submitted(runs, ENDLESS, TINY)
    asked = request(runs, ENDLESS)
    subprocess.run([sys.executable, "-c", ask, str(asked.path)], check=True)
    send_command(first, Command.STOP_NOW)
    Watch(asked).next(StepMetrics)
    process = psutil.Process(pid_of(asked))
    assert process.environ()["ASKED_BY"] == "somebody"
    assert process.nice() == psutil.Process().nice() + 3
    assert asked.run_json.stat().st_mode & 0o777 == 0o640


@pytest.mark.slow
def test_a_dispatcher_of_a_lower_priority_is_replaced(runs: Path, queue: Queue) -> None:
    """What it starts could not have a higher priority than itself."""
    (first,) = submitted(runs, ENDLESS)
    low = request(runs, TINY)
    ask = "import os, sys; from pathlib import Path; from fmnist_tui.runs.directory import RunDirectory as R;"
    ask += "from fmnist_tui.runs.queue.submit import submit; os.nice(7); submit([R(Path(sys.argv[1]))])"
    subprocess.run([sys.executable, "-c", ask, str(low.path)], check=True)
    old = dispatcher_of(queue)
    assert psutil.Process(old).nice() == psutil.Process().nice() + 7
    (high,) = submitted(runs, TINY)
    wait_until(lambda: dispatcher_of(queue) != old, "it was replaced")
    assert psutil.Process(dispatcher_of(queue)).nice() == psutil.Process().nice()
    kill(pid_of(first))
    wait_until(lambda: finished(high), "both finished")
    assert finished(low)


# In the app


def test_a_run_in_the_app_waits_for_its_turn_like_any_other(runs: Path, queue: Queue) -> None:
    import threading

    (first,) = submitted(runs, ENDLESS)
    in_app = InAppRun(request(runs, TINY))
    thread = threading.Thread(target=in_app.train)
    thread.start()
    Watch(in_app.run).next(Queued)
    (last,) = submitted(runs, TINY)
    assert statuses([in_app.run, last]) == [Status.QUEUED] * 2
    kill(pid_of(first))
    thread.join()
    wait_until(lambda: finished(last), "the last one finished")
    assert finished(in_app.run)
    assert time_of(in_app.run, RunFinished) <= time_of(last, RunStarted)
    assert not list(queue.folder.glob("in-app-*"))


def test_a_waiting_app_that_is_killed_keeps_nobody_waiting(runs: Path, queue: Queue) -> None:
    (first,) = submitted(runs, ENDLESS)
    drive = "import sys; from pathlib import Path; from fmnist_tui.runs.directory import RunDirectory as R;"
    drive += "from fmnist_tui.runs.in_app import InAppRun; InAppRun(R(Path(sys.argv[1]))).train()"
    waiting = request(runs, ENDLESS)
    with subprocess.Popen([sys.executable, "-c", drive, str(waiting.path)]) as app:
        Watch(waiting).next(Queued)
        (last,) = submitted(runs, TINY)
        app.kill()
    kill(pid_of(first))
    wait_until(lambda: finished(last), "the last one finished")
    assert status_of(waiting) is Status.INTERRUPTED


def test_a_run_in_the_app_can_be_stopped_while_it_waits(runs: Path, queue: Queue) -> None:
    from concurrent.futures import ThreadPoolExecutor

    submitted(runs, ENDLESS)
    in_app = InAppRun(request(runs, TINY))
    with ThreadPoolExecutor(1) as pool:
        driving = pool.submit(in_app.train)
        Watch(in_app.run).next(Queued)
        send_command(in_app.run, Command.STOP_NOW)
        assert driving.result() == RunFinished("stopped", resumable=True)
    assert status_of(in_app.run) is Status.STOPPED
    assert queue.read() == ()


def test_a_queued_run_says_what_it_waits_for_and_for_how_long(queue: Queue, runs: Path) -> None:
    running, _, last = submitted(runs, ENDLESS, TINY, TINY)
    probe, waiting = WaitProbe(last), list[Waiting]()

    def is_known() -> bool:
        found = probe.look()
        waiting[:] = [found] if found else []
        return bool(found and found.behind and found.seconds)

    wait_until(is_known, "the time left of the run that trains is known")
    assert (waiting[0].needs, waiting[0].ahead, waiting[0].behind) == ("cpu", 1, running.run_id)
    assert WaitProbe(running).look() is None, "it trains"
