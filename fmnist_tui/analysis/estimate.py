"""How long a training will take on this machine: from earlier runs here, else a rough estimate."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fmnist_tui.host.node import available_cpus
from fmnist_tui.models.layers import layer_table
from fmnist_tui.models.spec import FASHION_MNIST_SHAPE, ImageShape
from fmnist_tui.runs.run import Run
from fmnist_tui.training.config import TrainingConfig

_RECENT = 5
_REST_SECONDS = 0.003
_SIDE, _PRODUCTS, _SAMPLES = 64, 20, 40
"""NumPy leaves a product of so small matrices to one thread, whose CPU time other processes don't change."""
_FRACTION_OF_PEAK = 0.7
"""Speed of a training step relative to such products on all CPUs.

Measured on two CPUs without other load: 0.60 to 0.72 for v0, 0.70 to 0.84 for v1, 0.73 to 0.87 for v3. One thread
reaches more; several threads are less than so many times as fast.
"""
_DECISIVE = ("optimizer", "precision")
"""Settings that a step's time depends on."""
_VALIDATED = 1 / 9
"""Validation images per training image; each costs a third of a training step."""


@dataclass(frozen=True)
class Estimate:
    """Seconds of training and validation, and whether they are known from an earlier run here."""

    seconds: float
    measured: bool


def estimate(
    config: TrainingConfig,
    images: int,
    device: str,
    runs: Sequence[Run],
    host: str,
    peak: float,
    macs: int | None = None,
    image_shape: ImageShape = FASHION_MNIST_SHAPE,
) -> Estimate | None:
    """The time that a training will take.

    Args:
        config: Its configuration.
        images: Number of training images, those for validation not included.
        device: "cpu", "cuda:0", "mps".
        runs: All runs; those of the same model, image shape, kind of device and host, with a similar batch size, are
            used.
        host: This machine's name.
        peak: MACs per second of this machine's CPUs, from `matrix_peak`.
        macs: Of one image's forward pass; None for the model's on Fashion-MNIST.
        image_shape: Channels, height and width of the images.

    Returns:
        None if no such run is known and the device is not the CPU.
    """
    passes = images * config.hyperparameters.epochs
    alike = [run for run in runs if run.image_shape == image_shape]
    known = [cost for run in alike if (cost := _cost(run, config, device, host)) is not None]
    if known:
        return Estimate(passes * statistics.median(known[:_RECENT]), measured=True)
    if device != "cpu":
        return None
    if macs is None:
        macs = layer_table(config.model, options=tuple(config.model_options.items())).macs
    work = macs * (3 + _VALIDATED)  # forward, and twice that much backward
    return Estimate(passes * work / (peak * _FRACTION_OF_PEAK), measured=False)


def matrix_peak() -> float:
    """MACs per second of float32 matrix products on all CPUs, were they idle; takes about 0.15 s, mostly asleep.

    One thread's CPU time is measured: the wall time of a large product was ten times as long on a busy machine.
    """
    factor = np.ones((_SIDE, _SIDE), np.float32)
    product = np.empty_like(factor)
    best = float("inf")
    for _ in range(_SAMPLES):
        begun = time.thread_time()
        for _ in range(_PRODUCTS):
            np.matmul(factor, factor, out=product)
        best = min(best, time.thread_time() - begun)
        time.sleep(_REST_SECONDS)  # the CPU may be slow for some milliseconds, with a busy neighbour on its core
    return available_cpus() * _PRODUCTS * _SIDE**3 / max(best, 1e-9)


def _cost(run: Run, config: TrainingConfig, device: str, host: str) -> float | None:
    """Seconds per image and epoch, validation included; None if the run is too different from this training."""
    same = run.version == config.version and run.manifest.host == host
    kinds = {one.partition(":")[0] for one in run.devices}
    if not same or kinds != {device.partition(":")[0]} or run.result is None:
        return None
    settings = run.manifest.settings
    own = {name: getattr(config.hyperparameters, name) for name in _DECISIVE}
    if any(settings.get(name, value) != value for name, value in own.items()):
        return None
    if run.manifest.model_options != json.loads(json.dumps(dict(config.model_options))):
        return None
    batch = run.manifest.batch_size or 0
    if not 0.5 <= batch / config.hyperparameters.batch_size <= 2:
        return None
    seconds, epochs = run.result.seconds, run.result.epochs
    images = run.n_train
    return seconds / (epochs * images) if seconds and epochs and images else None
