"""Snapshots of a network while it learns: what their file holds, how it is kept across trainers, and who reads it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from fmnist_tui.data import Dataset, load, split_of
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.lock import Superseded
from fmnist_tui.runs.run import read_run
from fmnist_tui.runs.run_writer import RunWriter
from fmnist_tui.runs.snapshots import NoSnapshotsError, read_snapshots
from fmnist_tui.training.checkpoint import Checkpoint, Position
from fmnist_tui.training.events import Alert, CheckpointSaved
from fmnist_tui.training.recipes import configure
from fmnist_tui.training.snapshots import EpochSnapshot, SnapshotPlan
from fmnist_tui.training.store import Outcome

from .trainers import read_weights

CONFIG = configure("v0", "tuned", {}, seed=3)
PLAN = SnapshotPlan(
    "layers.0.weight", frozenset(range(9)), np.array([0, 2]), np.array([0, 5, 9]), np.array([1, 0, 1], np.uint8)
)

CHECKPOINT = Checkpoint(Position(step=7), {"weight": np.zeros(3)})


def snapshot(epoch: int, value: float = 0.0) -> EpochSnapshot:
    """Two units of four inputs; class 0 becomes more probable with every epoch."""
    of_0 = np.full((3, 1), epoch / 10)
    probabilities = np.concatenate([of_0, 1 - of_0], axis=1)
    return EpochSnapshot(epoch, np.full((2, 4), value, np.float16), probabilities.astype(np.float16))


def save(writer: RunWriter, *snapshots: EpochSnapshot) -> None:
    """Saves them and a checkpoint."""
    for one in snapshots:
        writer.save_snapshot(one, PLAN)
    writer.save_checkpoint(CHECKPOINT)
    writer.wait()


@pytest.fixture
def writer(run: RunDirectory) -> Iterator[RunWriter]:
    with closing(RunWriter(run, CONFIG)) as writer:
        yield writer


@pytest.fixture(scope="module")
def demo() -> Dataset:
    return load("demo", Path("unused"))


def test_a_run_has_snapshots_from_before_training_to_its_end(finished_v0: RunDirectory, demo: Dataset) -> None:
    found = read_run(finished_v0).snapshots()
    assert found.epochs.tolist() == [0, 1, 2, 3]
    assert found.layer == "layers.0.weight"
    assert found.weights.shape == (4, 64, 784)
    assert found.probabilities.shape == (4, 100, 10)
    validation = split_of(demo)[1]
    assert found.images.tolist() == list(range(0, 200, 2))
    assert found.labels.tolist() == demo.train.labels[validation[found.images]].tolist()
    last = read_weights(finished_v0)["layers.0.weight"][found.units]
    assert np.array_equal(found.weights[-1], last.astype(np.float16))
    assert found.accuracies[0] < 0.3 < found.accuracies[-1]
    assert finished_v0.snapshots.stat().st_size < 2_000_000
    assert [event.epoch for event in read_run(finished_v0).dynamics] == [1, 2, 3]


def test_the_images_are_the_same_for_all_models(finished_v0: RunDirectory, finished_v3: RunDirectory) -> None:
    found = read_snapshots(finished_v3)
    assert found.weights.shape == (3, 64, 1, 3, 3)
    assert found.layer == "conv1.weight"
    assert found.images.tolist() == list(range(10))  # it is trained on 100 images, a tenth of them for validation
    assert set(read_run(finished_v0).dynamics[0].layers[0].__struct_fields__) == {
        "name",
        "gradient_norm",
        "update_ratio",
        "dead_fraction",
    }


def test_the_snapshots_of_a_resumed_epoch_replace_those_of_the_trainer_before(
    run: RunDirectory, writer: RunWriter
) -> None:
    save(writer, *map(snapshot, range(4)))
    with closing(RunWriter(run, CONFIG)) as resumed:
        save(resumed, snapshot(2, 1.0), snapshot(3, 1.0))
    found = read_snapshots(run)
    assert found.epochs.tolist() == [0, 1, 2, 3]
    assert found.weights[:, 0, 0].tolist() == [0, 0, 1, 1]
    with closing(RunWriter(run, CONFIG)) as again:  # from the start: no checkpoint was saved
        save(again, snapshot(0))
    assert read_snapshots(run).epochs.tolist() == [0]


def test_a_checkpoint_comes_with_all_snapshots_before_it(run: RunDirectory, writer: RunWriter) -> None:
    writer.save_snapshot(snapshot(0), PLAN)
    writer.save_snapshot(snapshot(1), PLAN)
    assert not run.snapshots.exists()
    writer.save_checkpoint(CHECKPOINT)
    writer.save_snapshot(snapshot(2), PLAN)
    writer.wait()
    assert read_snapshots(run).epochs.tolist() == [0, 1]
    writer.save_outcome(Outcome("stopped", epochs=2, steps=20, seconds=1.5))
    assert read_snapshots(run).epochs.tolist() == [0, 1, 2]


def test_damaged_snapshots_of_the_trainer_before_are_dropped(run: RunDirectory, writer: RunWriter) -> None:
    run.snapshots.write_bytes(b"no tensors")
    save(writer, snapshot(5))
    assert read_snapshots(run).epochs.tolist() == [5]


def test_snapshots_that_found_the_disk_full_are_written_when_there_is_room(
    run: RunDirectory, writer: RunWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        save(writer, snapshot(0))
    assert [type(event) for event in writer.news()] == [Alert]
    with pytest.raises(NoSnapshotsError, match=r"^no snapshots\.safetensors$"):
        read_snapshots(run)
    save(writer)
    assert writer.news() == [CheckpointSaved(7)]
    assert read_snapshots(run).epochs.tolist() == [0]


def test_a_superseded_trainer_writes_no_snapshot(run: RunDirectory) -> None:
    def superseded() -> None:
        raise Superseded("another trainer has taken over")

    with closing(RunWriter(run, CONFIG, superseded)) as writer:
        save(writer, snapshot(0))
        with pytest.raises(Superseded):
            writer.news()
    assert not run.snapshots.exists()


SOUND = PLAN.to_tensors([snapshot(0), snapshot(1)])
UNSOUND: dict[str, dict[str, Any]] = {
    "epochs that fall": {"epochs": np.array([1, 0])},
    "a negative epoch": {"epochs": np.array([-1, 0])},
    "more epochs than weights": {"epochs": np.array([0, 1, 2])},
    "no epochs": {"epochs": np.zeros(0, np.int64), "weights": np.zeros((0, 2, 4), np.float16)},
    "epochs in a table": {"epochs": np.array([[0, 1]])},
    "epochs as text": {"epochs": np.zeros(2, np.uint8)},
    "float64 weights": {"weights": np.zeros((2, 2, 4))},
    "other units": {"units": np.array([0])},
    "weights of no layer": {"weights": np.zeros((2, 2), np.float16)},
    "other images": {"images": np.array([0, 1])},
    "labels of other classes": {"labels": np.array([0, 1, 2])},
    "fewer labels": {"labels": np.array([0])},
    "one class": {"probabilities": np.ones((2, 3, 1), np.float16), "labels": np.zeros(3, np.int64)},
    "no probabilities": {"probabilities": np.full((2, 3, 2), 2.0, np.float16)},
    "numbers that aren't": {"probabilities": np.full((2, 3, 2), np.nan, np.float16)},
    "negative ones": {"probabilities": np.array([[[-1.0, 2.0]] * 3] * 2, np.float16)},
}


@pytest.mark.parametrize("changes", UNSOUND.values(), ids=UNSOUND)
def test_a_file_of_other_shapes_is_damaged(run: RunDirectory, changes: dict[str, Any]) -> None:
    run.snapshots.write_bytes(safetensors.numpy.save(SOUND))
    assert len(read_snapshots(run)) == 2
    run.snapshots.write_bytes(safetensors.numpy.save(SOUND | changes))
    with pytest.raises(NoSnapshotsError, match=r"^snapshots\.safetensors is damaged$"):
        read_snapshots(run)


@pytest.mark.parametrize("cut", [0, 7, 40, -1])
def test_a_cut_file_is_damaged(run: RunDirectory, cut: int) -> None:
    run.snapshots.write_bytes(safetensors.numpy.save(SOUND)[:cut])
    with pytest.raises(NoSnapshotsError, match="damaged"):
        read_snapshots(run)


def test_a_missing_tensor_is_damage(run: RunDirectory) -> None:
    tensors = {name: value for name, value in SOUND.items() if name != "labels"}
    run.snapshots.write_bytes(safetensors.numpy.save(tensors, {"layer": "\x1b[31m"}))
    with pytest.raises(NoSnapshotsError, match="damaged"):
        read_snapshots(run)
    run.snapshots.write_bytes(safetensors.numpy.save(SOUND, {"layer": "\x1b[31m"}))
    assert read_snapshots(run).layer.isprintable()
