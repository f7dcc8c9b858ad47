"""How long a training will take on this machine: from earlier runs here, else a rough estimate."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fmnist_tui.models.layers import layer_table
from fmnist_tui.runs.run import Run
from fmnist_tui.training.config import TrainingConfig

_RECENT = 5
_SIDE = 1024
_FRACTION_OF_PEAK = 0.4
"""Speed of a training step relative to a matrix product of the same MACs; 0.3 to 0.5 where it was measured."""
_VALIDATED = 1 / 9
"""Validation images per training image; each costs a third of a training step."""


@dataclass(frozen=True)
class Estimate:
    """Seconds of training and validation, and whether they are known from an earlier run here."""

    seconds: float
    measured: bool


def estimate(
    config: TrainingConfig, images: int, device: str, runs: Sequence[Run], host: str, peak: float
) -> Estimate | None:
    """The time that a training will take.

    Args:
        config: Its configuration.
        images: Number of training images, those for validation not included.
        device: "cpu", "cuda:0", "mps".
        runs: All runs; those of the same model, kind of device and host, with a similar batch size, are used.
        host: This machine's name.
        peak: MACs per second of this machine's CPUs, from `matrix_peak`.

    Returns:
        None if no such run is known and the device is not the CPU.
    """
    passes = images * config.hyperparameters.epochs
    known = [cost for run in runs if (cost := _cost(run, config, device, host)) is not None]
    if known:
        return Estimate(passes * statistics.median(known[:_RECENT]), measured=True)
    if device != "cpu":
        return None
    work = layer_table(config.model).macs * (3 + _VALIDATED)  # forward, and twice that much backward
    return Estimate(passes * work / (peak * _FRACTION_OF_PEAK), measured=False)


def matrix_peak() -> float:
    """MACs per second of a float32 matrix product on all CPUs that NumPy uses; takes about 50 ms."""
    factor = np.ones((_SIDE, _SIDE), np.float32)
    best = float("inf")
    for _ in range(3):
        begun = time.perf_counter()
        factor @ factor
        best = min(best, time.perf_counter() - begun)
    return _SIDE**3 / best


def _cost(run: Run, config: TrainingConfig, device: str, host: str) -> float | None:
    """Seconds per image and epoch, validation included; None if the run is too different from this training."""
    same = run.version == config.version and run.manifest.host == host
    kinds = {one.partition(":")[0] for one in run.devices}
    if not same or kinds != {device.partition(":")[0]} or run.result is None:
        return None
    batch = run.manifest.batch_size or 0
    if not 0.5 <= batch / config.hyperparameters.batch_size <= 2:
        return None
    seconds, epochs = run.result.seconds, run.result.epochs
    images = run.n_train
    return seconds / (epochs * images) if seconds and epochs and images else None
