"""Checks before trainings start (device, data, disk space), and the configuration with device and threads resolved."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fmnist_tui.data import DataError
from fmnist_tui.data.quick_check import data_check
from fmnist_tui.files import existing
from fmnist_tui.host.check import CheckState
from fmnist_tui.host.cpus import available_cpus
from fmnist_tui.host.processes import python_command, run_command
from fmnist_tui.models.layers import layer_table
from fmnist_tui.runs.run_writer import first_line
from fmnist_tui.text import amount, counted
from fmnist_tui.training.checkpoint import MAX_CHECKPOINTS
from fmnist_tui.training.config import ConfigError, TrainingConfig, check_device

_ASK_DEVICE = python_command("fmnist_tui.training.devices")
_SECONDS = 30.0
_BESIDE = 2_000_000
"""Bytes: the log, and the predictions for 10,000 images."""


def resolve_device(config: TrainingConfig, place: str = "cuda:0") -> TrainingConfig:
    """The configuration with PyTorch's name of the device, and as many threads as CPUs unless a number is requested.

    Args:
        config: As requested.
        place: The device to use if any GPU would do: "cuda:1".

    Raises:
        ConfigError: The device doesn't exist, or PyTorch is missing or broken.
    """
    check_device(config.version, config.device)
    device = "cpu" if not config.model.needs_torch else _device_of_pytorch(config.device, place)
    return replace(config, device=device, threads=config.threads or available_cpus())


def _device_of_pytorch(wanted: str, place: str) -> str:
    try:
        from fmnist_tui.training.devices import resolve
    except (ImportError, OSError) as error:  # a build for another machine, a library that it misses
        raise ConfigError(f"PyTorch is broken ({first_line(error)}); reinstall it: pip install torch") from error
    return resolve(wanted, place)


def check_startable(configs: Sequence[TrainingConfig], data: str | None, cache: Path) -> None:
    """Check what can be checked before training; whether data can be fetched is left to the trainer.

    Takes seconds if a GPU is named, because PyTorch has to look for it.

    Args:
        configs: What is to be trained.
        data: The folder of the data, "demo", or None for the usual locations.
        cache: The folder of decoded data.

    Raises:
        DataError: The folder doesn't contain the data, according to names, headers and sizes.
        ConfigError: A device doesn't exist.
    """
    if data is not None:
        row = data_check(data, cache)
        if row.state is CheckState.PROBLEM:
            raise DataError(row.seen, row.advice)
    for device in sorted({config.device for config in configs} - {"auto", "cpu"}):
        _check_device(device)


def _check_device(wanted: str) -> None:
    report = run_command([*_ASK_DEVICE, wanted], _SECONDS).report()
    if report is None:
        raise ConfigError(f"PyTorch can't look for device {wanted}; run `fmnist-tui doctor`, or use --device cpu")
    if fault := report.get("fault"):
        raise ConfigError(str(fault))


def disk_space_warning(runs: Path, configs: Sequence[TrainingConfig]) -> str:
    """A warning if a folder has less free space than the trainings will take, else ""."""
    needed = bytes_needed(configs)
    try:
        free = shutil.disk_usage(existing(runs)).free
    except OSError:
        return ""
    if free >= needed:
        return ""
    seen = f"{amount(free)} free in {runs}, but {counted(len(configs), 'run')} will take about {amount(needed)}"
    return f"{seen}: free some space, or choose another folder with --runs"


def bytes_needed(configs: Sequence[TrainingConfig]) -> int:
    """Bytes that runs leave on disk, and one more checkpoint: the old one is deleted after the new one."""
    checkpoints = [_checkpoint(config) for config in configs]
    kept = sum(
        MAX_CHECKPOINTS * size + 4 * layer_table(config.model).parameters
        for size, config in zip(checkpoints, configs, strict=True)
    )
    return kept + max(checkpoints, default=0) + _BESIDE * len(configs)


def _checkpoint(config: TrainingConfig) -> int:
    """Bytes of a checkpoint: float32 weights, and SGD's velocity or AdamW's two moments for each."""
    copies = {"sgd": 2, "adamw": 3}[config.hyperparameters.optimizer]
    return 4 * copies * layer_table(config.model).parameters
