"""Requesting runs, for the command line and the app, and what is checked before: device, data, disk space."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fmnist_tui.data import DataError, load
from fmnist_tui.data.location import DEMO
from fmnist_tui.data.quick_check import data_check, image_shape
from fmnist_tui.errors import RunError
from fmnist_tui.files import existing
from fmnist_tui.host.machine import CheckState
from fmnist_tui.host.node import available_cpus
from fmnist_tui.host.processes import python_command, run_command
from fmnist_tui.models.layers import layer_table
from fmnist_tui.models.named import refresh
from fmnist_tui.models.spec import FASHION_MNIST_CLASSES, FASHION_MNIST_SHAPE, ImageShape
from fmnist_tui.paths import AppPaths
from fmnist_tui.runs.directory import RunDirectory
from fmnist_tui.runs.request import request_run
from fmnist_tui.runs.run_writer import first_line
from fmnist_tui.text import amount, counted
from fmnist_tui.training.checkpoint import MAX_CHECKPOINTS
from fmnist_tui.training.config import ConfigError, TrainingConfig, check_device

_ASK_DEVICE = python_command("fmnist_tui.training.devices")
_SECONDS = 30.0
_BESIDE = 4_000_000
"""Bytes: the log, the snapshots, and the predictions for 10,000 images."""


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


def request_runs(configs: Sequence[TrainingConfig], folders: AppPaths, *, here: bool = True) -> RequestedRuns:
    """Makes a run directory for each configuration, once it is known that all of them can start.

    Takes seconds where a GPU is named, since PyTorch has to look for it.

    Args:
        configs: What to train.
        folders: The folders.
        here: Whether they are trained on this machine, so that it must have their devices.

    Raises:
        DataError: The data folder doesn't hold what it should.
        ConfigError: A device isn't there, or the code of a custom model fails.
    """
    images = check_startable(configs, folders.data, folders.cache, here=here)
    configs = with_current_code(configs, folders.data, folders.cache)
    requested = RequestedRuns(warning=disk_space_warning(folders.runs, configs, *images))
    for config in configs:
        try:
            requested.runs.append(request_run(folders.runs, config, folders.data))
        except RunError as error:
            requested.failed.append(str(error))
    return requested


def image_format(data: str | None, cache: Path) -> tuple[ImageShape, int]:
    """The shape of the images (channels, height, width) and the number of classes.

    Raises:
        DataError: The data folder doesn't hold what it should.
    """
    shape, classes = _header(data, cache)
    return shape, classes or len(load(data, cache).classes)


def _header(data: str | None, cache: Path) -> tuple[ImageShape, int | None]:
    """The same without reading the images: the number of classes may not be known."""
    return (FASHION_MNIST_SHAPE, FASHION_MNIST_CLASSES) if data in (None, DEMO) else image_shape(data, cache)


def with_current_code(configs: Sequence[TrainingConfig], data: str | None, cache: Path) -> list[TrainingConfig]:
    """The configurations with the code of custom models as it is now, checked again where it has changed.

    Whoever starts a training names its model, so the changed code is theirs.

    Raises:
        DataError: The data folder doesn't hold what it should.
        SourceError: The code fails; a ConfigError.
    """
    custom = {config.version: config.model for config in configs if config.source is not None}
    if not custom:
        return list(configs)
    images = image_format(data, cache)
    now = {name: refresh(model, *images).source for name, model in custom.items()}
    return [replace(config, source=now.get(config.version)) for config in configs]


def resolve_device(config: TrainingConfig, gpu: str = "cuda:0") -> TrainingConfig:
    """The configuration with PyTorch's name of the device, and as many threads as CPUs unless a number is requested.

    Args:
        config: As requested.
        gpu: The device to use if any GPU would do: "cuda:1".

    Raises:
        ConfigError: The device doesn't exist or doesn't have the precision, or PyTorch is missing or broken.
    """
    check_device(config.model, config.device)
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


def check_startable(
    configs: Sequence[TrainingConfig], data: str | None, cache: Path, *, here: bool = True
) -> tuple[ImageShape, int | None]:
    """Check what can be checked before training; whether data can be fetched is left to the trainer.

    Takes seconds if a GPU is named, because PyTorch has to look for it.

    Args:
        configs: What is to be trained.
        data: The folder of the data, "demo", or None for the usual locations.
        cache: The folder of decoded data.
        here: Whether it is trained on this machine.

    Returns:
        The images' shape (channels, height, width), and the number of classes if it is known from a header.

    Raises:
        DataError: The folder doesn't contain the data, according to names, headers and sizes.
        ConfigError: A device doesn't exist, or a model can't be trained on images of this size.
    """
    if data is not None:
        row = data_check(data, cache)
        if row.state is CheckState.PROBLEM:
            raise DataError(row.message, row.advice)
    images = _header(data, cache)
    _check_shape(configs, *images, own_data=data not in (None, DEMO))
    if not here:
        return images
    wanted = {(config.device, config.hyperparameters.precision) for config in configs if config.model.needs_torch}
    for device, precision in sorted(wanted - {("auto", "float32"), ("cpu", "float32"), ("cpu", "bf16")}):
        _check_device(device, precision)
    return images


def _check_shape(configs: Sequence[TrainingConfig], shape: ImageShape, classes: int | None, *, own_data: bool) -> None:
    """Raise ConfigError if a model's arithmetic doesn't work out for such images; custom models are tried anyway.

    Args:
        configs: What is to be trained.
        shape: Channels, height and width.
        classes: Number of classes, if it is known.
        own_data: Whether they may be other images than Fashion-MNIST's, for which the models were made.
    """
    for config in configs:
        if config.source is not None or not (own_data or config.model_options):
            continue
        try:
            layer_table(config.model, shape, classes or FASHION_MNIST_CLASSES, tuple(config.model_options.items()))
        except ImportError:  # another check says so
            return
        except (ValueError, RuntimeError) as error:
            advice = "change its settings" if config.model_options else "try v0"
            why = f"{config.version} can't be trained on this data: {first_line(error)}; {advice}"
            raise ConfigError(why) from None


def _check_device(wanted: str, precision: str) -> None:
    report = run_command([*_ASK_DEVICE, wanted, precision], _SECONDS).report()
    if report is None:
        raise ConfigError(f"PyTorch can't look for device {wanted}; run `fmnist-tui doctor`, or use --device cpu")
    if fault := report.get("fault"):
        raise ConfigError(str(fault))


def disk_space_warning(
    runs: Path, configs: Sequence[TrainingConfig], shape: ImageShape = FASHION_MNIST_SHAPE, classes: int | None = None
) -> str:
    """A warning if a folder has less free space than trainings on such images will take, else ""."""
    needed = bytes_needed(configs, shape, classes)
    try:
        free = shutil.disk_usage(existing(runs)).free
    except OSError:
        return ""
    if free >= needed:
        return ""
    message = f"{amount(free)} free in {runs}, but {counted(len(configs), 'run')} will take about {amount(needed)}"
    return f"{message}: free some space, or choose another folder with --runs"


def bytes_needed(
    configs: Sequence[TrainingConfig], shape: ImageShape = FASHION_MNIST_SHAPE, classes: int | None = None
) -> int:
    """Bytes that runs leave on disk, and one more checkpoint: the old one is deleted after the new one."""
    weights = [4 * _parameters(config, shape, classes or FASHION_MNIST_CLASSES) for config in configs]
    checkpoints = [size * _copies(config) for size, config in zip(weights, configs, strict=True)]
    saved = MAX_CHECKPOINTS * sum(checkpoints) + sum(weights)
    return saved + max(checkpoints, default=0) + _BESIDE * len(configs)


def _copies(config: TrainingConfig) -> int:
    """How often a checkpoint has each weight: itself, SGD's velocity or AdamW's two moments, and its average."""
    settings = config.hyperparameters
    return (2 if settings.optimizer == "sgd" else 3) + (settings.ema > 0)


def _parameters(config: TrainingConfig, shape: ImageShape, classes: int) -> int:
    try:
        return layer_table(config.model, shape, classes, tuple(config.model_options.items())).parameters
    except ImportError:  # the run fails for want of PyTorch, and says so
        return 0
