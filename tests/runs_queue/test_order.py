"""The order of the queue, and what is known about waits and about the cost of sharing a device."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from msgspec.structs import replace
from runs.trainers import ENDLESS_V0, request

from fmnist_tui.errors import RunError
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import Logged
from fmnist_tui.runs.queue import dispatch, order
from fmnist_tui.runs.queue.after import Outcome, outcome_of
from fmnist_tui.runs.queue.devices import Claim, take_claim
from fmnist_tui.runs.queue.dispatch import start_ready
from fmnist_tui.runs.queue.estimate import estimated_waits
from fmnist_tui.runs.queue.measured import SpeedFold, add_measured, read_measured
from fmnist_tui.runs.queue.options import QueueOptions
from fmnist_tui.runs.queue.slots import Machine
from fmnist_tui.runs.queue.store import AUTO, Entry, Queue, enqueued
from fmnist_tui.runs.queue.submit import submit
from fmnist_tui.runs.queue.waiting import QueueProbe, Sharing, WaitProbe
from fmnist_tui.training.events import Event, RunFinished, RunStarted, StepMetrics
from fmnist_tui.training.events import Sharing as SharingEvent

from .busy import busy


@pytest.fixture(autouse=True)
def no_dispatcher(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing starts behind the tests' back."""
    monkeypatch.setattr(dispatch, "ensure_dispatcher", lambda _: None)
    monkeypatch.setattr(order, "ensure_dispatcher", lambda _: None)
    monkeypatch.setattr("fmnist_tui.runs.queue.submit.ensure_dispatcher", lambda _: None)


def entry(name: str, priority: int = 0, **more: object) -> Entry:
    return Entry(run=f"/runs/{name}", created=1.0, needs="cpu", priority=priority, **more)  # type: ignore[arg-type]


def names(entries: list[Entry]) -> str:
    return "".join(one.run_id for one in entries)


# The order


def test_runs_start_by_priority_and_then_in_the_order_of_their_requests() -> None:
    queue = enqueued([], [entry("a"), entry("b"), entry("h", 5), entry("l", -1), entry("c")])
    assert names(queue) == "habcl"
    assert names(enqueued(queue, [entry("x", 5), entry("a")])) == "hxbcal"
    assert names(enqueued(queue, [entry("x")], first=True)) == "hxabcl", "in front of its priority"
    assert names(order.with_priority(queue, "/runs/c", 5)) == "hcabl"


def test_a_run_moves_by_one_place_and_takes_the_priority_of_the_one_that_it_passes() -> None:
    queue = enqueued([], [entry("h", 5), entry("a"), entry("b")])
    up = order.moved(order.moved(queue, "/runs/b", -1), "/runs/b", -1)
    assert [(one.run_id, one.priority) for one in up] == [("b", 5), ("h", 5), ("a", 0)]
    assert order.moved(up, "/runs/b", -1) == up, "it is the first one already"
    down = order.moved(up, "/runs/h", 1)
    assert [(one.run_id, one.priority) for one in down] == [("b", 5), ("a", 0), ("h", 0)]


def test_a_released_run_waits_no_longer_for_one_that_has_failed() -> None:
    queue = [entry("a", after="/runs/x"), entry("b", after="/runs/x", held="held: x failed")]
    held = order.held(queue, "/runs/a")
    assert [one.held for one in held] == ["held", "held: x failed"]
    for run in ("/runs/a", "/runs/b"):
        held = order.released(held, run)
    assert [(one.held, one.after) for one in held] == [("", "/runs/x"), ("", "")]


def test_a_queued_run_is_changed_by_its_id_a_prefix_or_its_label(runs: Path, queue: Queue) -> None:
    first, second = (request(runs, ENDLESS_V0) for _ in range(2))
    second.label.write_text(json.dumps({"name": "mine"}))
    with busy(queue):
        assert submit([first, second]).queued == [first, second]
        changed, place = order.change("mine", lambda entries, run: order.moved(entries, run, -1))
        assert (changed.run_id, place) == (second.run_id, 1)
        assert [one.run_id for one in queue.read()] == [second.run_id, first.run_id]
        assert order.change(first.run_id, order.held)[0].held == "held"
        for ref, fault in (("v0", "is ambiguous"), ("v9", "no queued run is named"), ("", "no queued run")):
            with pytest.raises(RunError, match=fault):
                order.change(ref, order.held)
        view = QueueProbe().look()
        assert [(row.order, row.reason, row.held) for row in view.rows[1:]] == [
            (1, "waits for cpu", False),
            (2, "held", True),
        ]
    with queue.locked():
        started = start_ready(queue)
        assert [run.run_id for run in started.started] == [second.run_id], "the held one stays"
        assert [one.run_id for one in queue.read()] == [first.run_id]
    for process in started.started.values():
        process.kill()
        process.wait()


# After another run


def ended(runs: Path, end: Event | None) -> RunDirectory:
    run = request(runs, ENDLESS_V0)
    if end is not None:
        from fmnist_tui.runs.event_log import encode

        run.events.write_bytes(encode(Logged(end, 1.0, 0)))
    return run


def test_only_success_lets_the_next_run_start(runs: Path) -> None:
    ends = {
        RunFinished("completed"): Outcome.SUCCEEDED,
        RunFinished("stopped", scored=True): Outcome.SUCCEEDED,
        RunFinished("stopped"): Outcome.FAILED,
        RunFinished("stopped", resumable=True): Outcome.FAILED,
        RunFinished("failed", resumable=True): Outcome.FAILED,
        RunFinished("diverged"): Outcome.FAILED,
        None: Outcome.OPEN,  # interrupted: it may be resumed
    }
    assert [outcome_of(ended(runs, end).path)[0] for end in ends] == list(ends.values())
    assert outcome_of(runs / "gone") == (Outcome.FAILED, "gone was deleted")
    assert outcome_of(runs / "unmounted" / "gone")[0] is Outcome.OPEN


def test_a_run_is_held_with_the_reason_where_the_one_before_it_fails(runs: Path, queue: Queue) -> None:
    before = ended(runs, None)
    run = request(runs, ENDLESS_V0)
    options = QueueOptions(after=str(before.path))
    assert submit([run], options).queued == [run]
    waiting = WaitProbe(run).look()
    assert waiting is not None
    assert waiting.reason == f"waits for {before.run_id}, which was interrupted: resume it"
    with queue.locked():
        assert start_ready(queue).look_again
        before.path.rename(runs / "gone")
        assert not start_ready(queue).look_again
        assert queue.read()[0].held == f"held: {before.run_id} was deleted"


def test_a_run_waits_no_longer_for_one_that_has_succeeded(runs: Path, queue: Queue) -> None:
    """Whatever becomes of it while the run waits for a device."""
    before, run = ended(runs, RunFinished("completed")), request(runs, ENDLESS_V0)
    with busy(queue):
        assert submit([run], QueueOptions(after=str(before.path))).queued == [run]
        assert [one.after for one in queue.read()] == [""]


# Speeds and waits


def speeds(*parts: tuple[int, float]) -> SpeedFold:
    """A run that shares its device with so many runs, each part with this speed in images/s."""
    fold, seq = SpeedFold(), 0
    started = RunStarted("v0", 100, 10, 10, 1, 1)
    for runs, speed in parts:
        step = StepMetrics(1, 1, 0.5, 0.5, 0.1, speed)
        for event in (started if not seq else SharingEvent(runs), *[step] * 8):
            fold.add(Logged(event, 1.0, seq))
            seq += 1
    return fold


def test_the_speed_alone_and_beside_others_is_read_from_a_log() -> None:
    assert (speeds((1, 100.0)).alone, speeds((1, 100.0)).now) == (100.0, 100.0)
    both = speeds((1, 100.0), (2, 60.0))
    assert (both.alone, both.now, both.runs) == (100.0, 60.0, 2)
    assert speeds((1, 100.0), (2, 60.0), (1, 90.0)).now == 90.0
    assert SpeedFold().alone is None


def test_what_sharing_costs_is_a_line() -> None:
    shared = {"/r/v1-a": 30_000.0, "/r/v3-b": 20_000.0}
    alone = {"/r/v1-a": 50_143.0, "/r/v3-b": 32_553.0}
    text = (
        "2 runs share cuda:0: 50,000 images/s together, 1.2 times one alone (v1: 50,143 images/s, v3: 32,553 images/s)"
    )
    assert Sharing("cuda:0", shared, alone).text == text
    unknown = {**alone, "/r/v3-b": None}
    assert Sharing("cuda:0", shared, unknown).text.endswith("50,000 images/s together; alone v1: 50,143 images/s")
    assert Sharing("cuda:0", dict.fromkeys(shared), unknown).text == "2 runs share cuda:0: not measured yet"


def test_what_models_need_is_kept_and_a_damaged_file_is_nothing(queue: Queue) -> None:
    add_measured(queue, "v3", "GPU-a", 500, 20.0)
    add_measured(queue, "v3", "cpu", 300, 10.0)
    add_measured(queue, "v3", "GPU-a", 400, None)
    assert read_measured(queue)["v3"].memory == 500
    assert read_measured(queue)["v3"].speeds == {"GPU-a": 20.0, "cpu": 10.0}
    (queue.folder / "measured.json").write_text("{")
    assert read_measured(queue) == {}


def test_waits_are_estimated_by_playing_the_queue_ahead() -> None:
    def on_gpu(name: str, **more: object) -> Entry:
        return replace(entry(name), gpus=(("GPU-a", 0),), per_gpu=2, **more)

    queue = [on_gpu("a"), on_gpu("h", held="held"), on_gpu("b"), on_gpu("c", after="/runs/a"), on_gpu("x")]
    queue.append(on_gpu("never", after="/runs/h"))
    running = [(Claim(run="/runs/1", gpu="GPU-a", per_gpu=2), seconds) for seconds in (100.0, 250.0)]
    durations = {"/runs/a": 50.0, "/runs/b": 1000.0, "/runs/c": 10.0}
    here = Machine(tuple)
    assert estimated_waits(queue, running, durations, here) == {
        "/runs/a": 100.0,
        "/runs/b": 150.0,
        "/runs/c": 250.0,
        "/runs/x": 260.0,
    }
    unknown = [(claim, None) for claim, _ in running]
    assert estimated_waits(queue, unknown, durations, here) == {}
    auto = [replace(one, per_gpu=AUTO) for one in queue[:1]]
    assert estimated_waits(auto, running, durations, here) == {"/runs/a": 100.0}


def test_a_claim_of_an_earlier_version_is_one_run_alone(queue: Queue) -> None:
    with queue.locked():
        held = take_claim(queue, Claim(run="/runs/old", gpu="GPU-a"))
        held.path.write_text('{"run":"/runs/old","gpu":"GPU-a","index":0,"cpus":[],"threads":0}')
        (claim,) = dispatch.all_claims(queue).values()
    held.release()
    assert (claim.per_gpu, claim.since, math.isfinite(claim.priority)) == (1, 0.0, True)
