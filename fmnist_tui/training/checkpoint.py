"""Checkpoints: integers and checksums in state.json, weights and optimiser state in safetensors files beside it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors.numpy
from safetensors import SafetensorError

from fmnist_tui.files import check_regular_file, exists, sync_folder, write_atomically
from fmnist_tui.training.engine import OPTIMIZER, StepNorms, Tensors, Totals

FORMAT = 1
MAX_CHECKPOINTS = 2
_NAME = re.compile(r"step-[0-9]+")
_FILES = ("weights.safetensors", "optimizer.safetensors")


class CheckpointError(Exception):
    """A checkpoint can't be read; the text says which file and why."""


@dataclass(frozen=True)
class Position:
    """The position of a run between two steps.

    Attributes:
        epoch: The epoch in progress, from 1; one past the last when all are done.
        step: Steps taken since the start of the run.
        epoch_step: Steps taken in this epoch.
        epoch_totals: Totals over this epoch's images so far.
        epoch_seconds: Seconds of training in this epoch so far.
        seconds: Seconds of training and validation since the start of the run.
        best_accuracy: The best validation accuracy so far, 0 to 1; below 0 before the first validation.
        stale_epochs: Validations since then, for early stopping; 0 in a checkpoint of a version without it.
        norms: Those of this epoch's measured steps so far.
        threads: With how many CPU threads training goes on, if others than the run began with; else 0.
    """

    epoch: int = 1
    step: int = 0
    epoch_step: int = 0
    epoch_totals: Totals = field(default_factory=Totals)
    epoch_seconds: float = 0.0
    seconds: float = 0.0
    best_accuracy: float = -1.0
    stale_epochs: int = 0
    norms: tuple[StepNorms, ...] = ()
    threads: int = 0


@dataclass(frozen=True)
class Checkpoint:
    """A position and the engine's state there."""

    position: Position
    tensors: Tensors


def write_checkpoint(folder: Path, checkpoint: Checkpoint, check: Callable[[], object] = lambda: None) -> Path:
    """Write the checkpoint atomically as `folder`/step-NNNNNNN, and remove all but the newest two.

    Args:
        folder: The folder of checkpoints.
        checkpoint: The checkpoint.
        check: Called before the first change, and before the checkpoint is moved into place. It raises if another
            trainer has taken over the folder.

    Raises:
        OSError: The checkpoint could not be written; older ones are untouched.
    """
    check()
    folder.mkdir(exist_ok=True)
    target = folder / f"step-{checkpoint.position.step:07d}"
    temporary, replaced = folder / f".{target.name}.tmp", folder / f".{target.name}.old"
    for left in folder.glob(".step-*"):  # left by a killed process
        shutil.rmtree(left, ignore_errors=True)
    temporary.mkdir()
    try:
        _write_files(temporary, checkpoint)
        check()
        if exists(target):  # saved twice at the same step
            target.rename(replaced)
        temporary.rename(target)
    except BaseException:
        if exists(replaced) and not exists(target):
            replaced.rename(target)
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(folder)
    for old in (replaced, *checkpoint_folders(folder)[MAX_CHECKPOINTS:]):
        shutil.rmtree(old, ignore_errors=True)
    return target


def checkpoint_folders(folder: Path) -> list[Path]:
    """The checkpoints in `folder`, newest first.

    Raises:
        OSError: The folder exists but can't be read.
    """
    try:
        with os.scandir(folder) as entries:
            found = [Path(entry.path) for entry in entries if _NAME.fullmatch(entry.name) and entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(found, key=lambda path: int(path.name[5:]), reverse=True)


def load_newest(folder: Path, check: Callable[[], object] = lambda: None) -> Checkpoint | None:
    """The newest valid checkpoint, to resume from, or None if there are no checkpoints.

    What a killed process left of a write is undone. Invalid checkpoints after the one returned are set aside: otherwise
    the resumed run would keep them and remove the checkpoints it writes.

    Args:
        folder: The folder of checkpoints.
        check: Called before any are moved or removed. It raises if another trainer has taken over the folder.

    Raises:
        CheckpointError: There are checkpoints, but none of them can be read.
    """
    first_fault: CheckpointError | None = None
    try:
        if list(folder.glob(".step-*")):
            check()
            _undo_unfinished_write(folder)
        found = checkpoint_folders(folder)
    except OSError as error:  # starting over would discard the progress saved there
        raise CheckpointError(f"checkpoints {folder} can't be read ({error.strerror})") from error
    for path in found:
        try:
            taken = read_checkpoint(path)
        except CheckpointError as fault:
            first_fault = first_fault or fault
        else:
            if path != found[0]:
                check()
                _set_aside_after(path)
            return taken
    if first_fault:
        raise first_fault
    return None


def _undo_unfinished_write(folder: Path) -> None:
    """Put back a checkpoint that was about to be replaced, and remove the half-written one.

    After a last checkpoint, no later write would do so.
    """
    for replaced in folder.glob(".step-*.old"):
        target = folder / replaced.name[1:].removesuffix(".old")
        if not exists(target):
            replaced.rename(target)
    for pattern in (".step-*.old", ".step-*.tmp"):
        for left in folder.glob(pattern):
            shutil.rmtree(left, ignore_errors=True)


def _set_aside_after(taken: Path) -> None:
    """Rename the checkpoints after `taken`, so that the next `write_checkpoint` removes them."""
    for path in checkpoint_folders(taken.parent):
        if path == taken:
            return
        with suppress(OSError):
            path.rename(path.with_name(f".{path.name}.passed-over"))


def read_checkpoint(folder: Path) -> Checkpoint:
    """The checkpoint in `folder`, with its checksums verified.

    Raises:
        CheckpointError: A file is missing, damaged or of another format.
    """
    try:
        state = json.loads(_content(folder / "state.json"))
        if state["format"] != FORMAT:
            raise CheckpointError(f"checkpoint {folder} has format {state['format']}, which this version can't read")
        totals = Totals(**state["position"].pop("epoch_totals"))
        norms = tuple(
            tuple((float(one), float(two)) for one, two in step) for step in state["position"].pop("norms", ())
        )
        position = Position(**state["position"], epoch_totals=totals, norms=norms)
        tensors: Tensors = {}
        for name in _FILES:
            tensors |= _read_tensors(folder / name, state["sha256"])
    except OSError as error:
        raise CheckpointError(f"checkpoint {folder} can't be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, SafetensorError) as error:
        raise CheckpointError(f"checkpoint {folder} is damaged") from error
    return Checkpoint(position, tensors)


def _write_files(folder: Path, checkpoint: Checkpoint) -> None:
    parts: tuple[Tensors, Tensors] = ({}, {})
    for name, tensor in checkpoint.tensors.items():
        parts[name.startswith(OPTIMIZER)][name] = tensor
    checksums = {}
    for name, part in zip(_FILES, parts, strict=True):
        content = safetensors.numpy.save(part)
        checksums[name] = hashlib.sha256(content).hexdigest()
        write_atomically(folder / name, content)
    state = {"format": FORMAT, "position": asdict(checkpoint.position), "sha256": checksums}
    write_atomically(folder / "state.json", json.dumps(state, indent=2).encode())


def _read_tensors(path: Path, checksums: Mapping[str, Any]) -> Tensors:
    content = _content(path)
    if hashlib.sha256(content).hexdigest() != checksums[path.name]:
        raise CheckpointError(f"checkpoint file {path} is damaged (its checksum differs)")
    tensors: Tensors = safetensors.numpy.load(content)
    return tensors


def _content(path: Path) -> bytes:
    check_regular_file(path)
    return path.read_bytes()
