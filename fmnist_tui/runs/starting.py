"""Whether trainings can start, said before a run is made for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fmnist_tui.data import DataError
from fmnist_tui.host.command import run_command
from fmnist_tui.host.python import python_command
from fmnist_tui.runs.machine.data_seen import data_row
from fmnist_tui.runs.machine.row import State
from fmnist_tui.training.config import ConfigError, TrainingConfig

_ASK_DEVICE = python_command("fmnist_tui.runs.machine.device_probe")
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
        row = data_row(data, cache)
        if row.state is State.PROBLEM:
            raise DataError(row.seen, row.advice)
    for device in sorted({config.device for config in configs} - {"auto", "cpu"}):
        _check_device(device)


def _check_device(wanted: str) -> None:
    report = run_command([*_ASK_DEVICE, wanted], _SECONDS).report()
    if report is None:
        raise ConfigError(f"PyTorch can't look for device {wanted}; `fmnist-tui doctor` says why; or use --device cpu")
    if fault := report.get("fault"):
        raise ConfigError(str(fault))
