"""Whether the disk has room for what trainings will write."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from fmnist_tui.files import existing
from fmnist_tui.models.catalogue import version
from fmnist_tui.text import amount, counted
from fmnist_tui.training.checkpoint import MAX_CHECKPOINTS
from fmnist_tui.training.config import TrainingConfig

_BESIDE = 2_000_000
"""Bytes: the log, and the predictions of 10 000 images."""


def little_room(runs: Path, configs: Sequence[TrainingConfig]) -> str:
    """A line on a folder that has less free space than the trainings will take; "" where there is enough."""
    needed = bytes_needed(configs)
    try:
        free = shutil.disk_usage(existing(runs)).free
    except OSError:
        return ""
    if free >= needed:
        return ""
    seen = f"{amount(free)} free in {runs}, but {counted(len(configs), 'run')} will take about {amount(needed)}"
    return f"{seen}: make room, or choose another folder with --runs"


def bytes_needed(configs: Sequence[TrainingConfig]) -> int:
    """What runs leave on the disk, and room for one checkpoint more: an old one goes when the new one is there."""
    checkpoints = [_checkpoint(config) for config in configs]
    kept = sum(
        MAX_CHECKPOINTS * size + 4 * version(config.version).parameters
        for size, config in zip(checkpoints, configs, strict=True)
    )
    return kept + max(checkpoints, default=0) + _BESIDE * len(configs)


def _checkpoint(config: TrainingConfig) -> int:
    """Bytes of one: float32 weights, and SGD's velocity or AdamW's two moments for each."""
    copies = 2 if config.version == "v0" else 3
    return 4 * copies * version(config.version).parameters
