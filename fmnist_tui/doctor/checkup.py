"""All checks in order: the quick ones first, while PyTorch is being imported in the background."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

from fmnist_tui.doctor.devices import cpu_check, expects_gpu, gpu_check, query_gpus_of
from fmnist_tui.doctor.logout import logout_check
from fmnist_tui.doctor.packages import (
    TORCH_PROBE,
    TORCH_SECONDS,
    TRAINER_PROBE,
    TRAINER_SECONDS,
    libraries_check,
    torch_check,
    trainer_check,
)
from fmnist_tui.doctor.session import (
    characters_check,
    clipboard_check,
    colours_check,
    query_tmux,
    session_check,
    terminal_check,
)
from fmnist_tui.doctor.storage import disk_check, folder_check, home_checks, no_home_check, runs_check, sharing_check
from fmnist_tui.host.gpu_sources import LIBRARY
from fmnist_tui.host.machine import Check, Machine


def check_up(machine: Machine, runs: Path | None, data: str | None, cache: Path) -> Generator[Check, None, None]:
    """Yield each check as soon as it is done; closing the generator ends all its processes.

    Args:
        machine: The machine to check.
        runs: The runs folder; None if there is no home folder and none was given.
        data: The folder of the data, "demo", or None for the default sources.
        cache: The folder of downloaded and decoded data.
    """
    with closing(machine.start(TORCH_PROBE)) as torch:
        yield from (terminal_check(machine), colours_check(machine), characters_check(machine))
        tmux = query_tmux(machine)
        yield from (session_check(machine, tmux), clipboard_check(machine, tmux))
        yield from (cpu_check(machine), libraries_check(machine))
        yield from [no_home_check()] if runs is None else _storage_checks(machine, runs)
        yield from home_checks()
        yield logout_check(machine)
        trainer = machine.ask(*TRAINER_PROBE, seconds=TRAINER_SECONDS)
        yield trainer_check(trainer.status, trainer.errors)
        from fmnist_tui.data.quick_check import data_check  # imports NumPy, which the checks above don't need

        yield data_check(data, cache)
        gpu_expected = False
        if machine.has_library(LIBRARY):
            gpus = query_gpus_of(machine)
            gpu_expected = expects_gpu(gpus)
            yield gpu_check(gpus, machine.environ.get("CUDA_VISIBLE_DEVICES"))
        yield torch_check(machine, torch.result(TORCH_SECONDS), gpu_expected=gpu_expected)


def _storage_checks(machine: Machine, runs: Path) -> Iterator[Check]:
    yield folder_check(machine, runs)
    if (sharing := sharing_check(machine, runs)) is not None:
        yield sharing
    yield disk_check(machine, runs)
    yield runs_check(runs)
