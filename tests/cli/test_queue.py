from __future__ import annotations

from pathlib import Path

from waiting import wait_until

from fmnist_tui.runs.directory import RunDirectory, list_runs
from fmnist_tui.runs.request import request_run
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.recipes import configure

from .commands import ENDLESS, wait_for_status
from .conftest import Fmnist


def test_an_empty_queue_shows_how_to_start_a_run(fmnist: Fmnist) -> None:
    outcome = fmnist("queue")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.lines == ["no run has a device or is waiting for one; start one with: fmnist-tui train v0"]
    assert fmnist("queue", "--json").json == []


def test_runs_of_all_folders_are_listed_in_the_order_in_which_they_start(fmnist: Fmnist, runs: Path) -> None:
    other = runs.with_name("other")
    all_cpus = ("--threads", "0", "--detach")
    assert fmnist("train", *ENDLESS, *all_cpus, "--runs", runs).status == 0
    assert fmnist("train", *ENDLESS, *all_cpus, "--seeds", "2", "--runs", other).status == 0
    (first,), (third, second) = list_runs(runs), list_runs(other)
    rows = fmnist("queue", "--json").json
    assert [(row["order"], row["run"], row["status"]) for row in rows] == [
        (None, first.run_id, "running"),
        (1, second.run_id, "queued"),
        (2, third.run_id, "queued"),
    ]
    assert {row["device"] for row in rows} == {"cpu"}
    assert [Path(row["folder"]) for row in rows] == [runs, other, other]
    assert [row["reason"] for row in rows] == ["", "waits for cpu", "waits for cpu"]
    assert {(row["priority"], row["held"], row["after"], row["per_gpu"], row["sharing"]) for row in rows} == {
        (0, False, None, 1, None)
    }
    assert fmnist("queue", "up", third.run_id).lines == [f"{third.run_id}: place 1, priority 0"]
    assert fmnist("queue", "hold", third.run_id).lines == [f"{third.run_id}: place 1, priority 0, held"]
    assert fmnist("queue", "priority", second.run_id, "7").lines == [f"{second.run_id}: place 1, priority 7"]
    listed = fmnist("queue").lines[1:]
    assert [run.run_id in line for run, line in zip((first, second, third), listed, strict=True)] == [True] * 3
    assert fmnist("queue", "release", third.run_id).status == 0
    assert fmnist("queue", "down", second.run_id).lines == [f"{second.run_id}: place 2, priority 0"]
    assert "no queued run is named 'v9'" in fmnist("queue", "up", "v9").complaint
    assert fmnist("queue", "priority", second.run_id, "high").status == 2
    for run in (third, second, first):
        assert fmnist("stop", run.run_id, "--now", "--runs", run.path.parent).status == 0
    for run in (first, second, third):
        wait_for_status(run, Status.STOPPED)
    assert status_of(first) is Status.STOPPED
    wait_until(lambda: fmnist("queue", "--json").json == [], "the last trainer gave its device back")


def test_nothing_is_started_after_a_run_that_has_failed(fmnist: Fmnist, runs: Path) -> None:
    first = failed_run(runs)
    refused = fmnist("train", *ENDLESS, "--after", first.run_id, "--detach", "--runs", runs)
    assert refused.status == 1
    assert f"{first.run_id} failed, so nothing would start after it" in refused.complaint
    assert list_runs(runs) == [first]
    assert fmnist("train", *ENDLESS, "--per-gpu", "0", "--runs", runs).status == 2
    assert fmnist("train", *ENDLESS, "--per-gpu", 5000 * "9", "--runs", runs).status == 2
    elsewhere = fmnist("train", *ENDLESS, "--after", first.run_id, "--on", "ssh:node", "--runs", runs)
    assert (elsewhere.status, "leave out --on or --after" in elsewhere.complaint) == (2, True)


def failed_run(runs: Path) -> RunDirectory:
    run = request_run(runs, configure("v0", "tuned", {}), "demo")
    run.events.write_text('{"event":"run_finished","reason":"failed","time":1.0,"seq":0}\n')
    return run
