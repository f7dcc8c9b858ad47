from __future__ import annotations

import json
import signal
import struct
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_tui.data import Dataset, load
from fmnist_tui.runs import drive
from fmnist_tui.runs.control import send
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.runs.follower import read_snapshot
from fmnist_tui.runs.launch import InAppRun
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.control import Command
from fmnist_tui.training.events import Alert, CheckpointSaved, Epoch, Event, Resumed, RunFinished, Step
from fmnist_tui.training.recipes import configure

from .trainers import (
    SHORT_V0,
    SHORT_V3,
    Watch,
    checkpoint_steps,
    copy_of,
    finish,
    learning,
    request,
    running,
    wait_until,
    weights_differ,
)

TINY_V0 = configure("v0", "tuned", {"epochs": 1}, limit=200, threads=1)


def events_of(run: RunDirectory) -> list[Event]:
    return [logged.event for logged in LogReader(run.events).read()]


def change(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    record = json.loads(path.read_text())
    edit(record)
    path.write_text(json.dumps(record))


def resumed_step(run: RunDirectory) -> int:
    (resumed,) = (event for event in events_of(run) if isinstance(event, Resumed))
    return resumed.step


def assert_undisturbed(run: RunDirectory, reference: RunDirectory) -> None:
    assert learning(run) == learning(reference)
    assert not weights_differ(run, reference)
    assert run.predictions.read_bytes() == reference.predictions.read_bytes()


def one_line(finished: RunFinished) -> str:
    assert finished.reason == "failed"
    assert finished.resumable
    assert len(finished.message.splitlines()) == 1
    return finished.message


def write_idx(folder: Path, dataset: Dataset) -> Path:
    folder.mkdir()
    for part, images in (("train", dataset.train), ("t10k", dataset.test)):
        _write_array(folder / f"{part}-images-idx3-ubyte", images.images)
        _write_array(folder / f"{part}-labels-idx1-ubyte", images.labels)
    return folder


def _write_array(path: Path, array: NDArray[np.uint8]) -> None:
    path.write_bytes(struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape) + array.tobytes())


def kill_somewhere(run: RunDirectory, chance: np.random.Generator) -> None:
    """Starts a trainer and kills it soon after its first word, often while it writes a checkpoint."""
    said = log_size(run)
    with running(run) as trainer:
        wait_until(lambda: log_size(run) > said or trainer.poll() is not None, "the trainer spoke")
        time.sleep(chance.uniform(0.0, 0.6))
        if chance.random() < 0.7:
            trainer.send_signal(signal.SIGUSR1)
            time.sleep(chance.uniform(0.0, 0.03))


def log_size(run: RunDirectory) -> int:
    return run.events.stat().st_size if run.events.exists() else 0


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
    assert "checkpoint" in one_line(InAppRun(run).drive())
    assert checkpoint_steps(run) == steps
    assert status_of(run) is Status.FAILED


# Refusing to go on


def test_a_run_does_not_go_on_with_other_training_images(runs: Path, stopped_v0: RunDirectory, tmp_path: Path) -> None:
    run = copy_of(stopped_v0, runs)
    demo = load("demo", tmp_path)
    other = replace(demo, train=demo.test)
    change(run.request, lambda record: record.update(data=str(write_idx(tmp_path / "other", other))))
    message = one_line(InAppRun(run).drive())
    assert message.startswith(f"run {run.run_id} was trained on other data than ")
    assert "--data" in message
    assert checkpoint_steps(run) == checkpoint_steps(stopped_v0)


def test_a_run_does_not_go_on_with_other_test_images(runs: Path, stopped_v0: RunDirectory, tmp_path: Path) -> None:
    run = copy_of(stopped_v0, runs)
    demo = load("demo", tmp_path)
    other = replace(demo, test=demo.train)
    change(run.request, lambda record: record.update(data=str(write_idx(tmp_path / "other", other))))
    assert "other data" in one_line(InAppRun(run).drive())


def test_a_run_goes_on_with_the_same_images_from_another_place(
    runs: Path, stopped_v0: RunDirectory, finished_v0: RunDirectory, tmp_path: Path
) -> None:
    run = copy_of(stopped_v0, runs)
    folder = write_idx(tmp_path / "same", load("demo", tmp_path))
    change(run.request, lambda record: record.update(data=str(folder)))
    assert InAppRun(run).drive().reason == "completed"
    assert_undisturbed(run, finished_v0)


def test_a_run_of_another_random_stream_does_not_go_on(runs: Path, stopped_v0: RunDirectory) -> None:
    run = copy_of(stopped_v0, runs)
    change(run.run_json, lambda record: record.update(random_stream=record["random_stream"] + 1))
    assert "another version of this program" in one_line(InAppRun(run).drive())
    change(run.run_json, lambda record: record.update(random_stream=record["random_stream"] - 1))
    assert status_of(run).can_resume
    assert InAppRun(run).drive().reason == "completed"


def test_a_run_whose_run_json_is_damaged_does_not_begin_a_new_one(runs: Path, stopped_v0: RunDirectory) -> None:
    run = copy_of(stopped_v0, runs)
    run.run_json.write_text("{")
    assert str(run.run_json) in one_line(InAppRun(run).drive())


# Ends of other kinds


def test_a_run_that_fails_says_why_in_one_line_and_by_its_exit_status(runs: Path, tmp_path: Path) -> None:
    run = request(runs, TINY_V0)
    change(run.request, lambda record: record.update(data=str(tmp_path / "nowhere")))
    assert finish(run) == 1
    (finished,) = (event for event in events_of(run) if isinstance(event, RunFinished))
    assert str(tmp_path / "nowhere") in one_line(finished)
    assert status_of(run) is Status.FAILED
    assert run.train_log.read_text() == ""


def test_a_run_without_a_request_says_so(run: RunDirectory) -> None:
    assert "request.json is missing or damaged" in one_line(InAppRun(run).drive())


def test_v0_is_not_trained_on_a_gpu(runs: Path) -> None:
    run = request(runs, replace(TINY_V0, device="cuda"))
    assert one_line(InAppRun(run).drive()) == "v0 is NumPy and trains on the CPU only; leave --device out"
    assert not run.run_json.exists()


def test_what_nobody_expected_is_told_in_one_line_with_its_details_in_the_log(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(task: object) -> None:
        raise ZeroDivisionError("by\nnought")

    monkeypatch.setattr(drive, "make_engine", broken)
    run = request(runs, TINY_V0)
    message = one_line(InAppRun(run).drive())
    assert message.startswith("ZeroDivisionError: ")
    assert str(run.train_log) in message
    assert "Traceback" in run.train_log.read_text()


def test_a_run_that_diverges_is_told_from_one_that_failed(runs: Path) -> None:
    wild = configure("v0", "tuned", {"epochs": 2, "learning_rate": 100.0, "schedule": "constant"}, threads=1)
    run = request(runs, wild)
    assert finish(run) == 1
    finished = read_snapshot(run).finished
    assert finished
    assert (finished.reason, finished.scored) == ("diverged", False)
    assert [event.kind for event in events_of(run) if isinstance(event, Alert)] == ["non_finite"]
    result = json.loads(run.result.read_text())
    assert (result["reason"], result["test_accuracy"]) == ("diverged", None)
    assert not run.model.exists()
    assert not run.predictions.exists()
    assert status_of(run) is Status.FAILED


def test_a_run_without_a_test_is_kept_without_predictions(runs: Path) -> None:
    run = request(runs, replace(TINY_V0, score_test=False))
    assert InAppRun(run).drive() == RunFinished("completed", scored=False)
    assert json.loads(run.result.read_text())["test_accuracy"] is None
    assert run.model.exists()
    assert not run.predictions.exists()


def test_a_run_that_cannot_save_checkpoints_goes_on_with_an_alert(runs: Path) -> None:
    run = request(runs, TINY_V0)
    run.checkpoints.write_text("no folder")
    assert InAppRun(run).drive() == RunFinished("completed", scored=True)
    (alert,) = (event for event in events_of(run) if isinstance(event, Alert))
    assert alert == Alert("checkpoint_failed", "no checkpoint at step 3: File exists")
    assert status_of(run) is Status.FINISHED


def test_a_run_that_could_not_keep_its_outcome_can_go_on_to_do_so(runs: Path) -> None:
    run = request(runs, TINY_V0)
    run.model.mkdir()
    one_line(InAppRun(run).drive())
    assert not run.result.exists()
    assert status_of(run).can_resume
    run.model.rmdir()
    assert InAppRun(run).drive() == RunFinished("completed", scored=True)
    assert json.loads(run.result.read_text())["steps"] == 3


# The long form


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_run_killed_again_and_again_at_any_moment_ends_as_if_nothing_had_been(
    runs: Path, finished_v0: RunDirectory, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    run = request(runs, SHORT_V0)
    kills = 0
    while status_of(run) is not Status.FINISHED and kills < 12:
        kill_somewhere(run, chance)
        kills += 1
    assert kills > 1
    assert status_of(run) is Status.FINISHED or finish(run) == 0
    assert_undisturbed(run, finished_v0)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_every_cnn_goes_on_as_if_nothing_had_been(runs: Path, version: str) -> None:
    config = replace(SHORT_V3, version=version)
    undisturbed, run = request(runs, config), request(runs, config)
    assert finish(undisturbed) == 0
    for _ in range(2):
        with running(run):
            watch = Watch(run)
            watch.new()
            watch.next(Step)
            send(run, Command.SAVE)
            saved = watch.next(CheckpointSaved)
            watch.next(Step)
    assert finish(run) == 0
    assert saved.step < 46
    assert_undisturbed(run, undisturbed)
