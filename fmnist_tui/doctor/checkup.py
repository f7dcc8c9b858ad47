"""All checks in their order: the quick ones first, while PyTorch and the GPU's driver take their time."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

from fmnist_tui.doctor.devices import cpu_check, expects_gpu, gpu_check, query_gpus_of
from fmnist_tui.doctor.logout import logout_check
from fmnist_tui.doctor.packages import (
    ASK_TORCH,
    ASK_TRAINER,
    TORCH_SECONDS,
    TRAINER_SECONDS,
    libraries_check,
    torch_check,
    trainer_check,
)
from fmnist_tui.doctor.session import ask_tmux, clipboard_check, session_check
from fmnist_tui.doctor.storage import disk_check, folder_check, home_checks, no_home_check, runs_check, sharing_check
from fmnist_tui.host.check import Check
from fmnist_tui.host.gpu_sources import LIBRARY
from fmnist_tui.host.machine import Machine
from fmnist_tui.host.terminal import characters_check, colours_check, terminal_check


def check_up(machine: Machine, runs: Path | None, data: str | None, cache: Path) -> Generator[Check, None, None]:
    """The rows, each as soon as it is known; nothing goes on when the iterator is closed.

    Args:
        machine: What is looked at.
        runs: The folder of runs; None where there is no home folder, and none was named.
        data: The folder of the data, "demo", or None for the usual places.
        cache: Where fetched and decoded data is kept.
    """
    with closing(machine.start(ASK_TORCH)) as torch:
        yield from (terminal_check(machine), colours_check(machine), characters_check(machine))
        tmux = ask_tmux(machine)
        yield from (session_check(machine, tmux), clipboard_check(machine, tmux))
        yield from (cpu_check(machine), libraries_check(machine))
        yield from [no_home_check()] if runs is None else _storage_checks(machine, runs)
        yield from home_checks()
        yield logout_check(machine)
        trainer = machine.ask(*ASK_TRAINER, seconds=TRAINER_SECONDS)
        yield trainer_check(trainer.status, trainer.errors)
        from fmnist_tui.data.quick_check import data_check  # loads NumPy, which the rows above needn't wait for

        yield data_check(data, cache)
        gpu_wanted = False
        if machine.has_library(LIBRARY):
            gpus = query_gpus_of(machine)
            gpu_wanted = expects_gpu(gpus)
            yield gpu_check(gpus, machine.environ.get("CUDA_VISIBLE_DEVICES"))
        yield torch_check(machine, torch.result(TORCH_SECONDS), gpu_wanted=gpu_wanted)


def _storage_checks(machine: Machine, runs: Path) -> Iterator[Check]:
    yield folder_check(machine, runs)
    if (sharing := sharing_check(machine, runs)) is not None:
        yield sharing
    yield disk_check(machine, runs)
    yield runs_check(runs)
