"""All checks in their order: the quick ones first, while PyTorch and the GPU's driver take their time."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

from fmnist_tui.doctor.devices import cpu_row, expects_gpu, gpu_row, query_gpus_of
from fmnist_tui.doctor.logout import logout_row
from fmnist_tui.doctor.packages import (
    ASK_TORCH,
    ASK_TRAINER,
    TORCH_SECONDS,
    TRAINER_SECONDS,
    libraries_row,
    torch_row,
    trainer_row,
)
from fmnist_tui.doctor.session import ask_tmux, clipboard_row, session_row
from fmnist_tui.doctor.storage import disk_row, folder_row, home_rows, no_home_row, runs_row, sharing_row
from fmnist_tui.host.check import Row
from fmnist_tui.host.gpu_sources import LIBRARY
from fmnist_tui.host.machine import Machine
from fmnist_tui.host.terminal import characters_row, colours_row, terminal_row


def check_up(machine: Machine, runs: Path | None, data: str | None, cache: Path) -> Generator[Row, None, None]:
    """The rows, each as soon as it is known; nothing goes on when the iterator is closed.

    Args:
        machine: What is looked at.
        runs: The folder of runs; None where there is no home folder, and none was named.
        data: The folder of the data, "demo", or None for the usual places.
        cache: Where fetched and decoded data is kept.
    """
    with closing(machine.start(ASK_TORCH)) as torch:
        yield from (terminal_row(machine), colours_row(machine), characters_row(machine))
        tmux = ask_tmux(machine)
        yield from (session_row(machine, tmux), clipboard_row(machine, tmux))
        yield from (cpu_row(machine), libraries_row(machine))
        yield from [no_home_row()] if runs is None else _storage_rows(machine, runs)
        yield from home_rows()
        yield logout_row(machine)
        trainer = machine.ask(*ASK_TRAINER, seconds=TRAINER_SECONDS)
        yield trainer_row(trainer.status, trainer.errors)
        from fmnist_tui.data.quick_check import data_row  # loads NumPy, which the rows above needn't wait for

        yield data_row(data, cache)
        gpu_wanted = False
        if machine.has_library(LIBRARY):
            gpus = query_gpus_of(machine)
            gpu_wanted = expects_gpu(gpus)
            yield gpu_row(gpus, machine.environ.get("CUDA_VISIBLE_DEVICES"))
        yield torch_row(machine, torch.result(TORCH_SECONDS), gpu_wanted=gpu_wanted)


def _storage_rows(machine: Machine, runs: Path) -> Iterator[Row]:
    yield folder_row(machine, runs)
    if (sharing := sharing_row(machine, runs)) is not None:
        yield sharing
    yield disk_row(machine, runs)
    yield runs_row(runs)
