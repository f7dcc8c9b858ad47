from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from waiting import PATIENCE

from fmnist_tui.analysis.run_filter import parse_filter
from fmnist_tui.analysis.watched_runs import RunLogs, WatchedRun
from fmnist_tui.cli.watch import _Changes, _Live, run_document
from fmnist_tui.cli.watch_table import table_lines
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.run import Run, read_run
from fmnist_tui.runs.status import Status
from fmnist_tui.training.events import Resources

from .commands import PROGRAM, copy_of, edit
from .conftest import Fmnist

KEYS = {
    *("run", "version", "recipe", "seed", "status", "damage", "epoch", "epochs", "validation_accuracy"),
    *("validation_nll", "best_validation_accuracy", "best_epoch", "test_accuracy", "seconds_left", "device", "host"),
    *("label", "tags", "resources"),
}
RESOURCES = {"time", "process_cpus", "process_memory", "machine_cpu", "gpu", "gpu_memory", "gpu_memory_total"}


@pytest.fixture
def watched(finished: RunDirectory) -> WatchedRun:
    """The finished run, as it is watched."""
    return RunLogs().read(read_run(finished))


def as_running(one: WatchedRun, epochs: int) -> WatchedRun:
    """The run as it was after so many epochs, on a GPU."""
    run = replace(one.run, status=Status.RUNNING, epochs_done=epochs, result=None)
    used = Resources(1.9, 400_000_000, 0.5, 0.87, 2_000_000_000, 141_000_000_000)
    return replace(one, run=run, epochs=one.epochs[:epochs], resources=((1000.0, used),))


def named(one: WatchedRun, run_id: str, **values: Any) -> WatchedRun:
    """Another run like it."""
    directory = RunDirectory(one.run.path.with_name(run_id))
    return replace(one, run=replace(one.run, directory=directory), values={**one.values, "run": run_id, **values})


def test_json_has_the_keys_of_the_contract(
    fmnist: Fmnist, finished: RunDirectory, runs: Path, watched: WatchedRun
) -> None:
    copy_of(finished, runs, "v0-20250101-000000-0001")
    edit(copy_of(finished, runs, "v0-20250102-000000-0001").label, name="second", tags=["night"])
    document = fmnist("watch", "--once", "--json", "--runs", runs, "--group", "tag,seed").json
    assert document.keys() == {"folder", "runs", "groups"}
    second, first = document["runs"]
    assert first.keys() == KEYS
    assert (second["run"], second["label"], second["tags"]) == ("v0-20250102-000000-0001", "second", ["night"])
    assert (first["version"], first["recipe"], first["status"], first["epoch"]) == ("v0", "tuned*", "finished", 6)
    assert first["best_validation_accuracy"] >= first["validation_accuracy"] > 0
    assert (first["seconds_left"], first["resources"]) == (None, None)
    night, none = document["groups"]
    assert night.keys() == {"group", "runs", "best_validation_accuracy", "test_accuracy"}
    assert (night["group"], night["runs"]) == ({"tag": "night", "seed": "3"}, ["v0-20250102-000000-0001"])
    assert night["test_accuracy"] == {"mean": first["test_accuracy"], "n": 1, "interval": None}
    assert none["group"] == {"tag": "none", "seed": "3"}
    running = run_document(as_running(watched, 2))
    assert running["resources"].keys() == RESOURCES
    assert (running["resources"]["gpu"], running["status"]) == (0.87, "running")
    assert running["seconds_left"] == pytest.approx(4 * sum(epoch.seconds for epoch in watched.epochs[:2]) / 2)


def test_a_filter_leaves_runs_out_and_a_mistake_in_it_is_wrong_usage(
    fmnist: Fmnist, finished: RunDirectory, runs: Path
) -> None:
    copy_of(finished, runs, "v0-20250101-000000-0001")
    (runs / "v2-20250101-000000-00ff").mkdir(parents=True)
    (runs / "v2-20250101-000000-00ff" / "run.json").write_text("{")
    heading, run, total = fmnist("watch", "--once", "--runs", runs, "--filter", "seed=3 status=finished").lines
    assert heading.split()[:3] == ["run", "status", "epoch"]
    assert run.split()[:3] == ["v0-20250101-000000-0001", "finished", "6/6"]
    assert total == "1 run: 1 finished"
    damaged = fmnist("watch", "--once", "--runs", runs, "--filter", "model=v2").lines
    assert "run.json is damaged" in damaged[1]
    assert fmnist("watch", "--once", "--runs", runs, "--filter", "seed=7").lines == [f"no run matches in {runs}"]
    wrong = fmnist("watch", "--once", "--runs", runs, "--filter", "sed=3")
    assert (wrong.status, wrong.complaint) == (
        2,
        "unknown field 'sed'; did you mean seed? (see fmnist-tui watch --help)",
    )
    assert fmnist("watch", "--once", "--runs", runs, "--group", "modle").status == 2


def test_a_table_has_the_most_important_columns_that_fit_and_running_runs_first(watched: WatchedRun) -> None:
    waits = named(watched, "v1-20250102-000000-0001")
    waits = replace(waits, run=replace(waits.run, status=Status.QUEUED))
    runs = [named(watched, "v0-20250103-000000-0001"), as_running(named(watched, "v3-20250104-000000-0001"), 2), waits]
    lines = [line.plain for line in table_lines({(): runs}, 200)]
    header = "run status epoch val acc best test time left recipe seed CPUs GPU"
    assert " ".join(lines[0].split()) == header
    assert [line[:2] for line in lines[1:4]] == ["v3", "v1", "v0"]
    assert lines[1].split()[1:3] == ["running", "2/6"]
    assert "1.9  87%" in lines[1]
    assert {line.index("/6") for line in lines[1:4]} == {lines[0].index("epoch") + 3}
    assert lines[-1] == "3 runs: 1 running, 1 queued, 1 finished"
    for width in (25, 40, 60, 80, 120):
        narrow = table_lines({(): runs}, width)
        assert max(line.cell_len for line in narrow) <= width
        assert len(narrow) == len(lines)


def test_a_group_has_its_means_and_what_does_not_fit_a_terminal_is_counted(watched: WatchedRun) -> None:
    scored = [replace(watched.run, result=replace_accuracy(watched.run, accuracy)) for accuracy in (0.8, 0.9)]
    runs = [replace(watched, run=run, values={**watched.values, "seed": seed}) for seed, run in enumerate(scored)]
    groups: dict[tuple[str, ...], list[WatchedRun]] = {("v0", "tuned"): runs, ("v1", "tuned"): runs}
    lines = [line.plain for line in table_lines(groups, 200)]
    assert lines[1].startswith("v0 tuned: 2 runs, best ")
    assert lines[1].endswith("test 85.00% (21.47% to 100.00%)")
    short = [line.plain for line in table_lines(groups, 200, 5, "can't read the runs folder")]
    assert len(short) == 5
    assert short[-2].startswith("... 4 more lines")
    assert short[-1] == "can't read the runs folder"


def replace_accuracy(run: Run, accuracy: float) -> Any:
    assert run.result
    return msgspec.structs.replace(run.result, test_accuracy=accuracy)


def test_changes_are_lines_and_a_run_that_no_longer_matches_has_a_last_one(
    watched: WatchedRun, capsys: pytest.CaptureFixture[str]
) -> None:
    def printed(runs: Sequence[WatchedRun], fault: str = "") -> list[str]:
        view.show(runs, fault)
        return capsys.readouterr().out.splitlines()

    def values(one: WatchedRun, status: str) -> WatchedRun:
        return replace(one, values={**one.values, "status": (status,)})

    view = _Changes(parse_filter("status=running"), as_json=False)
    run_id = watched.run.run_id
    assert printed([watched]) == []
    first, second = (values(as_running(watched, epochs), "running") for epochs in (1, 2))
    (line,) = printed([first])
    assert line.startswith(f"{run_id}  running, epoch 2/6, validation ")
    assert printed([first]) == []
    assert printed([replace(first)]) == [], "another object, but nothing to say"
    assert len(printed([second])) == 1
    assert printed([], fault="can't read the runs folder") == [], "which deletes no run"
    assert printed([watched])[0].startswith(f"{run_id}  finished 6/6, ")
    assert printed([]) == []
    assert len(printed([first])) == 1
    assert printed([]) == [f"{run_id}  deleted"]


def test_it_goes_on_until_ctrl_c_whatever_happens_to_the_runs(finished: RunDirectory, runs: Path) -> None:
    first = copy_of(finished, runs, "v0-20250101-000000-0001")
    command = [*PROGRAM, "watch", "--json", "--runs", str(runs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        try:
            read = reader_of(watching)
            assert (shown := read())["run"] == first.run_id
            assert shown.keys() == KEYS
            second = copy_of(finished, runs, "v0-20250102-000000-0001")
            assert read()["run"] == second.run_id
            shutil.rmtree(first.path)
            assert read() == {"run": first.run_id, "status": "deleted"}
            watching.send_signal(signal.SIGINT)
            assert watching.wait(PATIENCE) == 130
        finally:
            watching.kill()


def reader_of(process: subprocess.Popen[str]) -> Callable[[], Any]:
    assert process.stdout
    lines = iter(process.stdout.readline, "")
    return lambda: json.loads(next(lines))


def test_on_a_terminal_a_table_is_painted_and_left_there(
    watched: WatchedRun, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    view = _Live(lambda runs: {(): list(runs)})
    view.show([as_running(watched, 2)], "")
    view.show([watched], "")
    view.show([], "can't read the runs folder")
    view.close()
    out = capsys.readouterr().out
    assert out.rstrip().endswith("can't read the runs folder")
