"""What the queue keeps is removed, damaged, full or read-only while runs wait: nothing hangs and no run is lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from full_disk import space_for
from leftovers import has_ended
from runs.trainers import ENDLESS_V0, Watch, request
from waiting import wait_until

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.heartbeat import read_heartbeat
from fmnist_tui.runs.in_app import InAppRun
from fmnist_tui.runs.queue import dispatch
from fmnist_tui.runs.queue import submit as starting
from fmnist_tui.runs.queue.dispatch import dispatcher_in, ensure_dispatcher, revive, wake
from fmnist_tui.runs.queue.store import Queue
from fmnist_tui.runs.queue.submit import submit
from fmnist_tui.runs.resume import check_resumable
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.events import Queued, StepMetrics
from fmnist_tui.training.recipes import configure

from .busy import busy

pytestmark = pytest.mark.usefixtures("one_cpu")

TINY = configure("v0", "tuned", {"epochs": 1, "batch_size": 16}, limit=50, threads=1)


def running_and_waiting(runs: Path) -> tuple[RunDirectory, RunDirectory]:
    first, second = request(runs, ENDLESS_V0), request(runs, TINY)
    submitted = submit([first, second])
    assert submitted.queued == [second]
    Watch(first).next(StepMetrics)
    assert status_of(second) is Status.QUEUED
    return first, second


def remove(folder: Path) -> None:
    """At once: the dispatcher may be writing there."""
    shutil.rmtree(folder.rename(folder.with_name("removed")))


def end(run: RunDirectory) -> None:
    """Kills the run's trainer."""
    beat = read_heartbeat(run)
    assert beat is not None
    os.kill(beat.pid, signal.SIGKILL)
    wait_until(lambda: has_ended(beat.pid), "it ended")


def dispatcher_of(queue: Queue) -> psutil.Process:
    def found() -> int:
        handle = os.open(queue.dispatcher_lock, os.O_RDONLY | os.O_CREAT)
        try:
            return dispatcher_in(handle)[0]
        finally:
            os.close(handle)

    wait_until(found, "there was a dispatcher")
    return psutil.Process(found())


def wait_for(run: RunDirectory, status: Status) -> None:
    wait_until(lambda: status_of(run) is status, f"{run.run_id} was {status}")


@pytest.mark.parametrize(
    "damage",
    [
        lambda queue: queue.order_file.unlink(),
        lambda queue: queue.order_file.write_bytes(b""),
        lambda queue: os.truncate(queue.order_file, 50),
        lambda queue: remove(queue.folder),
        lambda queue: remove(queue.folder.parent.parent),
    ],
    ids=["removed", "emptied", "cut", "folder removed", "state folder removed"],
)
def test_runs_that_the_order_has_lost_are_interrupted_and_can_be_resumed(
    runs: Path, queue: Queue, damage: Callable[[Queue], object]
) -> None:
    waiting = request(runs, TINY)
    with busy(queue):
        submit([waiting])
        assert status_of(waiting) is Status.QUEUED
        dispatcher = dispatcher_of(queue)
        with queue.locked():  # the dispatcher isn't changing it just now
            damage(queue)
        assert status_of(waiting) is Status.INTERRUPTED
        check_resumable(waiting)
        assert not submit([waiting]).failed
        assert status_of(waiting).has_trainer
    wait_for(waiting, Status.FINISHED)
    wait_until(lambda: has_ended(dispatcher.pid), "no dispatcher was left")


def test_a_run_in_the_app_keeps_its_place_where_the_order_is_lost(runs: Path, queue: Queue) -> None:
    with busy(queue):
        in_app = InAppRun(request(runs, TINY))
        thread = threading.Thread(target=in_app.train)
        thread.start()
        Watch(in_app.run).next(Queued)
        queue.order_file.unlink()
        wait_until(lambda: queue.holds(in_app.run.path), "it has joined the queue again")
    thread.join()
    assert status_of(in_app.run) is Status.FINISHED


def cpu_seconds(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:2]))


@pytest.mark.slow
@pytest.mark.parametrize("become", ["file", "folder", "gone"])
def test_a_wake_pipe_that_is_no_pipe_any_more_costs_nothing_and_stops_nothing(
    runs: Path, queue: Queue, become: str
) -> None:
    first, second = running_and_waiting(runs)
    dispatcher = dispatcher_of(queue)
    wait_until(queue.wake_pipe.exists, "there was a pipe")
    end_dispatcher = dispatcher.pid
    os.kill(end_dispatcher, signal.SIGKILL)
    wait_until(lambda: has_ended(end_dispatcher), "it ended")
    queue.wake_pipe.unlink()
    if become == "file":
        queue.wake_pipe.write_text("no pipe")
    elif become == "folder":
        queue.wake_pipe.mkdir()
        (queue.wake_pipe / "in the way").touch()
    wait_until(lambda: dispatcher_of(queue).pid != end_dispatcher, "there was another")
    dispatcher = dispatcher_of(queue)
    time.sleep(1.0)
    before = cpu_seconds(dispatcher)
    time.sleep(1.0)
    assert cpu_seconds(dispatcher) - before < 0.1
    end(first)
    wait_for(second, Status.FINISHED)


@pytest.mark.slow
def test_a_pipe_that_is_replaced_while_the_dispatcher_waits_is_found_at_its_next_look(runs: Path, queue: Queue) -> None:
    first, second = running_and_waiting(runs)
    dispatcher_of(queue)
    wait_until(queue.wake_pipe.exists, "there was a pipe")
    queue.wake_pipe.unlink()
    queue.wake_pipe.write_text("no pipe")
    wake(queue)
    third = request(runs, TINY)
    assert submit([third]).queued == [third]
    end(first)
    wait_for(second, Status.FINISHED)
    wait_for(third, Status.FINISHED)


@pytest.mark.slow
def test_a_dispatcher_whose_lock_was_removed_starts_each_run_once(runs: Path, queue: Queue) -> None:
    first, second = running_and_waiting(runs)
    old = dispatcher_of(queue)
    queue.dispatcher_lock.unlink()
    third = request(runs, TINY)
    assert submit([third]).queued == [third]
    end(first)
    wait_for(third, Status.FINISHED)
    wait_for(second, Status.FINISHED)
    wait_until(lambda: has_ended(old.pid), "the first one ended, too")
    for run in (second, third):
        assert run.events.read_bytes().count(b"run_started") == 1


def test_a_claim_that_a_dead_trainer_left_is_nothing_even_where_its_pid_lives_again(runs: Path, queue: Queue) -> None:
    first = request(runs, ENDLESS_V0)
    submit([first])
    Watch(first).next(StepMetrics)
    end(first)
    (claim,) = queue.claims_folder.glob("*.json")
    beat = read_heartbeat(first)
    assert beat is not None
    first.heartbeat.write_text(first.heartbeat.read_text().replace(f'"pid":{beat.pid}', f'"pid":{os.getpid()}'))
    wait_until(lambda: status_of(first) is Status.INTERRUPTED, "the lock went with the trainer's last thread")
    second = request(runs, TINY)
    assert list(submit([second]).started) == [second]
    assert not claim.exists()
    wait_for(second, Status.FINISHED)


def test_no_innocent_process_is_ended_for_a_dispatchers_old_pid(queue: Queue) -> None:
    """The dispatcher was killed, its pid is another process's, and somebody just looks whether its lock is free."""
    import fcntl

    with queue.locked(), subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as innocent:
        queue.dispatcher_lock.write_text(f"{innocent.pid} 19\n")
        with queue.dispatcher_lock.open("rb") as look:
            fcntl.flock(look, fcntl.LOCK_SH)
            threading.Timer(1.0, look.close).start()  # longer than a reader takes, even on a busy machine
            ensure_dispatcher(queue)
        time.sleep(0.2)
        assert innocent.poll() is None
        innocent.kill()


def test_a_full_disk_under_the_queue_is_reported_and_the_queue_moves_elsewhere(
    runs: Path, queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = request(runs, TINY)
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    monkeypatch.setattr(starting, "private_temporary_folder", lambda: private)
    real = Queue.write

    def write(queue: Queue, entries: object) -> None:
        if queue.folder.is_relative_to(private):
            real(queue, entries)  # type: ignore[arg-type]
        else:
            with space_for(0):
                real(queue, entries)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Queue, "write", write)
        submitted = submit([run])
    assert "can't write the queue in" in submitted.warning
    assert "it is in a temporary folder" in submitted.warning
    wait_for(run, Status.FINISHED)


def test_claims_that_cannot_be_written_cost_no_descriptor(runs: Path, queue: Queue) -> None:
    from fmnist_tui.errors import RunError
    from fmnist_tui.runs.queue.devices import Claim, take_claim

    with queue.locked():
        before = psutil.Process().num_fds()
        for _ in range(3):
            with space_for(0), pytest.raises(RunError, match="can't write"):
                take_claim(queue, Claim(run="/runs/somebody"))
        assert psutil.Process().num_fds() == before


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount")
def test_a_queue_that_became_read_only_is_one_line_and_runs_train(runs: Path, queue: Queue, tmp_path: Path) -> None:
    with queue.locked():
        queue.write([])
    run = request(runs, TINY)
    script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'
    command = [sys.executable, "-m", "fmnist_tui", "resume", run.run_id, "--runs", str(runs)]
    ended = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", str(queue.folder), *command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert ended.returncode == 0, ended
    assert len(ended.stderr.splitlines()) == 1
    assert "can't write the queue in" in ended.stderr
    assert status_of(run) is Status.FINISHED


def test_a_dispatcher_that_cannot_be_started_is_a_warning_and_the_runs_wait(
    runs: Path, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = request(runs, TINY)
    with busy(queue):
        with monkeypatch.context() as patch:
            patch.setattr(dispatch, "python_command", lambda *_: ["/nowhere"])
            submitted = submit([waiting])
        assert "can't be started (No such file or directory)" in submitted.warning
        assert submitted.queued == [waiting]
        assert not submitted.failed
        revive(queue)
    wait_for(waiting, Status.FINISHED)


@pytest.mark.slow
def test_a_clock_that_is_set_back_while_runs_wait_changes_nothing(
    runs: Path, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = running_and_waiting(runs)
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda real=time.time: real() - 3600)
        third = request(runs, TINY)
        assert submit([third]).queued == [third]
    assert [Path(entry.run).name for entry in queue.read()] == [second.run_id, third.run_id]
    end(first)
    wait_for(third, Status.FINISHED)
    assert status_of(second) is Status.FINISHED
