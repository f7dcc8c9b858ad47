from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from fmnist_tui.errors import RunError
from fmnist_tui.runs import run_writer as module
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.lock import Superseded
from fmnist_tui.runs.run_writer import RunWriter
from fmnist_tui.training.checkpoint import Checkpoint, Position, load_newest
from fmnist_tui.training.events import Alert, CheckpointSaved
from fmnist_tui.training.metrics import Scores
from fmnist_tui.training.recipes import configure
from fmnist_tui.training.store import DiskFull, Outcome

from .trainers import checkpoint_steps, read_weights

CONFIG = configure("v0", "tuned", {}, seed=3)
WEIGHTS = {f"layers.{layer}.weight": np.full((2, 3), layer, np.float32) for layer in range(3)}
SCORED = Outcome(
    "completed",
    epochs=2,
    steps=20,
    seconds=1.5,
    weights=WEIGHTS,
    probabilities=np.full((4, 10), 0.1, np.float32),
    labels=np.arange(4, dtype=np.uint8),
    scores=Scores(0.25, 2.3, 0.9, 0.15),
)


@pytest.fixture
def keeper(run: RunDirectory) -> Iterator[RunWriter]:
    with closing(RunWriter(run, CONFIG)) as keeper:
        yield keeper


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No byte reaches the disk until the patch is undone."""

    def refuse(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    return monkeypatch


def checkpoint(step: int, value: float = 0.0) -> Checkpoint:
    return Checkpoint(Position(step=step), {"weight": np.full(3, value), "optimizer.velocity": np.zeros(3)})


def files_under(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


# Checkpoints


def test_a_checkpoint_is_announced_when_it_is_on_the_disk(run: RunDirectory, keeper: RunWriter) -> None:
    keeper.save_checkpoint(checkpoint(5, 0.5))
    keeper.wait()
    assert keeper.news() == [CheckpointSaved(5)]
    assert keeper.news() == []
    read = load_newest(run.checkpoints)
    assert read
    assert read.position.step == 5
    assert read.tensors["weight"].tolist() == [0.5] * 3


def test_a_checkpoint_is_written_in_the_background(keeper: RunWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    may_write = threading.Event()
    monkeypatch.setattr(module, "write_checkpoint", lambda *_: may_write.wait())
    keeper.save_checkpoint(checkpoint(5))
    assert keeper.busy
    assert keeper.news() == []
    may_write.set()
    keeper.wait()
    assert keeper.news() == [CheckpointSaved(5)]


def test_a_keeper_is_idle_before_and_after_a_checkpoint(keeper: RunWriter) -> None:
    idle = [keeper.busy]
    keeper.save_checkpoint(checkpoint(5))
    keeper.wait()
    assert [*idle, keeper.busy] == [False, False]


def test_the_last_two_checkpoints_are_kept(run: RunDirectory, keeper: RunWriter) -> None:
    for step in (5, 10, 15):
        keeper.save_checkpoint(checkpoint(step))
    keeper.wait()
    assert keeper.news() == [CheckpointSaved(5), CheckpointSaved(10), CheckpointSaved(15)]
    assert checkpoint_steps(run) == [15, 10]


def test_closing_waits_for_the_last_checkpoint(run: RunDirectory) -> None:
    with closing(RunWriter(run, CONFIG)) as keeper:
        keeper.save_checkpoint(checkpoint(5))
    assert checkpoint_steps(run) == [5]


def test_a_full_disk_is_an_alert_and_harms_no_older_checkpoint(
    run: RunDirectory, keeper: RunWriter, full_disk: pytest.MonkeyPatch
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        keeper.save_checkpoint(checkpoint(5))
        keeper.wait()
    before = files_under(run.path)
    keeper.save_checkpoint(checkpoint(10))
    keeper.wait()
    assert keeper.news() == [
        CheckpointSaved(5),
        Alert("checkpoint_failed", "no checkpoint at step 10: No space left on device"),
    ]
    assert files_under(run.path) == before
    full_disk.undo()
    keeper.save_checkpoint(checkpoint(15))
    keeper.wait()
    assert checkpoint_steps(run) == [15, 5]


def test_a_checkpoint_that_is_written_again_in_vain_is_still_there(
    run: RunDirectory, keeper: RunWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.save_checkpoint(checkpoint(5))
    keeper.wait()

    def refuse(path: Path, target: Path) -> Path:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "rename", refuse)
    keeper.save_checkpoint(checkpoint(5))
    keeper.wait()
    assert checkpoint_steps(run) == [5]


# The outcome


def test_an_outcome_is_weights_predictions_and_a_result(run: RunDirectory, keeper: RunWriter) -> None:
    keeper.save_outcome(SCORED)
    assert files_under(run.path) == {"model.safetensors", "predictions.npz", "result.json"}
    weights = read_weights(run)
    assert weights.keys() == WEIGHTS.keys()
    for name, weight in WEIGHTS.items():
        np.testing.assert_array_equal(weights[name], weight)
    with np.load(run.predictions, allow_pickle=False) as predictions:
        assert set(predictions.files) == {"probabilities", "labels"}
    assert json.loads(run.result.read_text()) == {
        "reason": "completed",
        "version": "v0",
        "seed": 3,
        "test_accuracy": 0.25,
        "test_nll": 2.3,
        "test_brier": 0.9,
        "test_ece": 0.15,
        "epochs": 2,
        "steps": 20,
        "seconds": 1.5,
        "test_images": 4,
        "device": "auto",
        "threads": 0,
        "exact": True,
        "early_stopped": False,
    }


def test_equal_weights_make_equal_files(run: RunDirectory, keeper: RunWriter) -> None:
    files = set()
    for _ in range(12):
        keeper.save_outcome(SCORED)
        files.add(run.model.read_bytes())
    assert len(files) == 1


def test_an_outcome_without_scores_has_the_same_keys(run: RunDirectory, keeper: RunWriter) -> None:
    keeper.save_outcome(Outcome("diverged", 0, 5, 0.1))
    result = json.loads(run.result.read_text())
    assert files_under(run.path) == {"result.json"}
    assert (result["reason"], result["test_images"]) == ("diverged", 0)
    assert [result[name] for name in ("test_accuracy", "test_nll", "test_brier", "test_ece")] == [None] * 4


def test_an_outcome_that_cannot_be_saved_leaves_nothing_half_done(
    run: RunDirectory, keeper: RunWriter, full_disk: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DiskFull, match=r"^no room for the result in .* \(No space left on device\)$"):
        keeper.save_outcome(SCORED)
    assert files_under(run.path) == set()


def test_a_result_is_only_there_when_all_else_is(run: RunDirectory, keeper: RunWriter) -> None:
    run.predictions.mkdir()
    with pytest.raises(RunError, match="Is a directory"):
        keeper.save_outcome(SCORED)
    assert files_under(run.path) == {"model.safetensors"}


# A newer trainer


class Taken:
    """Nobody's for so many looks, then a newer trainer's."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def __call__(self) -> None:
        self.looks -= 1
        if self.looks < 0:
            raise Superseded("taken by a newer trainer")


@pytest.mark.parametrize("looks", range(4))
def test_a_run_that_is_taken_while_its_outcome_is_written_is_left_alone(run: RunDirectory, looks: int) -> None:
    """As a trainer that was suspended finds it: before the first file, or with one written but not in its place."""
    names = ("model.safetensors", "predictions.npz", "result.json")
    for name in names:
        (run.path / name).write_text("the newer one's")
    with closing(RunWriter(run, CONFIG, Taken(looks))) as keeper, pytest.raises(Superseded):
        keeper.save_outcome(SCORED)
    left = [(run.path / name).read_bytes() == b"the newer one's" for name in names]
    assert left == [looks < 2, looks < 3, True]
    assert not list(run.path.glob(".*"))


@pytest.mark.parametrize("looks", range(2))
def test_a_run_that_is_taken_while_a_checkpoint_is_written_is_left_alone(run: RunDirectory, looks: int) -> None:
    with closing(RunWriter(run, CONFIG)) as newer:
        newer.save_checkpoint(checkpoint(7, 1.0))
    (run.checkpoints / ".step-0000008.tmp").mkdir()  # which the newer one is writing
    with closing(RunWriter(run, CONFIG, Taken(looks))) as keeper:
        keeper.save_checkpoint(checkpoint(7, 2.0))
        keeper.wait()
        with pytest.raises(Superseded):
            keeper.news()
    assert (run.checkpoints / ".step-0000008.tmp").exists() is (looks == 0)
    found = load_newest(run.checkpoints)
    assert found is not None
    assert found.tensors["weight"][0] == 1.0
