from __future__ import annotations

import signal
import struct
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_tui.data import Dataset, load
from fmnist_tui.runs.control import send
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.event_log import LogReader
from fmnist_tui.runs.launch import InAppRun
from fmnist_tui.runs.status import Status, status_of
from fmnist_tui.training.control import Command
from fmnist_tui.training.events import CheckpointSaved, Epoch, Resumed, Step

from .trainers import (
    SHORT_V0,
    SHORT_V3,
    Watch,
    change,
    checkpoint_steps,
    copy_of,
    events_of,
    finish,
    learning,
    one_line,
    request,
    running,
    wait_until,
    weights_differ,
)


def resumed_step(run: RunDirectory) -> int:
    (resumed,) = (event for event in events_of(run) if isinstance(event, Resumed))
    return resumed.step


def assert_undisturbed(run: RunDirectory, reference: RunDirectory) -> None:
    assert learning(run) == learning(reference)
    assert not weights_differ(run, reference)
    assert run.predictions.read_bytes() == reference.predictions.read_bytes()


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
    assert message.endswith("put its images back there, or start a new run")
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
    assert status_of(run) is Status.FAILED
    assert InAppRun(run).drive().reason == "completed"


def test_a_run_whose_run_json_is_damaged_does_not_begin_a_new_one(runs: Path, stopped_v0: RunDirectory) -> None:
    run = copy_of(stopped_v0, runs)
    run.run_json.write_text("{")
    assert str(run.run_json) in one_line(InAppRun(run).drive())


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
