from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmnist_tui.training.checkpoint import (
    Checkpoint,
    CheckpointError,
    Position,
    checkpoint_folders,
    load_newest,
    read_checkpoint,
    write_checkpoint,
)
from fmnist_tui.training.engine import Tensors, Totals

from .samples import assert_same_tensors

FILES = ("weights.safetensors", "optimizer.safetensors", "state.json")


def tensors(seed: int) -> Tensors:
    rng = np.random.default_rng(seed)
    return {
        "layers.0.weight": rng.normal(size=(30, 7)).astype(np.float32),
        "layers.0.bias": np.array([np.nan, np.inf, -0.0, 1e-45], np.float32),
        "norm.num_batches_tracked": np.array(seed, np.int64),
        "optimizer.exp_avg.layers.0.weight": rng.normal(size=(30, 7)),
        "optimizer.step.layers.0.weight": np.array(3.0, np.float32),
    }


def checkpoint(step: int) -> Checkpoint:
    totals = Totals(loss=0.1 + step, nll=1 / 3, correct=5, images=64)
    position = Position(2, step, 4, totals, epoch_seconds=1.1, seconds=2.3, best_accuracy=0.7)
    return Checkpoint(position, tensors(step))


def assert_same(found: Checkpoint | None, expected: Checkpoint) -> None:
    assert found is not None
    assert found.position == expected.position
    assert_same_tensors(found.tensors, expected.tensors)


def names(folder: Path) -> list[str]:
    """Everything in the folder, hidden things too."""
    return sorted(path.name for path in folder.iterdir())


def test_a_checkpoint_comes_back_bit_for_bit(tmp_path: Path) -> None:
    written = write_checkpoint(tmp_path / "checkpoints", checkpoint(12))
    assert written == tmp_path / "checkpoints" / "step-0000012"
    assert names(written) == sorted(FILES)
    assert_same(read_checkpoint(written), checkpoint(12))
    assert_same(load_newest(tmp_path / "checkpoints"), checkpoint(12))


def test_the_optimiser_has_a_file_of_its_own_and_the_state_is_integers_and_checksums(tmp_path: Path) -> None:
    written = write_checkpoint(tmp_path, checkpoint(12))
    state = json.loads((written / "state.json").read_text())
    assert state["format"] == 1
    assert state["position"]["step"] == 12
    assert set(state["sha256"]) == {"weights.safetensors", "optimizer.safetensors"}
    weights = (written / "weights.safetensors").read_bytes()
    assert b"layers.0.weight" in weights
    assert b"optimizer." not in weights


def test_an_engine_without_an_optimisers_state_can_be_saved(tmp_path: Path) -> None:
    start = Checkpoint(Position(), {"weight": np.zeros(3, np.float32)})
    write_checkpoint(tmp_path, start)
    assert_same(load_newest(tmp_path), start)


def test_two_are_kept_the_newest(tmp_path: Path) -> None:
    for step in (8, 16, 24, 32):
        write_checkpoint(tmp_path, checkpoint(step))
    assert names(tmp_path) == ["step-0000024", "step-0000032"]
    assert_same(load_newest(tmp_path), checkpoint(32))


def test_two_complete_ones_are_kept_if_training_resumes_from_before_a_damaged_one(tmp_path: Path) -> None:
    for step in (8, 16):
        write_checkpoint(tmp_path, checkpoint(step))
    (tmp_path / "step-0000016" / "state.json").write_text("x")
    assert_same(load_newest(tmp_path), checkpoint(8))
    write_checkpoint(tmp_path, checkpoint(12))
    assert names(tmp_path) == ["step-0000008", "step-0000012"]
    assert not list(tmp_path.glob(".*"))


def test_the_newest_is_the_one_of_the_latest_step_however_many_digits_it_has(tmp_path: Path) -> None:
    for step in (9_999_998, 9_999_999, 10_000_000):
        write_checkpoint(tmp_path, checkpoint(step))
    assert names(tmp_path) == ["step-10000000", "step-9999999"]
    assert_same(load_newest(tmp_path), checkpoint(10_000_000))


def test_where_there_are_none_there_is_nothing_to_go_on_from(tmp_path: Path) -> None:
    assert load_newest(tmp_path) is None
    assert load_newest(tmp_path / "missing") is None
    (tmp_path / "step-0000009").write_text("a file, not a folder")
    assert checkpoint_folders(tmp_path) == []


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def empty(path: Path) -> None:
    path.write_bytes(b"")


DAMAGE: dict[str, Callable[[Path], None]] = {
    f"{name} {what}": lambda folder, name=name, damage=damage: damage(folder / name)  # type: ignore[misc]
    for name in FILES
    for what, damage in (("cut", cut), ("empty", empty), ("missing", Path.unlink))
}
for file_name in FILES[:2]:
    DAMAGE[f"{file_name} with a flipped bit"] = lambda folder, name=file_name: flip_a_byte(folder / name)  # type: ignore[misc]
for text in ("null", "[]", "5", "{}", '{"position": 3}', '{"position": {"epoch_totals": {"pages": 1}}}', "\xff"):
    DAMAGE[f"state {text!r}"] = lambda folder, text=text: (folder / "state.json").write_bytes(text.encode("latin-1"))  # type: ignore[misc]


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_checkpoint_is_reported_and_the_older_one_is_used(
    damage: Callable[[Path], None], tmp_path: Path
) -> None:
    write_checkpoint(tmp_path, checkpoint(8))
    newest = write_checkpoint(tmp_path, checkpoint(16))
    damage(newest)
    with pytest.raises(CheckpointError, match="step-0000016"):
        read_checkpoint(newest)
    assert_same(load_newest(tmp_path), checkpoint(8))


def test_a_flipped_bit_is_found_by_the_checksum(tmp_path: Path) -> None:
    newest = write_checkpoint(tmp_path, checkpoint(16))
    flip_a_byte(newest / "weights.safetensors")
    with pytest.raises(CheckpointError, match=r"weights\.safetensors is damaged \(its checksum differs\)"):
        read_checkpoint(newest)


def test_another_format_is_refused(tmp_path: Path) -> None:
    newest = write_checkpoint(tmp_path, checkpoint(16))
    state = json.loads((newest / "state.json").read_text())
    (newest / "state.json").write_text(json.dumps(state | {"format": 2}))
    with pytest.raises(CheckpointError, match="format"):
        read_checkpoint(newest)


def test_where_all_are_damaged_the_newests_fault_is_reported(tmp_path: Path) -> None:
    for step in (8, 16):
        flip_a_byte(write_checkpoint(tmp_path, checkpoint(step)) / "optimizer.safetensors")
    with pytest.raises(CheckpointError, match=r"step-0000016/optimizer\.safetensors is damaged"):
        load_newest(tmp_path)


def test_a_state_that_says_nothing_of_a_file_is_damaged(tmp_path: Path) -> None:
    newest = write_checkpoint(tmp_path, checkpoint(16))
    state = json.loads((newest / "state.json").read_text())
    del state["sha256"]["optimizer.safetensors"]
    (newest / "state.json").write_text(json.dumps(state))
    with pytest.raises(CheckpointError):
        read_checkpoint(newest)


def full_disk(*_args: object, **_options: object) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", ["fsync", "rename", "replace"])
def test_a_disk_that_is_full_leaves_the_older_ones_and_nothing_temporary(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (8, 16):
        write_checkpoint(tmp_path, checkpoint(step))
    with monkeypatch.context() as patched:
        patched.setattr(os, call, full_disk)
        with pytest.raises(OSError, match="No space left"):
            write_checkpoint(tmp_path, checkpoint(24))
    assert names(tmp_path) == ["step-0000008", "step-0000016"]
    assert_same(load_newest(tmp_path), checkpoint(16))
    write_checkpoint(tmp_path, checkpoint(24))
    assert names(tmp_path) == ["step-0000016", "step-0000024"]


def test_the_same_step_is_written_again(tmp_path: Path) -> None:
    """An epoch's last window and the validation after it end at the same step."""
    write_checkpoint(tmp_path, checkpoint(8))
    after_validation = Checkpoint(Position(epoch=3, step=8), tensors(8))
    write_checkpoint(tmp_path, after_validation)
    assert names(tmp_path) == ["step-0000008"]
    assert_same(load_newest(tmp_path), after_validation)


def test_the_same_step_that_cannot_be_written_again_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_checkpoint(tmp_path, checkpoint(8))
    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", full_disk)
        with pytest.raises(OSError, match="No space left"):
            write_checkpoint(tmp_path, checkpoint(8))
    assert_same(load_newest(tmp_path), checkpoint(8))


def test_what_a_killed_process_left_half_written_is_swept_away(tmp_path: Path) -> None:
    written = write_checkpoint(tmp_path, checkpoint(8))
    shutil.copytree(written, tmp_path / ".step-0000010.tmp")
    write_checkpoint(tmp_path, checkpoint(16))
    assert names(tmp_path) == ["step-0000008", "step-0000016"]


def test_it_is_swept_away_on_resuming_too_since_a_finished_run_writes_no_more(tmp_path: Path) -> None:
    written = write_checkpoint(tmp_path, checkpoint(8))
    shutil.copytree(written, tmp_path / ".step-0000008.old")
    shutil.copytree(written, tmp_path / ".step-0000016.tmp")
    assert_same(load_newest(tmp_path), checkpoint(8))
    assert names(tmp_path) == ["step-0000008"]


def test_a_checkpoint_that_was_about_to_be_replaced_when_the_process_died_is_used(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, checkpoint(8)).rename(tmp_path / ".step-0000008.old")
    (tmp_path / ".step-0000008.tmp").mkdir()
    assert_same(load_newest(tmp_path), checkpoint(8))
    assert names(tmp_path) == ["step-0000008"]


def test_nothing_is_swept_away_in_a_folder_that_is_another_trainers_by_now(tmp_path: Path) -> None:
    def refuse() -> None:
        raise RuntimeError("taken")

    write_checkpoint(tmp_path, checkpoint(8))
    (tmp_path / ".step-0000016.tmp").mkdir()
    with pytest.raises(RuntimeError, match="taken"):
        load_newest(tmp_path, refuse)
    assert names(tmp_path) == [".step-0000016.tmp", "step-0000008"]


def test_none_is_put_aside_in_a_folder_that_is_another_trainers_by_now(tmp_path: Path) -> None:
    def refuse() -> None:
        raise RuntimeError("taken")

    write_checkpoint(tmp_path, checkpoint(1))
    write_checkpoint(tmp_path, checkpoint(2))
    assert_same(load_newest(tmp_path, refuse), checkpoint(2))
    (tmp_path / "step-0000002" / "state.json").unlink()
    with pytest.raises(RuntimeError, match="taken"):
        load_newest(tmp_path, refuse)
    assert names(tmp_path) == ["step-0000001", "step-0000002"]
