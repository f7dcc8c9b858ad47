from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.run import read_run
from fmnist_tui.runs.status import Status
from fmnist_tui.training.events import Event, Queued, Resumed, RunFinished, Stage

from .logs import STARTED, epoch, step, write_log
from .trainers import SHORT_V0, request


def test_a_finished_run(finished_v0: RunDirectory) -> None:
    run = read_run(finished_v0)
    assert (run.run_id, run.version, run.marked_recipe, run.seed) == (finished_v0.run_id, "v0", "tuned*", 7)
    assert (run.status, run.epochs_done, run.manifest.epochs) == ("finished", 3, 3)
    assert run.test_accuracy == json.loads(finished_v0.result.read_text())["test_accuracy"]
    assert (run.label, run.unreadable, run.damage) == ("", "", "")


def test_a_run_without_a_trainer_yet(runs: Path) -> None:
    directory = request(runs, SHORT_V0)
    directory.label.write_text('{"name": "soon"}')
    run = read_run(directory)
    assert (run.version, run.seed, run.epochs_done, run.manifest.epochs) == ("v0", 7, 0, 3)
    assert (run.status, run.test_accuracy, run.label) == (Status.INTERRUPTED, None, "soon")


def test_a_run_is_as_it_was_when_it_was_read(runs: Path) -> None:
    directory = request(runs, SHORT_V0)
    before = read_run(directory)
    assert before.refresh() == before
    directory.label.write_text('{"name": "later", "tags": ["x"], "note": "n"}')
    after = before.refresh()
    assert (before.label, after.label, after.tags, after.note) == ("", "later", ("x",), "n")
    assert after != before


def test_a_run_reads_its_log_and_its_predictions_when_they_are_used(finished_v0: RunDirectory) -> None:
    run = read_run(finished_v0)
    assert len(run.epochs) == run.epochs_done == len(run.snapshot.epochs)
    assert run.predictions.correct.mean() == run.test_accuracy
    assert len(run.class_names) == 10


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
def test_the_epochs_that_are_done_are_whole_ones(run: RunDirectory, events: list[Event], epochs: int) -> None:
    write_log(run, *events)
    assert read_run(run).epochs_done == epochs


def _noting(open_: Callable[..., object], opened: list[str]) -> Callable[..., object]:
    def noting(path: object, *args: object, **options: object) -> object:
        opened.append(str(path))
        return open_(path, *args, **options)

    return noting


def test_reading_a_run_opens_each_file_at_most_once(finished_v0: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    for module in (io, os):
        monkeypatch.setattr(module, "open", _noting(module.open, opened))
    read_run(finished_v0)
    read = [path for path in opened if path.startswith(str(finished_v0.path))]
    assert str(finished_v0.events) in read
    assert len(read) == len(set(read))


def test_sizes_are_found_only_where_they_are_asked_for(
    finished_v0: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: RunDirectory) -> int:
        raise AssertionError("the size was asked for")

    monkeypatch.setattr(RunDirectory, "size", fail)
    assert read_run(finished_v0).status is Status.FINISHED


def test_a_run_is_safe_to_display(run: RunDirectory) -> None:
    hostile = "\x1b[31ma\nb"
    run.run_json.write_text(json.dumps({"version": hostile, "recipe": hostile, "modified": True}))
    run.label.write_text(json.dumps({"name": hostile}))
    line = read_run(run)
    assert (line.version, line.marked_recipe, line.label) == (" [31ma b", " [31ma b*", " [31ma b")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"hyperparameters": 5, "seed": "x", "test_accuracy": "high"}'])
def test_a_run_whose_files_are_damaged_can_be_read(run: RunDirectory, content: str) -> None:
    for path in (run.request, run.run_json, run.label, run.result, run.events, run.heartbeat):
        path.write_text(content)
    line = read_run(run)
    assert (line.run_id, line.version, line.seed, line.manifest.epochs, line.test_accuracy) == (
        run.run_id,
        "v0",
        None,
        None,
        None,
    )
