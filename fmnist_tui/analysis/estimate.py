"""How long a training will take on this machine, said before it starts: by earlier runs, else by a guess."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fmnist_tui.models.catalogue import version
from fmnist_tui.runs.run import Run
from fmnist_tui.training.config import TrainingConfig

_RECENT = 5
_SIDE = 1024
_SHARE_OF_PEAK = 0.4
"""Of the speed of a bare matrix product, what a training step gets; between 0.3 and 0.5 where it was measured."""
_VALIDATED = 1 / 9
"""Validation images for each training image, which cost a third of a training step each."""


@dataclass(frozen=True)
class Estimate:
    """Seconds of training and validation, and whether an earlier run here told them."""

    seconds: float
    measured: bool


def estimate(
    config: TrainingConfig, images: int, device: str, records: Sequence[Run], host: str, peak: float
) -> Estimate | None:
    """The time that a configuration will take.

    Args:
        config: What will be trained.
        images: How many images it will be trained on.
        device: Where: "cpu", "cuda:0", "mps".
        records: All runs; those of the same version, kind of device, host and similar batches count.
        host: This machine's name.
        peak: Multiply-adds a second of this machine's CPUs, from `matrix_peak`.

    Returns:
        None where nothing is known of the device.
    """
    passes = images * config.hyperparameters.epochs
    known = [cost for record in records if (cost := _cost(record, config, device, host)) is not None]
    if known:
        return Estimate(passes * statistics.median(known[:_RECENT]), measured=True)
    if device != "cpu":
        return None
    work = version(config.version).multiply_adds * (3 + _VALIDATED)  # forward, and twice that much backward
    return Estimate(passes * work / (peak * _SHARE_OF_PEAK), measured=False)


def matrix_peak() -> float:
    """Multiply-adds a second of a float32 matrix product on all CPUs that NumPy uses; takes some 50 ms."""
    factor = np.ones((_SIDE, _SIDE), np.float32)
    best = float("inf")
    for _ in range(3):
        begun = time.perf_counter()
        factor @ factor
        best = min(best, time.perf_counter() - begun)
    return _SIDE**3 / best


def _cost(record: Run, config: TrainingConfig, device: str, host: str) -> float | None:
    """Seconds that one image took once, validation included; None where the run tells nothing for this training."""
    same = record.version == config.version and record.manifest.host == host
    kinds = {one.partition(":")[0] for one in record.devices}
    if not same or kinds != {device.partition(":")[0]} or record.result is None:
        return None
    batch = record.manifest.batch_size or 0
    if not 0.5 <= batch / config.hyperparameters.batch_size <= 2:
        return None
    seconds, epochs = record.result.seconds, record.result.epochs
    images = record.n_train
    return seconds / (epochs * images) if seconds and epochs and images else None
