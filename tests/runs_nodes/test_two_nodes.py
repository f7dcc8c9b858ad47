"""Two machines whose locks, names and clocks differ share a folder of runs; all processes are real."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest
from cpus import on_one_cpu
from leftovers import has_ended
from runs.trainers import Watch, assert_undisturbed, checkpoint_steps, events_of, request
from waiting import wait_until

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.lock import current_attempt
from fmnist_tui.training.events import CheckpointSaved, Continued, Paused, Resumed, RunFinished, StepMetrics

from .conftest import MakeNode
from .nodes import ENDLESS, LONG, Node, attempts_in, kill, let_time_pass, trainer_of

FOLLOW = """
import os, sys, time
from pathlib import Path
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.follower import Follower

run, shift = RunDirectory(Path(sys.argv[1])), float(sys.argv[2])
follower = Follower(run)
follower.catch_up()
until = time.monotonic() + 3
while time.monotonic() < until:
    [os.path.exists(path) for path in (run.events, run.heartbeat, run.control)]  # cached from now on
    time.sleep(0.3)
    follower.look()
    if new := follower.poll():
        print(time.time() - shift - new[-1].time, follower.status)
"""


def started(node: Node, run: RunDirectory) -> RunDirectory:
    """The run, trained on the node, having taken steps."""
    assert node.call("resume", run.run_id, "--detach").status == 0
    Watch(run).next(StepMetrics)
    return run


def interrupted(node: Node, run: RunDirectory) -> RunDirectory:
    """The run, killed on the node after a checkpoint, for longer than a heartbeat may be old."""
    started(node, run)
    trainer = trainer_of(run, node.name)
    trainer.send_signal(signal.SIGUSR1)
    watch = Watch(run)
    watch.next(CheckpointSaved)
    watch.next(StepMetrics)
    kill(trainer)
    let_time_pass(run)
    return run


def read_and_control(a: Node, b: Node, runs: Path, shift: int) -> None:
    run = started(a, request(runs, ENDLESS))
    assert (a.status(run), b.status(run)) == ("running", "running")
    assert [line["status"] for line in b.call("runs", "--json").json] == ["running"]
    assert b.call("resume", run.run_id, "--detach").complaint == (
        f"run {run.run_id} is running; watch it with: fmnist-tui attach {run.run_id}"
    )
    assert "stop it first" in b.call("delete", run.run_id, "--yes").complaint

    with b.python(FOLLOW, run.path, shift) as follower:
        out, err = follower.communicate()
    lags = [(float(lag), status) for lag, _, status in (line.partition(" ") for line in out.splitlines())]
    assert lags, err
    assert all(lag < 5 and status == "running" for lag, status in lags)

    watch = Watch(run)
    for command, answer in (("pause", Paused), ("continue", Continued), ("stop", RunFinished)):
        sent = time.time()
        assert b.call(command, run.run_id, *(["--now"] if command == "stop" else [])).status == 0
        watch.next(answer)
        assert time.time() - sent < 5 + 3  # the command itself takes a second or two
    assert (a.status(run), b.status(run)) == ("stopped", "stopped")


def test_a_run_is_seen_and_controlled_from_a_node_that_caches_and_whose_clock_is_ahead(
    node: MakeNode, runs: Path
) -> None:
    read_and_control(node("node-a", stale=60), node("node-b", shift=3600, stale=60), runs, shift=3600)


@pytest.mark.slow
def test_or_whose_clock_is_behind(node: MakeNode, runs: Path) -> None:
    read_and_control(node("node-a", shift=3600, stale=60), node("node-b", stale=60), runs, shift=-3600)


@pytest.mark.slow
def test_a_run_whose_node_died_is_interrupted_after_ten_seconds_and_goes_on_elsewhere(
    node: MakeNode, runs: Path, undisturbed: RunDirectory
) -> None:
    a, b = node("node-a", shift=3600), node("node-b", shift=-3600, stale=60)
    run = started(a, request(runs, LONG))
    trainer_of(run, a.name).send_signal(signal.SIGUSR1)
    Watch(run).next(CheckpointSaved)
    kill(trainer_of(run, a.name))
    killed = time.monotonic()
    assert (a.status(run), b.status(run)) == ("interrupted", "running")
    assert "is running; watch it with" in b.call("resume", run.run_id).complaint
    wait_until(lambda: b.status(run) == "interrupted", "the heartbeat was stale")
    assert 8 < time.monotonic() - killed < 20
    assert b.call("resume", run.run_id).status == 0
    assert any(isinstance(event, Resumed) for event in events_of(run))
    assert_undisturbed(run, undisturbed)
    assert (a.status(run), b.status(run)) == ("finished", "finished")


def resume_on_both(nodes: tuple[Node, Node], run: RunDirectory, times: int) -> None:
    for _ in range(times):
        processes = [node.start("resume", run.run_id, "--detach") for node in nodes]
        outputs = [process.communicate() for process in processes]
        codes = sorted(process.returncode for process in processes)
        assert codes == [0, 1], outputs
        (complaint,) = [err for _, err in outputs if err.startswith("error: ")]
        assert "is already being trained" in complaint or "is running" in complaint
        winner = nodes[[process.returncode for process in processes].index(0)]
        trainer = trainer_of(run, winner.name)
        attempt = current_attempt(run)
        wait_until(lambda attempt=attempt: attempts_in(run)[-1] == attempt, "the new trainer wrote")  # type: ignore[misc]
        Watch(run).next(StepMetrics)
        kill(trainer)
        let_time_pass(run)
    attempts = attempts_in(run)
    assert attempts == sorted(attempts)
    assert len(set(attempts)) == times + 1


def test_of_two_nodes_that_resume_a_run_at_once_one_gets_it(node: MakeNode, runs: Path) -> None:
    a, b = node("node-a"), node("node-b")
    resume_on_both((a, b), interrupted(a, request(runs, ENDLESS)), 1)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_of_two_nodes_that_resume_a_run_at_once_one_gets_it_every_time(node: MakeNode, runs: Path) -> None:
    a, b = node("node-a", shift=-3600), node("node-b", stale=60)
    resume_on_both((a, b), interrupted(a, request(runs, ENDLESS)), 20)


def contents(run: RunDirectory) -> dict[str, tuple[int, bytes]]:
    """All that a trainer that was replaced must leave alone."""
    names = ["events.jsonl", "run.json", "result.json", "model.safetensors", "predictions.npz", "heartbeat"]
    files = [run.path / name for name in names] + sorted(run.checkpoints.rglob("*"))
    return {str(path): (path.stat().st_ino, path.read_bytes() if path.is_file() else b"") for path in files}


def take_over(a: Node, b: Node, run: RunDirectory, undisturbed: RunDirectory, seconds: float) -> None:
    started(a, run)
    trainer = trainer_of(run, a.name)
    trainer.send_signal(signal.SIGUSR1)
    watch = Watch(run)
    watch.next(CheckpointSaved)
    watch.next(StepMetrics)
    trainer.suspend()
    if seconds:
        time.sleep(seconds)
    else:
        let_time_pass(run)
    assert b.call("resume", run.run_id).status == 0
    assert b.status(run) == "finished"
    before = contents(run)
    trainer.resume()
    wait_until(lambda: has_ended(trainer.pid), "the one that was suspended ended")
    assert contents(run) == before
    assert attempts_in(run) == sorted(attempts_in(run))
    assert "taken by a newer trainer" in run.train_log.read_text()
    assert_undisturbed(run, undisturbed)
    assert (a.status(run), b.status(run)) == ("finished", "finished")
    assert len(checkpoint_steps(run)) == 2
    assert not list(run.path.rglob("*.tmp"))


@pytest.mark.slow
def test_a_trainer_that_was_suspended_finds_its_run_taken_and_writes_nothing_more(
    node: MakeNode, runs: Path, undisturbed: RunDirectory
) -> None:
    take_over(node("node-a"), node("node-b", shift=3600), request(runs, LONG), undisturbed, 0)


@pytest.mark.slow
def test_a_trainer_that_was_suspended_for_longer_than_a_heartbeat_may_be_old(
    node: MakeNode, runs: Path, undisturbed: RunDirectory
) -> None:
    take_over(node("node-a", shift=-3600), node("node-b", stale=60), request(runs, LONG), undisturbed, 12)


@pytest.mark.slow
def test_a_trainer_comes_back_while_another_node_trains(node: MakeNode, runs: Path) -> None:
    a, b = node("node-a"), node("node-b")
    run = started(a, request(runs, ENDLESS))
    trainer = trainer_of(run, a.name)
    trainer.suspend()
    let_time_pass(run)
    assert b.call("resume", run.run_id, "--detach").status == 0
    newer = trainer_of(run, b.name)
    wait_until(lambda: attempts_in(run)[-1] == 2, "it wrote")
    trainer.resume()
    wait_until(lambda: has_ended(trainer.pid), "the one that was suspended ended")
    Watch(run).next(StepMetrics)
    attempts = attempts_in(run)
    stale = [line for line, attempt in enumerate(attempts) if attempt < max(attempts[:line], default=0)]
    assert len(stale) <= 1, "the line that it had checked and not yet written when it was suspended"
    assert (a.status(run), b.status(run)) == ("running", "running")
    assert trainer_of(run, b.name) == newer
    assert b.call("stop", run.run_id, "--now").status == 0
    wait_until(lambda: has_ended(newer.pid), "it ended")
    assert b.status(run) == "stopped"


@pytest.mark.slow
def test_two_mounts_on_one_host_whose_locks_do_not_meet_are_distinguished_by_the_process(
    node: MakeNode, runs: Path
) -> None:
    one, other = node("node-a"), node("node-a", mount=1000)
    run = started(one, request(runs, ENDLESS))
    assert other.status(run) == "running"
    assert "is running" in other.call("resume", run.run_id, "--detach").complaint
    kill(trainer_of(run, one.name))
    assert other.status(run) == "interrupted"
    assert other.call("resume", run.run_id, "--detach").status == 0
    wait_until(lambda: attempts_in(run)[-1] == 2, "it wrote")
    assert one.status(run) == "running"


@pytest.mark.slow
def test_a_run_that_waits_on_one_node_is_stopped_from_another_and_resumed_there(node: MakeNode, runs: Path) -> None:
    with on_one_cpu():
        stop_and_resume_elsewhere(node("node-a"), node("node-b"), runs)


def stop_and_resume_elsewhere(a: Node, b: Node, runs: Path) -> None:
    first = started(a, request(runs, ENDLESS))
    waiting = request(runs, LONG)
    assert a.call("resume", waiting.run_id, "--detach").status == 0
    last = request(runs, LONG)
    assert a.call("resume", last.run_id, "--detach").status == 0
    assert [one.status(waiting) for one in (a, b)] == ["queued", "queued"]
    assert "waits to be trained" in b.call("delete", waiting.run_id, "--yes").complaint
    assert b.call("stop", waiting.run_id).status == 0
    assert [one.status(waiting) for one in (a, b)] == ["stopped", "stopped"]
    assert b.call("resume", waiting.run_id, "--detach").status == 0
    trainer_of(waiting, b.name)
    kill(trainer_of(first, a.name))
    wait_until(lambda: a.status(last) == "finished", "the last one finished on its node")
    wait_until(lambda: b.status(waiting) == "finished", "the other one finished elsewhere")
    assert json.loads(waiting.run_json.read_text())["host"] == b.name
    assert json.loads(last.run_json.read_text())["host"] == a.name


SEND = """
import sys
from pathlib import Path
from fmnist_tui.runs.control import send_command
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.training.events import Command

run = RunDirectory(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    send_command(run, Command.CONTINUE)
"""


@pytest.mark.slow
def test_commands_that_many_send_from_two_nodes_are_neither_lost_nor_garbled(node: MakeNode, runs: Path) -> None:
    """Also where what is appended lands at the end that a client has cached."""
    a, b = (node(name, appends="control.jsonl", stale=60) for name in ("node-a", "node-b"))
    run = started(a, request(runs, ENDLESS))
    each = 10
    senders = [one.python(SEND, run.path, each) for one in (a, b) for _ in range(4)]
    outputs = [sender.communicate() for sender in senders]
    assert [sender.returncode for sender in senders] == [0] * 8, outputs
    lines = [json.loads(line) for line in run.control.read_bytes().splitlines()]
    assert len(lines) == 8 * each
    assert len({line["id"] for line in lines}) == 8 * each
    assert {line["host"] for line in lines} == {a.name, b.name}
    assert not list(run.path.glob(".control*"))
