from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from fmnist_tui.cli.follow import JsonLines, PlainLines, follow
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import EventLog
from fmnist_tui.runs.follower import Follower
from fmnist_tui.training import events
from fmnist_tui.training.event_text import format_event
from fmnist_tui.training.events import Event

EPOCH = events.Epoch(2, 900, 0.51234, 0.8, 0.61234, 0.87654, 0.4, 65.0, 1.0, is_best=True)

LINES: list[tuple[Event, str]] = [
    (events.RunStarted("v3", 4220, 422, 10, 5_858_442, 1), "started: v3, 5,858,442 parameters, 10 epochs of 422 steps"),
    (events.Stage("importing PyTorch"), "importing PyTorch"),
    (events.Stage("validating"), ""),
    (events.StepMetrics(4, 1, 0.5, 0.8, 0.1, 1000.0), ""),
    (EPOCH, "epoch 2: loss 0.5123, validation loss 0.6123, validation 87.65% (best), 1 min 05 s"),
    (replace(EPOCH, is_best=False), "epoch 2: loss 0.5123, validation loss 0.6123, validation 87.65%, 1 min 05 s"),
    (events.CheckpointSaved(4), ""),
    (events.Alert("checkpoint_failed", "no space"), "alert: no space"),
    (events.Paused(4), "paused at step 4"),
    (events.Continued(4), "continued at step 4"),
    (events.Resumed(4, 1), "resumed at step 4"),
    (events.StopRequested("after-epoch"), "stop requested: after the current epoch"),
    (events.RunFinished("completed", scored=True), "completed"),
    (events.RunFinished("stopped", scored=True), "stopped"),
    (events.RunFinished("stopped", resumable=True), "stopped: saved, can be resumed"),
    (events.RunFinished("failed", resumable=True, message="no data"), "failed: no data"),
]


@pytest.fixture
def run(runs: Path) -> RunDirectory:
    """A run that nobody holds, with an empty log."""
    run = RunDirectory(runs / "v0-20250101-000000-00ff")
    run.path.mkdir(parents=True)
    return run


def write(run: RunDirectory, *logged: Event) -> None:
    log = EventLog(run.events)
    for event in logged:
        log.append(event)
    log.close()


@pytest.mark.parametrize(("event", "line"), LINES, ids=lambda value: type(value).__name__)
def test_an_event_is_one_line_or_none(event: Event, line: str) -> None:
    assert format_event(event) == line


def test_plain_lines_name_the_run_and_omit_details(run: RunDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    write(run, *(event for event, _ in LINES))
    ends = follow([Follower(run)], PlainLines())
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"{run.run_id}  {line}" for _, line in LINES if line]
    assert ends[run.run_id].finished == events.RunFinished("completed", scored=True)


def test_json_lines_hold_every_event_with_its_run_time_and_number(
    run: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    write(run, *(event for event, _ in LINES))
    follow([Follower(run)], JsonLines())
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line.pop("run") for line in printed} == {run.run_id}
    assert printed == [json.loads(line) for line in run.events.read_text().splitlines()]


@pytest.mark.parametrize("loss", [1e17, 1e300, float("inf"), float("nan")])
def test_a_diverging_loss_is_printed_too(run: RunDirectory, capsys: pytest.CaptureFixture[str], loss: float) -> None:
    write(run, events.StepMetrics(4, 1, loss, 0.8, 0.1, 1000.0))
    ends = follow([Follower(run)], JsonLines())
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["loss"] == (loss if loss < float("inf") else None)
    assert len(ends[run.run_id].curve) == 1


def test_an_epoch_with_numbers_that_are_not_finite_is_printed() -> None:
    nan = float("nan")
    strange = replace(EPOCH, train_loss=nan, validation_loss=nan, seconds=nan)
    assert format_event(strange).startswith("epoch 2: loss nan, validation loss nan, validation 87.65%")


def test_lines_that_do_not_parse_are_skipped(run: RunDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    write(run, events.Stage("loading data"))
    with run.events.open("a") as log:
        log.write('not json\n[1, 2]\n{"event":"unheard_of","time":1,"seq":1}\n{"event":"stage","name":"torn')
    follow([Follower(run)], PlainLines())
    assert capsys.readouterr().out == f"{run.run_id}  loading data\n"


def test_a_run_without_a_log_prints_nothing(run: RunDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    assert follow([Follower(run)], PlainLines())[run.run_id].finished is None
    assert capsys.readouterr().out == ""
