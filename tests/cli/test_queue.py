from __future__ import annotations

from pathlib import Path

from waiting import wait_until

from fmnist_tui.runs.directory import list_runs
from fmnist_tui.runs.status import Status, status_of

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
    assert [line.split()[-4] for line in fmnist("queue").lines[1:]] == [first.run_id, second.run_id, third.run_id]
    for run in (third, second, first):
        assert fmnist("stop", run.run_id, "--now", "--runs", run.path.parent).status == 0
    for run in (first, second, third):
        wait_for_status(run, Status.STOPPED)
    assert status_of(first) is Status.STOPPED
    wait_until(lambda: fmnist("queue", "--json").json == [], "the last trainer gave its device back")
