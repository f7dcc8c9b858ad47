from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.status import Status
from fmnist_tui.runs.summary import summarise
from fmnist_tui.training.events import Event, Queued, Resumed, RunFinished, Stage

from .logs import STARTED, epoch, step, write_log
from .trainers import SHORT_V0, request


def test_a_finished_run_in_one_line(finished_v0: RunDirectory) -> None:
    assert asdict(summarise(finished_v0)) == {
        "run": finished_v0.run_id,
        "version": "v0",
        "recipe": "tuned*",
        "seed": 7,
        "status": "finished",
        "epoch": 4,
        "epochs": 4,
        "test_accuracy": json.loads(finished_v0.result.read_text())["test_accuracy"],
        "label": "",
        "reason": "",
    }


def test_a_run_that_nobody_trains_yet_in_one_line(runs: Path) -> None:
    run = request(runs, SHORT_V0)
    run.label.write_text('{"name": "soon"}')
    line = summarise(run)
    assert (line.version, line.seed, line.epoch, line.epochs) == ("v0", 7, 0, 4)
    assert (line.status, line.test_accuracy, line.label) == (Status.INTERRUPTED, None, "soon")


@pytest.mark.parametrize(
    ("events", "epochs"),
    [
        ([STARTED], 0),
        ([STARTED, step(5), step(10), Stage("validating")], 0),
        ([STARTED, step(10), epoch(1)], 1),
        ([STARTED, step(10), epoch(1), step(15)], 1),
        ([STARTED, step(10), epoch(1), RunFinished("stopped"), step(25)], 1),
        ([STARTED, *(step(number) for number in range(1, 1012)), epoch(101), Stage("scoring test images")], 101),
        ([STARTED, step(10), epoch(1), step(20), epoch(2), step(25), Resumed(10, 1)], 1),
        ([STARTED, step(10), epoch(1), step(15), Resumed(10, 1), Stage("loading data"), Resumed(15, 1), step(20)], 1),
        ([STARTED, step(10), epoch(1), STARTED], 0),
        ([STARTED, step(10), epoch(1), RunFinished("stopped"), Queued("cpu"), RunFinished("stopped")], 1),
        ([STARTED, step(10), epoch(1), *[Stage("loading data"), RunFinished("failed", resumable=True)] * 200], 1),
    ],
)
def test_the_epochs_of_a_summary_are_whole_ones(run: RunDirectory, events: list[Event], epochs: int) -> None:
    write_log(run, *events)
    assert summarise(run).epoch == epochs


def _noting(open_: Callable[..., object], opened: list[str]) -> Callable[..., object]:
    def noting(path: object, *args: object, **options: object) -> object:
        opened.append(str(path))
        return open_(path, *args, **options)

    return noting


def test_a_summary_reads_each_file_at_most_once(finished_v0: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    for module in (io, os):
        monkeypatch.setattr(module, "open", _noting(module.open, opened))
    summarise(finished_v0)
    read = [path for path in opened if path.startswith(str(finished_v0.path))]
    assert str(finished_v0.events) in read
    assert len(read) == len(set(read))


def test_sizes_are_found_only_where_they_are_asked_for(
    finished_v0: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: RunDirectory) -> int:
        raise AssertionError("the size was asked for")

    monkeypatch.setattr(RunDirectory, "size", fail)
    assert summarise(finished_v0).status is Status.FINISHED


def test_a_summary_is_safe_to_show(run: RunDirectory) -> None:
    hostile = "\x1b[31ma\nb"
    run.run_json.write_text(json.dumps({"version": hostile, "recipe": hostile, "modified": True}))
    run.label.write_text(json.dumps({"name": hostile}))
    line = summarise(run)
    assert (line.version, line.recipe, line.label) == (" [31ma b", " [31ma b*", " [31ma b")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"hyperparameters": 5, "seed": "x", "test_accuracy": "high"}'])
def test_a_run_whose_files_are_damaged_has_a_line_too(run: RunDirectory, content: str) -> None:
    for path in (run.request, run.run_json, run.label, run.result, run.events, run.heartbeat):
        path.write_text(content)
    line = summarise(run)
    assert (line.run, line.version, line.seed, line.epochs, line.test_accuracy) == (run.run_id, "v0", None, None, None)
