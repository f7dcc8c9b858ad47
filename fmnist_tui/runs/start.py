"""Requesting runs, for the command line and the app, and what is checked before: device, data, disk space."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fmnist_tui.data import DataError
from fmnist_tui.data.quick_check import data_check
from fmnist_tui.errors import RunError
from fmnist_tui.files import existing
from fmnist_tui.host.machine import CheckState
from fmnist_tui.host.node import available_cpus
from fmnist_tui.host.processes import python_command, run_command
from fmnist_tui.models.layers import layer_table
from fmnist_tui.paths import AppPaths
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.request import request_run
from fmnist_tui.runs.run_writer import first_line
from fmnist_tui.text import amount, counted
from fmnist_tui.training.checkpoint import MAX_CHECKPOINTS
from fmnist_tui.training.config import ConfigError, TrainingConfig, check_device

_ASK_DEVICE = python_command("fmnist_tui.training.devices")
_SECONDS = 30.0
_BESIDE = 2_000_000
"""Bytes: the log, and the predictions for 10,000 images."""


@dataclass
class RequestedRuns:
    """Run directories with a request and no trainer yet.

    Attributes:
        runs: The new runs, in the order of their configurations.
        failed: Why others could not be made, a line each.
        warning: A line where the disk may be too small for them; "" where it isn't.
    """

    runs: list[RunDirectory] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    warning: str = ""


def request_runs(configs: Sequence[TrainingConfig], folders: AppPaths) -> RequestedRuns:
    """Makes a run directory for each configuration, once it is known that all of them can start here.

    Takes seconds where a GPU is named, since PyTorch has to look for it.

    Raises:
        DataError: The data folder doesn't hold what it should.
        ConfigError: A device isn't there.
    """
    check_startable(configs, folders.data, folders.cache)
    requested = RequestedRuns(warning=disk_space_warning(folders.runs, configs))
    for config in configs:
        try:
            requested.runs.append(request_run(folders.runs, config, folders.data))
        except RunError as error:
            requested.failed.append(str(error))
    return requested


def resolve_device(config: TrainingConfig, gpu: str = "cuda:0") -> TrainingConfig:
    """The configuration with PyTorch's name of the device, and as many threads as CPUs unless a number is requested.

    Args:
        config: As requested.
        gpu: The device to use if any GPU would do: "cuda:1".

    Raises:
        ConfigError: The device doesn't exist or doesn't have the precision, or PyTorch is missing or broken.
    """
    check_device(config.version, config.device)
    precision = config.hyperparameters.precision
    device = "cpu" if not config.model.needs_torch else _device_of_pytorch(config.device, gpu, precision)
    return replace(config, device=device, threads=config.threads or available_cpus())


def _device_of_pytorch(wanted: str, gpu: str, precision: str) -> str:
    try:
        from fmnist_tui.training.devices import check_precision, resolve
    except (ImportError, OSError) as error:  # a build for another machine, a library that it misses
        raise ConfigError(f"PyTorch is broken ({first_line(error)}); reinstall it: pip install torch") from error
    device = resolve(wanted, gpu)
    check_precision(precision, device)
    return device


def check_startable(configs: Sequence[TrainingConfig], data: str | None, cache: Path) -> None:
    """Check what can be checked before training; whether data can be fetched is left to the trainer.

    Takes seconds if a GPU is named, because PyTorch has to look for it.

    Args:
        configs: What is to be trained.
        data: The folder of the data, "demo", or None for the usual locations.
        cache: The folder of decoded data.

    Raises:
        DataError: The folder doesn't contain the data, according to names, headers and sizes.
        ConfigError: A device doesn't exist, or a network can't be built.
    """
    _check_networks(configs)
    if data is not None:
        row = data_check(data, cache)
        if row.state is CheckState.PROBLEM:
            raise DataError(row.message, row.advice)
    wanted = {(config.device, config.hyperparameters.precision) for config in configs if config.model.needs_torch}
    for device, precision in sorted(wanted - {("auto", "float32"), ("cpu", "float32"), ("cpu", "bf16")}):
        _check_device(device, precision)


def _check_networks(configs: Sequence[TrainingConfig]) -> None:
    """Raise ConfigError if a network can't be built with the settings of its own: too many blocks for the images."""
    for config in configs:
        if config.model_options:
            try:
                layer_table(config.model, options=tuple(config.model_options.items()))
            except ValueError as error:
                raise ConfigError(f"{config.version}: {error}") from None


def _check_device(wanted: str, precision: str) -> None:
    report = run_command([*_ASK_DEVICE, wanted, precision], _SECONDS).report()
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
    message = f"{amount(free)} free in {runs}, but {counted(len(configs), 'run')} will take about {amount(needed)}"
    return f"{message}: free some space, or choose another folder with --runs"


def bytes_needed(configs: Sequence[TrainingConfig]) -> int:
    """Bytes that runs leave on disk, and one more checkpoint: the old one is deleted after the new one."""
    checkpoints = [_checkpoint(config) for config in configs]
    saved = sum(
        MAX_CHECKPOINTS * size + 4 * _parameters(config) for size, config in zip(checkpoints, configs, strict=True)
    )
    return saved + max(checkpoints, default=0) + _BESIDE * len(configs)


def _checkpoint(config: TrainingConfig) -> int:
    """Bytes of a checkpoint: float32 weights, SGD's velocity or AdamW's two moments for each, and their averages."""
    settings = config.hyperparameters
    copies = (2 if settings.optimizer == "sgd" else 3) + (settings.ema > 0)
    return 4 * copies * _parameters(config)


def _parameters(config: TrainingConfig) -> int:
    return layer_table(config.model, options=tuple(config.model_options.items())).parameters
