"""A configuration with the device and the number of threads that it will really have on this machine."""

from __future__ import annotations

from dataclasses import replace

from fmnist_tui.host.cpus import available_cpus
from fmnist_tui.runs.faults import first_line
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
