from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from data.samples import write_idx

from fmnist_tui.data import load
from fmnist_tui.runs.control import send
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.runs.in_app import InAppRun
from fmnist_tui.runs.request import command_of, read_request
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.control import Command
from fmnist_tui.training.events import CheckpointSaved, Epoch, Resumed, Step
from fmnist_tui.training.streams import STREAM_NUMBER

from .trainers import (
    SHORT_V0,
    SHORT_V3,
    Watch,
    assert_undisturbed,
    change,
    checkpoint_steps,
    copy_of,
    events_of,
    finish,
    one_line,
    request,
    running,
)


def resumed_step(run: RunDirectory) -> int:
    (resumed,) = (event for event in events_of(run) if isinstance(event, Resumed))
    return resumed.step


# Going on


def test_a_killed_run_goes_on_from_its_checkpoint_as_if_nothing_had_been(runs: Path, finished_v0: RunDirectory) -> None:
    run = request(runs, SHORT_V0)
    with running(run):
        watch = Watch(run)
        watch.next(Epoch)
        watch.next(Step)
        send(run, Command.SAVE)
        saved = watch.next(CheckpointSaved)
        assert watch.next(Step).step > saved.step
    assert status_of(run) is Status.INTERRUPTED
    assert finish(run) == 0
    assert saved.step % 450 != 0
    assert resumed_step(run) == saved.step
    assert_undisturbed(run, finished_v0)
    assert status_of(run) is Status.FINISHED


def test_a_killed_cnn_goes_on_in_the_app_as_if_nothing_had_been(runs: Path, finished_v3: RunDirectory) -> None:
    run = request(runs, SHORT_V3)
    with running(run):
        watch = Watch(run)
        watch.next(Step)
        send(run, Command.SAVE)
        saved = watch.next(CheckpointSaved)
        assert watch.next(Step).step > saved.step
    assert status_of(run) is Status.INTERRUPTED
    assert InAppRun(run).drive().reason == "completed"
    assert saved.step % 23 != 0
    assert resumed_step(run) == saved.step
    assert_undisturbed(run, finished_v3)


def test_a_stopped_run_goes_on_as_if_nothing_had_been(
    runs: Path, stopped_v0: RunDirectory, finished_v0: RunDirectory
) -> None:
    run = copy_of(stopped_v0, runs)
    before = run.events.read_bytes()
    assert finish(run) == 0
    assert resumed_step(run) == checkpoint_steps(stopped_v0)[0]
    assert_undisturbed(run, finished_v0)
    assert run.events.read_bytes().startswith(before)


def test_a_run_killed_before_its_first_checkpoint_starts_again_as_if_nothing_had_been(
    runs: Path, finished_v0: RunDirectory
) -> None:
    run = request(runs, SHORT_V0)
    with running(run):
        watch = Watch(run)
        watch.next(Epoch)
    assert checkpoint_steps(run) == []
    assert finish(run) == 0
    assert_undisturbed(run, finished_v0)


def test_a_resumed_run_keeps_its_run_json_and_numbers_its_events_on(runs: Path, stopped_v0: RunDirectory) -> None:
    run = copy_of(stopped_v0, runs)
    InAppRun(run).drive()
    assert run.run_json.read_bytes() == stopped_v0.run_json.read_bytes()
    numbers = [logged.seq for logged in LogReader(run.events).read()]
    assert numbers == list(range(len(numbers)))


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(
    runs: Path, stopped_v0: RunDirectory, finished_v0: RunDirectory
) -> None:
    run = copy_of(stopped_v0, runs)
    newest, older = checkpoint_steps(run)
    weights = run.checkpoints / f"step-{newest:07d}" / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    assert InAppRun(run).drive().reason == "completed"
    assert resumed_step(run) == older
    assert_undisturbed(run, finished_v0)


def test_a_run_whose_checkpoints_are_all_damaged_says_so_and_harms_nothing(
    runs: Path, stopped_v0: RunDirectory
) -> None:
    run = copy_of(stopped_v0, runs)
    for state in run.checkpoints.glob("*/state.json"):
        state.write_text("{")
    steps = checkpoint_steps(run)
    message = one_line(InAppRun(run).drive())
    assert message.startswith(
        f"checkpoint {run.checkpoints / f'step-{steps[0]:07d}'} is damaged, and there is no older"
    )
    assert message.endswith(
        "start anew with: fmnist-tui train v0 --epochs 4 --batch-size 4 --seed 7 --threads 1 --data demo"
    )
    assert checkpoint_steps(run) == steps
    assert status_of(run) is Status.FAILED


# Refusing to go on


def test_a_run_does_not_go_on_with_other_training_images(runs: Path, stopped_v0: RunDirectory, tmp_path: Path) -> None:
    run = copy_of(stopped_v0, runs)
    demo = load("demo", tmp_path)
    other = replace(demo, train=demo.test)
    change(run.request, lambda record: record.update(data=str(write_idx(tmp_path / "other", other.train, other.test))))
    message = one_line(InAppRun(run).drive())
    assert message.startswith(f"run {run.run_id} was trained on other data than ")
    assert message.endswith("put its images back there, or start a new run")
    assert checkpoint_steps(run) == checkpoint_steps(stopped_v0)


def test_a_run_does_not_go_on_with_other_test_images(runs: Path, stopped_v0: RunDirectory, tmp_path: Path) -> None:
    run = copy_of(stopped_v0, runs)
    demo = load("demo", tmp_path)
    other = replace(demo, test=demo.train)
    change(run.request, lambda record: record.update(data=str(write_idx(tmp_path / "other", other.train, other.test))))
    assert "other data" in one_line(InAppRun(run).drive())


def test_a_run_goes_on_with_the_same_images_from_another_place(
    runs: Path, stopped_v0: RunDirectory, finished_v0: RunDirectory, tmp_path: Path
) -> None:
    run = copy_of(stopped_v0, runs)
    demo = load("demo", tmp_path)
    folder = write_idx(tmp_path / "same", demo.train, demo.test)
    change(run.request, lambda record: record.update(data=str(folder)))
    assert InAppRun(run).drive().reason == "completed"
    assert_undisturbed(run, finished_v0)


def test_a_run_of_another_random_stream_does_not_go_on(runs: Path, stopped_v0: RunDirectory) -> None:
    run = copy_of(stopped_v0, runs)
    change(run.run_json, lambda record: record.update(random_stream=record["random_stream"] + 1))
    told = one_line(InAppRun(run).drive())
    assert "another version of this program" in told
    assert "; start anew with: fmnist-tui train v0" in told
    change(run.run_json, lambda record: record.update(random_stream=record["random_stream"] - 1))
    assert status_of(run) is Status.FAILED
    assert InAppRun(run).drive().reason == "completed"


@pytest.mark.parametrize("content", ["{", "{}", '{"data": {}, "window": 1}'])
def test_a_run_whose_run_json_is_damaged_does_not_begin_a_new_one(
    runs: Path, stopped_v0: RunDirectory, content: str
) -> None:
    run = copy_of(stopped_v0, runs)
    run.run_json.write_text(content)
    line = f"{run.run_json} is damaged, so the run can't go on; start anew with: fmnist-tui train v0 --epochs 4"
    assert one_line(InAppRun(run).drive()).startswith(line)


def test_a_run_does_not_go_on_where_its_device_is_not(runs: Path, tmp_path: Path) -> None:
    run = request(runs, replace(SHORT_V3, device="auto"))
    record = {**SHORT_V3.to_json(), "device": "cuda:99", "window": 1, "random_stream": STREAM_NUMBER}
    fingerprints = zip(("train_fingerprint", "test_fingerprint"), load("demo", tmp_path).fingerprints, strict=True)
    run.run_json.write_text(json.dumps({**record, "data": dict(fingerprints)}))
    message = one_line(InAppRun(run).drive())
    assert message.startswith(
        f"run {run.run_id} can't be trained on cuda:99 here (device cuda:99 is not available here"
    )
    assert message.endswith(f"go on where it can be, or start anew with: {command_of(read_request(run))}")
