"""Whether trainings can start here, and the configuration with its device and threads resolved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fmnist_tui.data import DataError
from fmnist_tui.data.quick_check import data_check
from fmnist_tui.host.check import CheckState
from fmnist_tui.host.cpus import available_cpus
from fmnist_tui.host.processes import python_command, run_command
from fmnist_tui.runs.run_writer import first_line
from fmnist_tui.training.config import ConfigError, TrainingConfig, check_device


def resolved(config: TrainingConfig, place: str = "cuda:0") -> TrainingConfig:
    """With the device that PyTorch will use, and as many threads as there are CPUs where none are asked for.

    Args:
        config: As somebody asked for it.
        place: Where to train if any GPU would do: "cuda:1".

    Raises:
        ConfigError: The device isn't there, or PyTorch is missing or broken.
    """
    check_device(config.version, config.device)
    device = "cpu" if config.version == "v0" else _device_of_pytorch(config.device, place)
    return replace(config, device=device, threads=config.threads or available_cpus())


def _device_of_pytorch(wanted: str, place: str) -> str:
    try:
        from fmnist_tui.training.devices import resolve
    except (ImportError, OSError) as error:  # a build for another machine, a library that it misses
        raise ConfigError(f"PyTorch is broken ({first_line(error)}); install it again: pip install torch") from error
    return resolve(wanted, place)


_ASK_DEVICE = python_command("fmnist_tui.training.devices")
_SECONDS = 30.0


def check_startable(configs: Sequence[TrainingConfig], data: str | None, cache: Path) -> None:
    """Says nothing where nothing speaks against training; whether data can be fetched only a trainer finds out.

    Takes seconds where a GPU is named, since PyTorch has to look for it.

    Args:
        configs: What shall be trained.
        data: The folder of the data, "demo", or None for the usual places.
        cache: Where decoded data is kept.

    Raises:
        DataError: The folder doesn't hold what it should, by names, headers and sizes.
        ConfigError: A device isn't there.
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
        raise ConfigError(f"PyTorch can't look for device {wanted}; `fmnist-tui doctor` says why; or use --device cpu")
    if fault := report.get("fault"):
        raise ConfigError(str(fault))
